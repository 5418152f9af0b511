/** Schedules, limits, webhooks, people, audit, settings: each by mouse or by keyboard, on `dray up`. */
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { desktop, openBrowser, openPage, phone, violations, type Watched } from './browser.ts'
import { startUp, type Up } from './up.ts'

const root = mkdtempSync(join(tmpdir(), 'dray-settings-'))
let browser: Browser
let up: Up
let shown: Watched
let page: Page
/** Says that it has got what it was sent. */
let receiver: Server

beforeAll(async () => {
  receiver = createServer((_, response) => void response.end('thanks'))
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  up = await startUp(join(root, 'state'))
  const place = (name: string) => ({ kind: 'file', path: join(root, name), site: 'local' })
  const filter = { include: [], exclude: [], only: null }
  await up.api('PUT', 'migrations/photos', { source: place('from'), destination: place('to'), filter })
  browser = await openBrowser()
  shown = await openPage(browser)
  page = shown.page
  await page.goto(`${up.origin}/#token=${up.token}`)
  await page.getByRole('heading', { level: 1 }).waitFor()
})
afterAll(async () => {
  await browser?.close()
  await up?.stop()
  await new Promise((resolve) => (receiver ? receiver.close(resolve) : resolve(null)))
  rmSync(root, { recursive: true, force: true })
})

const open = async (path: string, title: string) => {
  await page.goto(`${up.origin}/w/local${path}`)
  await page.getByRole('heading', { level: 1, name: title }).waitFor()
}
const press = (name: string) => page.getByRole('button', { name, exact: true }).click()
const choose = (name: string) => page.getByRole('menuitem', { name, exact: true }).click()
const fill = (label: string, text: string) => page.getByLabel(label, { exact: true }).fill(text)
const fine = async () => expect(await violations(page)).toEqual([])

it('makes a schedule by keyboard alone, having said when it runs; pauses and deletes it', async () => {
  await open('/schedules', 'Schedules')
  await page.getByText('Nothing begins by itself yet').waitFor()
  await page.getByRole('button', { name: 'New schedule' }).focus()
  await page.keyboard.press('Enter')
  // The first field has the focus.
  await page.getByRole('textbox', { name: 'Name' }).waitFor()
  await page.keyboard.type('nightly')
  await page.keyboard.press('Tab')
  await page.keyboard.type('photos')
  await fill('When', '30 2 * * mon-fri')
  await fill('Time zone of those times', 'America/New_York')
  await page.getByText('At 02:30, on Monday to Friday.').waitFor()
  expect(await page.getByRole('region', { name: 'The next five runs' }).getByRole('listitem').count()).toBe(5)
  await fine()
  await page.keyboard.press('Enter')
  await page.getByText('The schedule nightly is set.').waitFor()
  await page
    .getByRole('cell', { name: /America\/New_York/ })
    .first()
    .waitFor()
  await press('What can be done with nightly')
  await choose('Pause')
  await page.getByText('Paused', { exact: true }).waitFor()
  await press('What can be done with nightly')
  await choose('Delete')
  await press('Delete the schedule')
  await page.getByText('Nothing begins by itself yet').waitFor()
})

it('makes a schedule of one moment, with hours and days of rest', async () => {
  await open('/schedules', 'Schedules')
  await press('New schedule')
  await fill('Name', 'moving-day')
  await page.getByLabel('Migration', { exact: true }).selectOption('photos')
  await page.getByLabel('Backfill and follow').check()
  await page.getByLabel('Once', { exact: true }).check()
  await fill('Day and time', '2035-11-30T22:30')
  await fill('Time zone of those times', 'Asia/Tokyo')
  await page.getByText('Sat 1 Dec, 06:30 in Asia/Tokyo').waitFor()
  await page.getByLabel('Only within hours').check()
  await fill('From', '21:00')
  await fill('To', '29:00')
  await page.getByText('a time of day, HH:MM, 00:00 to 24:00').waitFor()
  await fill('To', '05:00')
  await press('Sun')
  await fill('Days of rest', '2035-12-24..2035-12-26\nNew Year')
  await page.getByText('a date such as 2026-12-24, or two').waitFor()
  await fill('Days of rest', '2035-12-24..2035-12-26\n2036-01-01')
  await fine()
  await press('Set the schedule')
  await page.getByText('Give another moment, or other hours.').waitFor()
  await fill('To', '07:00')
  await press('Set the schedule')
  await page.getByText('The schedule moving-day is set.').waitFor()
  await page.getByText('from 21:00 to 07:00, Mon, Tue, Wed, Thu, Fri, Sat').waitFor()
  await page.getByText('2 days or spans of rest').waitFor()
  await press('What can be done with moving-day')
  await choose('Delete')
  await press('Delete the schedule')
  await page.getByText('Nothing begins by itself yet').waitFor()
})

