/** The pages by which people come in, in a real browser with an authenticator of its own. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ControlPlane, startControlPlane } from '../../agent/embed/control-plane.ts'
import { codeOf, password, Visitor } from '../support/visitor.ts'
import { withAuthenticator } from './authenticator.ts'
import { openBrowser, openPage, phone } from './browser.ts'

let stateDir: string
let plane: ControlPlane
let browser: Browser
/** A name, which passkeys need: nothing else is known by that address. */
let origin: string

beforeAll(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'dray-people-'))
  plane = await startControlPlane({ stateDir, console: true })
  origin = `http://localhost:${plane.url.port}`
  browser = await openBrowser()
})
afterAll(async () => {
  await browser?.close()
  await plane?.stop()
  await rm(stateDir, { recursive: true, force: true })
})

const me = (page: Page) =>
  page.evaluate(async () => (await fetch('/api/me')).json()) as Promise<Record<string, unknown>>

const picture = (page: Page, name: string) =>
  process.env.DRAY_PICTURES && page.screenshot({ path: join(process.env.DRAY_PICTURES, `${name}.png`) })

/** Fits, and every control has a name. */
async function looksRight(page: Page): Promise<void> {
  const wide = await page.evaluate('document.documentElement.scrollWidth > innerWidth')
  const nameless = await page.evaluate(
    `[...document.querySelectorAll('input, button')].filter((one) => !(one.labels?.[0] ?? one).textContent.trim()).length`,
  )
  expect([wide, nameless]).toEqual([false, 0])
}

let owner: BrowserContext
let link: string

it('sets Dray up with a passkey, and signs in with it', async () => {
  const { context, page, troubles } = await openPage(browser)
  owner = context
  const { session, authenticatorId } = await withAuthenticator(context, page)
  await page.goto(`${origin}/setup#${plane.setupToken}`)
  await page.getByLabel('Your name').waitFor()
  expect(page.url()).toBe(`${origin}/setup`)
  await looksRight(page)
  await picture(page, 'set-up')
  await page.getByLabel('Your name').fill('Olga')
  await page.getByLabel('E-mail').fill('olga@example.com')
  await page.getByRole('button', { name: 'Continue with a passkey' }).click()
  await page.waitForURL((url) => !url.pathname.startsWith('/setup'))
  expect(await me(page)).toMatchObject({ name: 'Olga', mustEnrol: false, workspaces: [{ role: 'owner' }] })

  await context.clearCookies()
  await page.goto(`${origin}/sign-in?next=/device`)
  await page.getByRole('button', { name: 'Sign in with a passkey' }).waitFor()
  await looksRight(page)
  await picture(page, 'sign-in')
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
  await page.waitForURL(`${origin}/device`)
  expect(await me(page)).toMatchObject({ name: 'Olga', mustEnrol: false })

  // Whoever made the link does not say where one goes after it.
  for (const next of ['https://evil.example/', '//evil.example/']) {
    await page.goto(`${origin}/sign-in?next=${encodeURIComponent(next)}`)
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
    await page.waitForURL((url) => url.origin === origin && url.pathname !== '/sign-in')
  }

  // A page of somebody else's making may not ask for the person’s finger; the control plane looks.
  await session.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false })
  const unverified = await page.evaluate(`(async () => {
    const options = await (await fetch('/api/auth/passkey/generate-authenticate-options')).json()
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON({ ...options, userVerification: 'discouraged' })
    const response = (await navigator.credentials.get({ publicKey })).toJSON()
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify({ response })
    const answer = await fetch('/api/auth/passkey/verify-authentication', { method: 'POST', headers, body })
    return [answer.status, (await answer.json()).code]
  })()`)
  expect(unverified).toEqual([401, 'NOT_VERIFIED'])
  expect(troubles).toEqual([])
})

it('takes no passkey that has not verified its person', async () => {
  const { context, page } = await openPage(browser)
  const { session, authenticatorId } = await withAuthenticator(context, page)
  await page.goto(`${origin}/sign-in`)
  await page.getByRole('button', { name: 'Sign in with a passkey' }).waitFor()
  await session.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false })
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
  await page.getByRole('alert').getByText('The passkey was not used').waitFor()
  await context.close()
})

it('says that the set-up link was used', async () => {
  const { context, page } = await openPage(browser)
  await page.goto(`${origin}/setup#${plane.setupToken}`)
  await page.getByText('has its first owner already').waitFor()
  await context.close()
})

it('confirms the code of dray login', async () => {
  const program = new Visitor(new URL(origin))
  const { json } = await program.call<{ device_code: string; user_code: string }>(
    'POST',
    '/api/auth/device/code',
    {
      client_id: 'dray',
    },
  )
  const page = await owner.newPage()
  await page.goto(`${origin}/device?user_code=${json.user_code}`)
  await looksRight(page)
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByText('Did you run dray login yourself').waitFor()
  await picture(page, 'device')
  await page.getByRole('button', { name: 'Yes, sign it in' }).click()
  await page.getByText('the command line goes on').waitFor()
  const granted = await program.call<{ access_token: string }>('POST', '/api/auth/device/token', {
    grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
    device_code: json.device_code,
    client_id: 'dray',
  })
  expect(granted.status).toBe(200)
  const who = await fetch(`${origin}/api/me`, {
    headers: { authorization: `Bearer ${granted.json.access_token}` },
  })
  expect(await who.json()).toMatchObject({ name: 'Olga' })

  link = await page.evaluate(async () => {
    const made = await fetch('/api/workspaces/local/invitations', {
      method: 'POST',
      body: JSON.stringify({ email: 'ada@example.com', role: 'operator' }),
    })
    return ((await made.json()) as { link: string }).link
  })
})

it('lets somebody who is invited in by password and authenticator, on a telephone', async () => {
  const { context, page, troubles } = await openPage(browser, phone)
  await page.goto(link)
  await page.getByText('Olga invites ada@example.com to the workspace local, as operator.').waitFor()
  await looksRight(page)
  await page.getByRole('button', { name: 'Use a password and an authenticator instead' }).click()
  await page.getByLabel('Your name').fill('Ada')
  await page.getByLabel('A password').fill(password)
  await picture(page, 'invitation-phone')
  await page.getByRole('button', { name: 'Continue', exact: true }).click()
  const totpUri = (await page.getByRole('link', { name: 'open it on this device' }).getAttribute('href'))!
  await looksRight(page)
  await picture(page, 'authenticator-phone')
  await page.getByLabel('The code that it shows now').fill(await codeOf(totpUri))
  await page.getByRole('button', { name: 'Done' }).click()
  await page.waitForURL((url) => !url.pathname.startsWith('/invitation'))
  expect(await me(page)).toMatchObject({ name: 'Ada', workspaces: [{ id: 'local', role: 'operator' }] })

  await context.clearCookies()
  await page.goto(`${origin}/sign-in`)
  await page.getByLabel('E-mail').fill('ada@example.com')
  await page.getByLabel('Password').fill(`not ${password}`)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.getByRole('alert').getByText('Invalid email or password').waitFor()
  await picture(page, 'sign-in-phone')
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.getByLabel('From your authenticator').fill(await codeOf(totpUri))
  await picture(page, 'code-phone')
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.waitForURL((url) => url.pathname !== '/sign-in')
  expect(await me(page)).toMatchObject({ name: 'Ada', mustEnrol: false })
  expect(troubles).toEqual([])
  await context.close()
})
