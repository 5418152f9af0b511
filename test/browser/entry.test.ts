/** The states of the pages by which people come in, and a session's end inside the console, for a person with a passkey. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ControlPlane, startControlPlane } from '../../agent/embed/control-plane.ts'
import { desktop, openBrowser, openPage, phone, violations, type Watched } from './browser.ts'

let stateDir: string
let plane: ControlPlane
let browser: Browser
let origin: string
let owner: Watched

beforeAll(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'dray-entry-'))
  plane = await startControlPlane({ stateDir, console: true })
  origin = `http://localhost:${plane.url.port}`
  browser = await openBrowser()
})
afterAll(async () => {
  await browser?.close()
  await plane?.stop()
  await rm(stateDir, { recursive: true, force: true })
})

async function fine(page: Page): Promise<void> {
  expect(await violations(page)).toEqual([])
  expect(await page.evaluate('document.documentElement.scrollWidth > innerWidth')).toBe(false)
}

it.each([
  ['a phone, dark', phone, 'dark'],
  ['a desktop, light', desktop, 'light'],
] as const)(
  'says what is the matter in each state, without barriers, on %s',
  async (_, size, colorScheme) => {
    const { context, page, troubles } = await openPage(browser, size)
    await page.emulateMedia({ colorScheme })
    const states = [
      ['/sign-in', 'Nobody is here yet'],
      ['/sign-in?error=not_invited', 'Nobody has invited this address.'],
      ['/setup', 'The link is not whole'],
      [`/setup#${plane.setupToken}`, 'You are its first owner'],
      ['/invitation#nobody.abcdefghijklmnopqrst', 'That did not work'],
    ] as const
    for (const [path, says] of states) {
      await page.goto('about:blank')
      await page.goto(`${origin}${path}`)
      await page.getByText(says).waitFor()
      await fine(page)
      await page.evaluate('sessionStorage.clear()')
    }
    // Where passkeys cannot be: an address of digits.
    await page.goto(`http://127.0.0.1:${plane.url.port}/sign-in`)
    await page.getByText('Passkeys need an address with a name').waitFor()
    await fine(page)
    expect(troubles).toEqual([])
    await context.close()
  },
)

it('sets up by keyboard alone, with a passkey, and shows one’s own sign-in in the console', async () => {
  owner = await openPage(browser)
  const { context, page } = owner
  const session = await context.newCDPSession(page)
  await session.send('WebAuthn.enable')
  await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      ...{ protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true },
      ...{ isUserVerified: true, automaticPresenceSimulation: true },
    },
  })
  await page.goto(`${origin}/setup#${plane.setupToken}`)
  await page.getByLabel('Your name').waitFor()
  await page.keyboard.type('Olga')
  await page.keyboard.press('Tab')
  await page.keyboard.type('olga@example.com')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
  await page.goto(`${origin}/w/local/people`)
  await page.getByRole('region', { name: 'Members' }).getByText('olga@example.com').waitFor()
  await page.getByRole('region', { name: 'Sessions' }).getByText('(this one)').waitFor()
  await page.getByRole('region', { name: 'Passkeys' }).getByRole('button', { name: 'Remove' }).waitFor()
  await fine(page)
})

it('says that the session has ended, and comes back to the same page after signing in', async () => {
  const { context, page, troubles } = owner
  await page.goto(`${origin}/w/local/audit?action=member`)
  await page.getByRole('heading', { level: 1, name: 'Audit' }).waitFor()
  await context.clearCookies()
  await page.getByLabel('About').selectOption('workspace')
  await page.getByRole('dialog', { name: 'You are signed out' }).waitFor()
  await page.getByRole('link', { name: 'Sign in, and come back here' }).click()
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
  await page.waitForURL(`${origin}/w/local/audit?action=workspace`)
  await page.getByRole('heading', { level: 1, name: 'Audit' }).waitFor()
  await page.goto(`${origin}/w/local/settings`)
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  expect(await page.evaluate(async () => (await fetch('/api/me')).status)).toBe(401)
  expect(troubles).toEqual([])
  await context.close()
})
