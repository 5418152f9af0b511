/** What failed, in a real browser: `dray up`, its agent, and a store that refuses some objects until the cause is fixed. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Download, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type S3Server, startS3Server } from '../../agent/s3-server/s3-server.ts'
import { desktop, openBrowser, openPage, phone, violations, type Watched } from './browser.ts'
import { startUp, type Up } from './up.ts'

const root = mkdtempSync(join(tmpdir(), 'dray-failures-'))
const credentials = { AKIDTEST: 'secret of the test' }
/** A directory for pictures of what is tested; none unless told. */
const pictures = process.env.DRAY_SCREENSHOTS

/** More than a page of the list has. */
const locked = 230
const whole = 100
/** What somebody might name an object to harm who looks at it. */
const hostile = [
  '<img src=x onerror=alert(1)>',
  'invoice\u202Egpj.exe',
  'bell\u0007 and nul\u0000',
  `=cmd|'/c calc'!A1,"x"`,
  `long ${'x'.repeat(900)}`,
]

let browser: Browser
let source: S3Server
let destination: S3Server
let up: Up
/** What the store refuses. */
const refused = { locked: true, hostile: true }
/** What is let go waits for this. */
let letGo: Promise<void> = Promise.resolve()

const keys = [
  ...Array.from({ length: locked }, (_, i) => `locked/${String(i).padStart(5, '0')}`),
  ...hostile.map((name) => `odd/${name}`),
  ...Array.from({ length: whole }, (_, i) => `open/${String(i).padStart(5, '0')}`),
]

beforeAll(async () => {
  source = await startS3Server({
    credentials,
    hooks: {
      beforeRequest: async ({ operation, key }) => {
        if (operation !== 'GetObject' || !key) return null
        if (refused.locked && key.startsWith('locked/'))
          return { status: 403, code: 'AccessDenied', message: 'not for <b>you</b>' }
        if (refused.hostile && key.startsWith('odd/'))
          return { status: 400, code: 'InvalidRequest', message: 'no <script>alert(1)</script> \u202Eever' }
        if (key.startsWith('odd/')) await letGo
        return null
      },
    },
  })
  destination = await startS3Server({ credentials })
  source.createBucket('from')
  destination.createBucket('to')
  source.fill('from', { count: keys.length, key: (i) => keys[i]!, size: 500 })
  up = await startUp(join(root, 'state'), {
    AWS_ACCESS_KEY_ID: 'AKIDTEST',
    AWS_SECRET_ACCESS_KEY: credentials.AKIDTEST,
    AWS_EC2_METADATA_DISABLED: 'true',
  })
  browser = await openBrowser()
  const at = (bucket: string, server: S3Server) => ({
    ...{ kind: 's3', bucket, prefix: '', region: null, profile: null, site: null },
    endpoint: server.url.href,
  })
  await up.api('PUT', 'migrations/papers', {
    source: at('from', source),
    destination: at('to', destination),
    filter: { include: [], exclude: [], only: null },
  })
  await up.api('POST', 'migrations/papers/passes', {})
})

afterAll(async () => {
  await browser?.close()
  await up?.stop()
  await Promise.all([source?.stop(), destination?.stop()])
  rmSync(root, { recursive: true, force: true })
})

async function open(
  path = '',
  viewport = desktop,
  colorScheme: 'light' | 'dark' = 'light',
): Promise<Watched> {
  const watched = await openPage(browser, viewport)
  const { page } = watched
  await page.emulateMedia({ colorScheme })
  await page.goto(`${up.origin}/#token=${up.token}`)
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  await page.goto(`${up.origin}/w/local/migrations/papers${path}`)
  return watched
}

async function picture(page: Page, name: string): Promise<void> {
  if (!pictures) return
  mkdirSync(pictures, { recursive: true })
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true })
}

const cause = (page: Page, name: string) => page.getByRole('article', { name })
const objects = (page: Page) => page.getByRole('region', { name: 'Objects that failed' })
const rows = (page: Page) => page.locator('.rows tbody tr')
const grid = (page: Page) => page.getByRole('grid', { name: 'Objects that failed' })

