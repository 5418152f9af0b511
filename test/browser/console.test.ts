/** The console in a real browser, on a real control plane with a real agent: `dray up`, as a user starts it. */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import axe from 'axe-core'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { desktop, openBrowser, openPage, phone } from './browser.ts'

const root = mkdtempSync(join(tmpdir(), 'dray-console-'))
const program = join(import.meta.dirname, '..', '..', 'agent', 'main.ts')
let browser: Browser
let stop: () => Promise<void>
let origin: string
let token: string

beforeAll(async () => {
  mkdirSync(join(root, 'source'))
  for (let i = 0; i < 20; i++) writeFileSync(join(root, 'source', `file ${i} <b>`), `content ${i}`)
  const up = spawn(process.execPath, [program, 'up', '--port', '0', '--state-dir', join(root, 'state')])
  let said = ''
  origin = await new Promise((resolve, reject) => {
    up.stdout.on('data', (text) => {
      said += text
      const address = /Dray is up at (\S+)/.exec(said)?.[1]
      if (address) resolve(address)
    })
    up.once('exit', (code) => reject(new Error(`dray up ended with ${code}: ${said}`)))
  })
  const ended = new Promise<void>((resolve) => up.once('exit', () => resolve()))
  stop = () => {
    up.kill('SIGINT')
    return ended
  }
  token = JSON.parse(readFileSync(join(root, 'state', 'tokens.json'), 'utf8')).operator
  browser = await openBrowser()
})

afterAll(async () => {
  await browser?.close()
  await stop?.()
  rmSync(root, { recursive: true, force: true })
})

async function api(method: string, path: string, body: unknown): Promise<void> {
  const response = await fetch(`${origin}/api/workspaces/local/${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
}

/** Of WCAG 2.2 A and AA, as far as a program can see. */
async function violations(page: Page): Promise<string[]> {
  // The policy of the page lets no script of ours into it; what the debugger evaluates is not the page's.
  await page.evaluate(axe.source)
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']
  const found = (await page.evaluate(
    `axe.run({ runOnly: ${JSON.stringify(tags)} }).then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map((n) => n.html).join(' | ')))`,
  )) as string[]
  return found
}

const at = (path: string) => `${origin}/w/local${path}`

describe('the console', () => {
  it('shows what `dray up` began, after the token left the address', async () => {
    const { page, troubles, context } = await openPage(browser)
    await page.goto(`${origin}/#token=${token}`)
    await page.getByRole('heading', { name: 'Migrations' }).waitFor()
    expect(page.url()).toBe(at(''))
    await page.getByText('No migration yet').waitFor()
    expect(troubles).toEqual([])
    await context.close()
  })

  it('starts a pass, follows it to its end, and starts the next one', async () => {
    const place = (name: string) => ({ kind: 'file', path: join(root, name), site: 'local' })
    const filter = { include: [], exclude: [], only: null }
    await api('PUT', 'migrations/papers', {
      source: place('source'),
      destination: place('destination'),
      filter,
    })
    const { page, troubles, context } = await openPage(browser)
    await page.goto(`${origin}/#token=${token}`)
    await page.getByRole('link', { name: 'papers' }).click()
    await page.getByRole('button', { name: 'Start', exact: true }).click()
    await page.getByText('20 of 20').waitFor()
    await page.getByText('Complete').waitFor()
    await page.getByRole('button', { name: 'Start the next pass' }).click()
    await page.getByText('Nothing failed.').waitFor()
    await page.getByRole('link', { name: 'Packets' }).click()
    await page.getByRole('region', { name: 'Packets, in the order of keys' }).waitFor()
    expect(troubles).toEqual([])
    await context.close()
  })

  it('makes a join token for a new site, and shows the command', async () => {
    const { page, troubles, context } = await openPage(browser)
    await page.goto(`${origin}/#token=${token}`)
    await page.getByRole('link', { name: 'Sites and agents' }).click()
    await page.getByLabel('Site, a new one').fill('paris')
    await page.getByRole('button', { name: 'Make a join token' }).click()
    await page.getByText('dray agent join').waitFor()
    await page.getByRole('cell', { name: 'paris' }).waitFor()
    expect(troubles).toEqual([])
    await context.close()
  })

  it.each([
    ['a desktop, light', desktop, 'light'],
    ['a phone, dark', phone, 'dark'],
  ] as const)('is without barriers that a program sees, on %s', async (_, viewport, colorScheme) => {
    const { page, troubles, context } = await openPage(browser, viewport)
    await page.emulateMedia({ colorScheme })
    await page.goto(`${origin}/#token=${token}`)
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