it('sets a limit, with both readings of the rate and the week that comes of it', async () => {
  await open('/limits', 'Limits')
  await press('New limit')
  await fill('Endpoint', 'https://s3.example.com')
  await page.getByLabel('Bandwidth, in and out together').fill('400')
  await page.getByText('That is 400 Mbit/s, or 47.7 MiB/s: 50,000,000 bytes a second.').waitFor()
  await press('Add a window')
  await page.getByLabel('Bandwidth, in and out together').nth(1).fill('50')
  await page.getByText('08:00 to 18:00: 50 Mbit/s').first().waitFor()
  await fine()
  await press('Set the limit')
  await page.getByText('The limit of https://s3.example.com is set.').waitFor()
  await press('What can be done with the limit of https://s3.example.com')
  await choose('Show week and shares')
  await page.getByText('No agent works at this endpoint now.').waitFor()
  await fine()
})

it('makes a webhook, shows its secret once, tries it, and delivers again', async () => {
  await open('/webhooks', 'Webhooks')
  await press('New webhook')
  await fill('Name', 'pager')
  await fill('Address', `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`)
  await page.getByLabel('All of them, and those that come to be').uncheck()
  await page.getByLabel('pass.failed').check()
  await fine()
  await press('Save the webhook')
  await page.getByText(/^whsec_/).waitFor()
  await fine()
  await press('I have kept it')
  await press('What can be done with pager')
  await choose('Send a test')
  await page.getByText('pager answered the test with 200.').waitFor()
  await page.getByText('thanks').waitFor()
  await press('Deliver again')
  await page.getByText('It is sent again, with all its tries.').waitFor()
  await press('What can be done with pager')
  await choose('Switch off')
  await page.getByText('Off', { exact: true }).waitFor()
})

it('invites somebody and makes a token, each shown once; takes both back', async () => {
  await open('/people', 'People and tokens')
  await page.getByText('You are this machine’s operator').waitFor()
  await press('Invite somebody')
  await fill('E-mail address', 'ada@example.com')
  await page.getByLabel(/^operator/).check()
  await press('Make the link')
  await page.getByText(/\/invitation#/).waitFor()
  await press('I have kept it')
  await press('Withdraw')
  await page.getByText('Nobody is invited at the moment').waitFor()
  await press('New token')
  await fill('Name', 'reporting')
  await page.getByLabel('See sites and agents').check()
  await fine()
  await press('Make the token')
  await page.getByText(/^dray_/).waitFor()
  await press('I have kept it')
  await press('Revoke')
  await press('Revoke the token')
  await page.getByText('There is no API token.').waitFor()
})

it('shows in the audit log what became of what, and keeps the filter in the address', async () => {
  await open('/audit', 'Audit')
  await page.getByLabel('About').selectOption('schedule')
  await page.getByText('schedule.delete').first().waitFor()
  expect(page.url()).toContain('action=schedule')
  await page.getByText('limit.set').waitFor({ state: 'detached' })
  const edit = page.getByRole('row', { name: /schedule\.edit/ })
  await edit.getByText('1 value').click()
  expect(await edit.getByRole('deletion').innerText()).toBe('true')
  expect(await edit.getByRole('insertion').innerText()).toBe('false')
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Download' }).click(),
  ])
  expect(download.suggestedFilename()).toBe('audit-local.ndjson')
  await fine()
})

it('renames the workspace, and keeps how things are shown', async () => {
  await open('/settings', 'Settings')
  await fill('Name', 'Our workspace')
  await press('Rename')
  await page.getByText('The workspace is Our workspace now.').waitFor()
  await page.getByRole('radio', { name: 'Dark' }).check()
  await open('/settings', 'Settings')
  expect(await page.getByRole('radio', { name: 'Dark' }).isChecked()).toBe(true)
  await press('Delete this workspace')
  const deletes = page.getByRole('alertdialog').getByRole('button', { name: 'Delete this workspace' })
  expect(await deletes.isDisabled()).toBe(true)
  await page.getByLabel('Type Our workspace to go on').fill('Our workspace')
  expect(await deletes.isEnabled()).toBe(true)
  await fine()
  await page.keyboard.press('Escape')
  expect(shown.troubles).toEqual([])
})

it.each([
  ['a phone, light', phone, 'light'],
  ['a desktop, dark', desktop, 'dark'],
] as const)('fits and has no barriers that a program sees, on %s', async (_, viewport, colorScheme) => {
  const { page, troubles, context } = await openPage(browser, viewport)
  await page.emulateMedia({ colorScheme })
  await page.goto(`${up.origin}/#token=${up.token}`)
  await page.getByRole('heading', { level: 1 }).waitFor()
  const pages = ['/schedules', '/limits?of=https%3A%2F%2Fs3.example.com', '/webhooks?of=pager']
  for (const path of [...pages, '/people', '/audit', '/settings']) {
    await page.goto(`${up.origin}/w/local${path}`)
    await page.getByRole('heading', { level: 1 }).waitFor()
    await page.waitForLoadState('networkidle')
    expect({ path, violations: await violations(page) }).toEqual({ path, violations: [] })
    const width = await page.evaluate('document.documentElement.scrollWidth')
    expect({ path, width }).toEqual({ path, width: viewport.width })
  }
  expect(troubles).toEqual([])
  await context.close()
})