async function textOf(download: Download): Promise<string> {
  return readFileSync(await download.path(), 'utf8')
}

describe('what failed', () => {
  it('is shown by cause, and object by object as they come into sight', async () => {
    const { page, troubles, context } = await open()
    await page.locator('.head .state.incomplete').waitFor()
    await cause(page, 'Access denied').getByText(`${locked} objects`).waitFor()
    await cause(page, 'Invalid request').getByText(`${hostile.length} objects`).waitFor()
    await picture(page, 'failures-desktop-light')
    expect(await violations(page)).toEqual([])
    await cause(page, 'Access denied').getByRole('link', { name: 'Show the objects' }).click()
    expect(new URL(page.url()).searchParams.get('cause')).toMatch(/^\d+$/)
    await page.getByLabel(`All ${locked}`).waitFor()
    await grid(page).focus()
    // Only what is in sight is drawn; the end is there once the pages before it are.
    while ((await rows(page).last().getAttribute('aria-rowindex')) !== String(locked + 1)) {
      await page.keyboard.press('End')
      await page.evaluate('new Promise((done) => requestAnimationFrame(done))')
    }
    expect(await rows(page).count()).toBeLessThan(60)
    expect(troubles).toEqual([])
    await context.close()
  })

  it('is found by prefix and text, in an address that can be sent to somebody', async () => {
    const { page, troubles, context } = await open()
    await page.getByLabel('Key begins with').fill('locked/0001')
    await page.getByLabel('All 10', { exact: true }).waitFor()
    await page.getByLabel('Key or message holds').fill('00012')
    await page.getByLabel('All 1', { exact: true }).waitFor()
    const sent = new URL(page.url())
    await context.close()
    const other = await open(sent.pathname.split('/papers')[1]! + sent.search)
    await other.page.getByLabel('All 1', { exact: true }).waitFor()
    expect(await rows(other.page).getByText('locked/00012').count()).toBe(1)
    await other.page.getByLabel('Key begins with').fill('nothing is here')
    await other.page.getByText('Nothing that failed is like that').waitFor()
    await other.page.getByRole('button', { name: 'Show all', exact: true }).click()
    await other.page.getByLabel(`All ${locked + hostile.length}`, { exact: true }).waitFor()
    expect([...troubles, ...other.troubles]).toEqual([])
    await other.context.close()
  })

  it('shows hostile names and messages as they are, and obeys none', async () => {
    const { page, troubles, context } = await open('?prefix=odd/')
    await page.getByLabel(`All ${hostile.length}`, { exact: true }).waitFor()
    const text = await grid(page).innerText()
    expect(text).toContain('odd/<img src=x onerror=alert(1)>')
    expect(text).toContain('odd/invoice\\u{202e}gpj.exe')
    expect(text).toContain('odd/bell\\u{7} and nul\\u{0}')
    expect(text).not.toMatch(/[\u0000-\u0008\u202a-\u202e]/)
    expect(await grid(page).locator('img, script, b').count()).toBe(0)
    await rows(page).filter({ hasText: 'odd/long' }).locator('.from-outside').first().click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: 'Show all 909 characters' }).click()
    expect(await dialog.innerText()).toContain('x'.repeat(900))
    await context.grantPermissions(['clipboard-read', 'clipboard-write'])
    await dialog.getByRole('button', { name: 'Copy the key' }).click()
    await page.getByText('Copied.').waitFor()
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(`odd/long ${'x'.repeat(900)}`)
    expect(await violations(page)).toEqual([])
    await picture(page, 'failures-hostile')
    expect(troubles).toEqual([])
    await context.close()
  })

  it('is downloaded as a file, of what is shown', async () => {
    const { page, troubles, context } = await open('?prefix=odd/')
    await page.getByLabel(`All ${hostile.length}`, { exact: true }).waitFor()
    const files: string[] = []
    for (const name of ['NDJSON', 'CSV']) {
      const arrives = page.waitForEvent('download')
      await page.getByRole('link', { name, exact: true }).click()
      const download = await arrives
      expect(download.suggestedFilename()).toBe(`papers-pass-1-failures.${name.toLowerCase()}`)
      files.push(await textOf(download))
    }
    const lines = files[0]!
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).key)
    expect(lines.toSorted()).toEqual(hostile.map((name) => `odd/${name}`).toSorted())
    expect(files[1]!.split('\r\n')[0]).toMatch(/key/)
    expect(files[1]).toContain('odd/<img src=x onerror=alert(1)>')
    expect(troubles).toEqual([])
    await context.close()
  })

  it('is waived by keyboard alone, with a reason, and the waiver is taken back', async () => {
    const { page, troubles, context } = await open('?prefix=odd/')
    await page.getByLabel(`All ${hostile.length}`, { exact: true }).waitFor()
    await grid(page).focus()
    await page.keyboard.press('Home')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'Invalid request' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    expect(await page.evaluate(`document.activeElement.getAttribute('role')`)).toBe('grid')
    await page.keyboard.press('Space')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Shift+Space')
    await page.getByText('3 selected').waitFor()
    await tabTo(page, 'Waive 3…', 'Shift+Tab')
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('alertdialog')
    await dialog.waitFor()
    expect(await violations(page)).toEqual([])
    await picture(page, 'failures-waive')
    expect(await dialog.getByRole('button', { name: 'Waive 3' }).isDisabled()).toBe(true)
    await tabTo(page, 'Why they may stay so')
    await page.keyboard.type('nobody needs <b>these</b>')
    await tabTo(page, 'Waive 3')
    await page.keyboard.press('Enter')
    await dialog.waitFor({ state: 'hidden' })
    await page.getByText('Waived 3 objects.').waitFor()
    const waived = rows(page).filter({ hasText: 'nobody needs <b>these</b>' })
    await waived.nth(2).waitFor()
    expect(await waived.first().innerText()).toMatch(/Waived by the operator token, today/)
    await page.getByLabel('State').selectOption('waived')
    await page.getByLabel('All 3', { exact: true }).check()
    await objects(page).getByRole('button', { name: 'Take back 3' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Take back 3' }).click()
    await page.getByText('3 objects are open again.').waitFor()
    await page.getByText('Nothing that failed is like that').waitFor()
    expect(troubles).toEqual([])
    await context.close()
  })

  it('is tried again by its cause, once that is fixed, and nothing else is', async () => {
    refused.hostile = false
    let go = () => {}
    letGo = new Promise((resolve) => {
      go = resolve
    })
    const { page, troubles, context } = await open()
    const n = hostile.length
    const invalid = cause(page, 'Invalid request')
    await invalid.getByRole('button', { name: `Retry ${n}` }).click()
    const dialog = page.getByRole('alertdialog')
    await dialog.getByText(`Try ${n} objects again?`).waitFor()
    expect(await violations(page)).toEqual([])
    await picture(page, 'failures-retry')
    await dialog.getByRole('button', { name: `Retry ${n}` }).click()
    await page.getByText(`Pass 2 tries ${n} objects again.`).waitFor()
    expect(new URL(page.url()).searchParams.get('pass')).toBe('1')
    await invalid.getByText(`0 open, ${n} tried again`).waitFor()
    await page.getByText('Pass 2 runs. What failed can be tried again once it has ended.').waitFor()
    const other = cause(page, 'Access denied').getByRole('button', { name: `Retry ${locked}` })
    expect(await other.isDisabled()).toBe(true)
    go()
    await page.getByText('Pass 2 runs.').waitFor({ state: 'detached' })
    expect(await other.isEnabled()).toBe(true)
    await page.getByText('These are of pass 1').waitFor()
    await page.getByRole('link', { name: 'Passes' }).click()
    const second = page.getByRole('article', { name: 'Pass 2' })
    await second.getByRole('heading', { name: 'Pass 2, copy of what failed in pass 1' }).waitFor()
    await second.locator('.state.incomplete').waitFor()
    await second.getByText(`${n} checked by the store`).waitFor()
    expect(troubles).toEqual([])
    await context.close()
  })
})

