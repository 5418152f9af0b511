/** The console by its keys: the palette, letters for places, rows, headings; and what is said when the session has ended. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { openBrowser, openPage, violations, type Watched } from './browser.ts'
import { startUp, type Up } from './up.ts'

const root = mkdtempSync(join(tmpdir(), 'dray-palette-'))
let browser: Browser
let up: Up
let shown: Watched
let page: Page

beforeAll(async () => {
  up = await startUp(join(root, 'state'))
  const place = (name: string) => ({ kind: 'file', path: join(root, name), site: 'local' })
  const filter = { include: [], exclude: [], only: null }
  for (const id of ['invoices', 'photos']) {
    await up.api('PUT', `migrations/${id}`, { source: place(id), destination: place(`${id}-to`), filter })
  }
  browser = await openBrowser()
  shown = await openPage(browser)
  page = shown.page
  await page.goto(`${up.origin}/#token=${up.token}`)
  await page.getByRole('heading', { level: 1 }).waitFor()
})
afterAll(async () => {
  await browser?.close()
  await up?.stop()
  rmSync(root, { recursive: true, force: true })
})
beforeEach(async () => {
  await page.goto(`${up.origin}/w/local/limits`)
  await page.getByRole('heading', { level: 1, name: 'Limits' }).waitFor()
  await page.getByText('No endpoint is limited').waitFor()
  await page.locator('html[data-keys="heard"]').waitFor()
})

const keys = async (...pressed: string[]) => {
  for (const key of pressed) await page.keyboard.press(key)
}
const heading = (name: string) => page.getByRole('heading', { level: 1, name }).waitFor()
const palette = () => page.getByRole('combobox', { name: /^A page, a migration/ })

it('finds a migration by its name and opens it', async () => {
  await keys('Control+k')
  await palette().waitFor()
  await page.keyboard.type('phot')
  await page.getByRole('option', { name: 'photos' }).waitFor()
  expect(await violations(page)).toEqual([])
  await keys('Enter')
  await heading('photos')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
})

it('opens by its button, switches the colours, and closes by Escape', async () => {
  await page.getByRole('button', { name: /^Find or do/ }).click()
  await palette().fill('dark')
  await page.getByRole('option', { name: 'Colours: Dark' }).click()
  expect(await page.evaluate('document.documentElement.dataset.theme')).toBe('dark')
  await keys('Control+k')
  await palette().fill('nothing is called this')
  await page.getByText('Nothing is called that.').waitFor()
  await keys('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
})

it('begins what a page is for, wherever one is, and once', async () => {
  await keys('Control+k')
  await palette().fill('new conn')
  await page.getByRole('option', { name: /^New connection/ }).waitFor()
  await keys('Enter')
  await page.getByRole('dialog', { name: 'New connection' }).waitFor()
  expect(new URL(page.url()).hash).toBe('')
  await keys('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
})

it('goes to places by two letters, and gives the heading the focus', async () => {
  await keys('g', 's')
  await heading('Sites and agents')
  await page.locator('h1:focus', { hasText: 'Sites and agents' }).waitFor()
})

it('shows the keys, and goes through rows by them', async () => {
  await keys('?')
  await page.getByRole('dialog', { name: 'Keys' }).waitFor()
  expect(await violations(page)).toEqual([])
  await keys('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  await keys('g', 'm')
  const row = page.getByRole('row', { name: /invoices|photos/ })
  await row.nth(1).waitFor()
  await keys('j', 'j', 'k', 'Enter')
  await page.waitForURL(/\/migrations\/(photos|invoices)/)
})

it('leaves letters to whoever types, and switches them off for whoever wants that', async () => {
  await page.getByRole('button', { name: 'New limit' }).click()
  await page.getByLabel('Endpoint', { exact: true }).fill('')
  await page.getByLabel('Endpoint', { exact: true }).press('g')
  await page.getByLabel('Endpoint', { exact: true }).press('s')
  expect(await page.getByLabel('Endpoint', { exact: true }).inputValue()).toBe('gs')
  await keys('Escape')
  await page.evaluate(`localStorage.setItem('keys', 'off')`)
  await keys('g', 's', '?')
  expect([new URL(page.url()).pathname, await page.getByRole('dialog').count()]).toEqual([
    '/w/local/limits',
    0,
  ])
  await page.evaluate(`localStorage.removeItem('keys')`)
})

it('says that one is signed out, and offers the way back to the same page', async () => {
  await page.evaluate(`sessionStorage.removeItem('token')`)
  await page.reload()
  await page.getByRole('dialog', { name: 'You are signed out' }).waitFor()
  expect(await violations(page)).toEqual([])
  const link = page.getByRole('link', { name: 'Sign in, and come back here' })
  expect(await link.getAttribute('href')).toBe('/sign-in?next=%2Fw%2Flocal%2Flimits')
  await link.click()
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  expect(shown.troubles).toEqual([])
})
