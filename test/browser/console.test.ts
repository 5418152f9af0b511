/** The console in a real browser, on a real control plane with a real agent: `dray up`, as a user starts it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { desktop, openBrowser, openPage, phone, violations } from './browser.ts'
import { startUp, type Up } from './up.ts'

const root = mkdtempSync(join(tmpdir(), 'dray-console-'))
let browser: Browser
let up: Up

beforeAll(async () => {
  mkdirSync(join(root, 'source'))
  for (let i = 0; i < 20; i++) writeFileSync(join(root, 'source', `file ${i} <b>`), `content ${i}`)
  up = await startUp(join(root, 'state'))
  browser = await openBrowser()
})

afterAll(async () => {
  await browser?.close()
  await up?.stop()
  rmSync(root, { recursive: true, force: true })
})

const at = (path: string) => `${up.origin}/w/local${path}`

describe('the console', () => {
  it('shows what `dray up` began, after the token left the address', async () => {
    const { page, troubles, context } = await openPage(browser)
    await page.goto(`${up.origin}/#token=${up.token}`)
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    expect(page.url()).toBe(at(''))
    await page.getByRole('link', { name: 'Migrations' }).click()
    await page.getByText('No migration yet').waitFor()
    expect(troubles).toEqual([])
    await context.close()
  })

  it('starts a pass, follows it to its end, and starts the next one', async () => {
    const place = (name: string) => ({ kind: 'file', path: join(root, name), site: 'local' })
    const filter = { include: [], exclude: [], only: null }
    await up.api('PUT', 'migrations/papers', {
      source: place('source'),
      destination: place('destination'),
      filter,
    })
    const { page, troubles, context } = await openPage(browser)
    await page.goto(`${up.origin}/#token=${up.token}`)
    await page.getByRole('link', { name: 'Migrations' }).click()
    await page.getByRole('link', { name: 'papers' }).click()
    await page.getByRole('button', { name: 'Start', exact: true }).click()
    await page.getByText('of 20', { exact: true }).waitFor()
    await page.locator('.head .state.complete').waitFor()
    await page.getByRole('button', { name: 'More of what can be done' }).click()
    await page.getByRole('menuitem', { name: 'Start the next pass' }).click()
    await page.getByText('A copy began').first().waitFor()
    await page.getByText('Nothing failed.').first().waitFor()
    await page.getByRole('link', { name: 'Packets' }).click()
    await page.getByRole('region', { name: 'Packets, in the order of keys' }).waitFor()
    expect(troubles).toEqual([])
    await context.close()
  })

  it('makes a join token for a new site, and shows the command', async () => {
    const { page, troubles, context } = await openPage(browser)
    await page.goto(`${up.origin}/#token=${up.token}`)
    await page.getByRole('link', { name: 'Sites and agents' }).click()
    await page.getByRole('button', { name: 'Let an agent join' }).first().click()
    await page.getByLabel('Name of the site').fill('paris')
    await page.getByRole('button', { name: 'Make the command' }).click()
    await page.getByText('dray agent join').waitFor()
    await page.getByRole('button', { name: 'Done' }).click()
    await page.getByRole('link', { name: 'paris' }).waitFor()
    expect(troubles).toEqual([])
    await context.close()
  })

  it('says where there is nothing, and leads away from there', async () => {
    const { page, context } = await openPage(browser)
    await page.goto(`${up.origin}/#token=${up.token}`)
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    await page.goto(at('/migrations/gone'))
    await page.getByRole('heading', { name: 'gone', level: 1 }).waitFor()
    await page.getByText('There is nothing here').waitFor()
    await page.goto(at('/nowhere'))
    await page.getByRole('heading', { name: 'There is nothing here', level: 1 }).waitFor()
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Sites' }).waitFor()
    await context.close()
  })

  it.each([
    ['a desktop, light', desktop, 'light'],
    ['a phone, dark', phone, 'dark'],
  ] as const)('is without barriers that a program sees, on %s', async (_, viewport, colorScheme) => {
    const { page, troubles, context } = await openPage(browser, viewport)
    await page.emulateMedia({ colorScheme })
    await page.goto(`${up.origin}/#token=${up.token}`)
    const pages = ['', '/migrations/papers', '/migrations/papers/packets', '/migrations/papers/settings']
    for (const path of [...pages, '/sites', '/connections', '/limits', '/webhooks', '/people', '/audit']) {
      await page.goto(at(path))
      await page.getByRole('heading', { level: 1 }).waitFor()
      await page.waitForLoadState('networkidle')
      expect({ path, violations: await violations(page) }).toEqual({ path, violations: [] })
      const width = await page.evaluate('document.documentElement.scrollWidth')
      expect({ path, width }).toEqual({ path, width: viewport.width })
    }
    expect(troubles).toEqual([])
    await context.close()
  })
})