/** Until what has the focus says so. */
async function tabTo(page: Page, name: string, key = 'Tab'): Promise<void> {
  for (let i = 0; i < 60; i++) {
    const says = await page.evaluate(
      `((at) => at?.labels?.[0]?.textContent ?? at?.getAttribute('aria-label') ?? at?.textContent)(document.activeElement)`,
    )
    if (says === name) return
    await page.keyboard.press(key)
  }
  throw new Error(`nothing that is called ${name} has the focus`)
}

describe('the passes of a migration', () => {
  it('are shown one after the other, two of them side by side, and their reports downloaded', async () => {
    const { page, troubles, context } = await open('/passes')
    const first = page.getByRole('article', { name: 'Pass 1' })
    await first.getByRole('link', { name: `What failed (${locked + hostile.length})` }).waitFor()
    await page.getByLabel('Compare pass 1').check()
    await page.getByText('Pass 1 is ticked').waitFor()
    await page.getByLabel('Compare pass 2').check()
    const compared = page.getByRole('region', { name: 'Pass 1 and pass 2', exact: true }).first()
    await compared.getByRole('heading', { name: /^Failed in pass 1 only: / }).waitFor()
    expect(decodeURIComponent(new URL(page.url()).search)).toContain('compare=[1,2]')
    await picture(page, 'passes-desktop-light')
    expect(await violations(page)).toEqual([])
    const arrives = page.waitForEvent('download')
    await first.getByRole('link', { name: 'NDJSON', exact: true }).click()
    const lines = (await textOf(await arrives))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines.filter(({ outcome }) => outcome === 'failed')).toHaveLength(locked + hostile.length)
    expect(lines.filter(({ outcome }) => outcome === 'copied')).toHaveLength(whole)
    expect(troubles).toEqual([])
    await context.close()
  })

  it('begin with what was chosen in plain words', async () => {
    refused.locked = false
    const { page, troubles, context } = await open('/passes')
    await page.getByRole('button', { name: 'Start a pass…' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Verify').check()
    await dialog.getByLabel('Listings only').check()
    expect(await violations(page)).toEqual([])
    await picture(page, 'passes-start')
    await dialog.getByRole('button', { name: 'Start', exact: true }).click()
    await dialog.waitFor({ state: 'hidden' })
    const third = page.getByRole('article', { name: 'Pass 3' })
    await third.getByRole('heading', { name: 'Pass 3, verification by listing' }).waitFor()
    await third.locator('.state.incomplete').waitFor()
    await page.getByRole('link', { name: /^Failures/ }).click()
    await cause(page, 'Missing').getByText(`${locked} objects`).waitFor()
    await page.getByLabel('Key begins with').fill('locked/0000')
    await page.getByLabel('All 10', { exact: true }).check()
    await objects(page).getByRole('button', { name: 'Retry 10' }).click()
    await page.getByRole('alertdialog').getByLabel('Copy them').check()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Retry 10' }).click()
    await cause(page, 'Missing')
      .getByText(`${locked - 10} open, 10 tried again`)
      .waitFor()
    await page.getByRole('link', { name: 'Passes' }).click()
    const fourth = page.getByRole('article', { name: 'Pass 4' })
    await fourth.locator('.state.incomplete').waitFor()
    await fourth.getByText('10 checked by the store').waitFor()
    expect(troubles).toEqual([])
    await context.close()
  })

  it.each([
    ['phone', phone, 'dark'],
    ['desktop', desktop, 'dark'],
  ] as const)(
    'and failures are without barriers that a program sees: %s, %o, %s',
    async (name, viewport, scheme) => {
      const { page, troubles, context } = await open('', viewport, scheme)
      for (const path of ['?pass=1&cause=1', '/passes?compare=[1,2]']) {
        await page.goto(`${up.origin}/w/local/migrations/papers${path}`)
        await page.getByRole('heading', { level: 2 }).last().waitFor()
        await page.waitForLoadState('networkidle')
        await picture(page, `failures-${name}-${scheme}-${path.replaceAll(/\W/g, '')}`)
        expect({ path, violations: await violations(page) }).toEqual({ path, violations: [] })
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(viewport.width)
      }
      expect(troubles).toEqual([])
      await context.close()
    },
  )
})
