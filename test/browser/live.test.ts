/** A migration as it runs, in a real browser: `dray up`, its agent, and a store that is held back and lets us look. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type S3Server, startS3Server } from '../../agent/s3-server/s3-server.ts'
import { desktop, openBrowser, openPage, phone, violations, type Watched } from './browser.ts'
import { startUp, type Up } from './up.ts'

const root = mkdtempSync(join(tmpdir(), 'dray-live-'))
const credentials = { AKIDTEST: 'secret of the test' }
/** A directory for pictures of what is tested; none unless told. */
const pictures = process.env.DRAY_SCREENSHOTS

const objects = 24_000
/** Objects that are copied before the store waits for us: more than eight packets that are leased at once have. */
const untilHeld = 16_000
/** One of every second packet's. */
const failing = (i: number) => i % 4_000 < 2

let browser: Browser
let source: S3Server
let destination: S3Server
let up: Up
let letGo: () => void
let atGate: Promise<void>

beforeAll(async () => {
  const gone = new Promise<void>((resolve) => {
    letGo = resolve
  })
  let reached: () => void
  atGate = new Promise((resolve) => {
    reached = resolve
  })
  let put = 0
  source = await startS3Server({
    credentials,
    hooks: {
      beforeRequest: ({ operation, key }) =>
        operation === 'GetObject' && failing(Number(key?.slice(-6)))
          ? { status: 403, code: 'AccessDenied', message: 'not for <b>you</b>' }
          : null,
    },
  })
  destination = await startS3Server({
    credentials,
    hooks: {
      beforeRequest: async ({ operation }) => {
        if (operation !== 'PutObject' || ++put <= untilHeld) return null
        reached()
        await gone
        return null
      },
    },
  })
  source.createBucket('from')
  destination.createBucket('to')
  const key = (i: number) => `photos/${i % 2 ? 'b' : 'a'}/<i>${String(i).padStart(6, '0')}`
  source.fill('from', { count: objects, key, size: 2_000 })

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
  await up.api('PUT', 'migrations/photos', {
    source: at('from', source),
    destination: at('to', destination),
    filter: { include: [], exclude: [], only: null },
  })
})

afterAll(async () => {
  letGo?.()
  await browser?.close()
  await up?.stop()
  await Promise.all([source?.stop(), destination?.stop()])
  rmSync(root, { recursive: true, force: true })
})

async function open(viewport = desktop, colorScheme: 'light' | 'dark' = 'light'): Promise<Watched> {
  const watched = await openPage(browser, viewport)
  const { page, context } = watched
  // So that a test can cut them.
  await context.addInitScript({
    content: `{ const Real = WebSocket; window.__sockets = []
      WebSocket = class extends Real { constructor(...a) { super(...a); window.__sockets.push(this) } } }`,
  })
  await page.emulateMedia({ colorScheme })
  await page.goto(`${up.origin}/w/local/migrations#token=${up.token}`)
  await page.getByRole('link', { name: 'photos' }).click()
  await page.getByRole('heading', { name: 'photos', level: 1 }).waitFor()
  return watched
}

async function picture(page: Page, name: string): Promise<void> {
  if (!pictures) return
  mkdirSync(pictures, { recursive: true })
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true })
}

/** What the legend says: packets by state, and objects that failed. */
async function legend(page: Page): Promise<number[]> {
  const figures = await page.locator('.strip .legend b').allTextContents()
  return figures.map((text) => Number(text.replaceAll(',', '')))
}

describe('a migration that runs', () => {
  it('is shown as it is, without being asked, and follows the keyboard', async () => {
    const { page, troubles, context } = await open()
    await page.getByRole('button', { name: 'Start', exact: true }).click()
    await page.locator('.link.live').waitFor()
    const strip = page.getByRole('slider', { name: 'The key space' })
    await strip.waitFor()
    await atGate
    await page.locator('.legend .trouble b').filter({ hasNotText: /^0$/ }).waitFor()
    await page.getByRole('link', { name: 'Activity' }).click()
    await page.getByRole('region', { name: 'Agents' }).waitFor()
    await page.locator('.throughput canvas').waitFor()
    await strip.focus()
    await page.keyboard.press('Home')
    expect(await strip.getAttribute('aria-valuetext')).toMatch(/^After the beginning through “photos/)
    await page.keyboard.press('Home')
    await page.keyboard.press(']')
    expect(await strip.getAttribute('aria-valuetext')).toMatch(/objects? failed/)
    await page.keyboard.press('z')
    await page.getByRole('slider', { name: 'A part of it, closer' }).waitFor()
    expect(new URL(page.url()).searchParams.has('zoom')).toBe(true)
    // One packet of the whole is a packet, down to who has it.
    await strip.focus()
    await page.keyboard.press('Enter')
    const packet = page.getByRole('region', { name: /^Packet \d/ })
    await packet.getByText('Attempts').waitFor()
    await picture(page, 'live-desktop-light')
    expect(await violations(page)).toEqual([])
    // What is looked at is in the address, for whoever it is sent to.
    await page.reload()
    await packet.getByText('Attempts').waitFor()
    await page.getByRole('slider', { name: 'A part of it, closer' }).waitFor()
    await packet.getByRole('link', { name: 'Packets from here on' }).click()
    await page.getByRole('region', { name: 'Packets, in the order of keys' }).waitFor()
    expect(new URL(page.url()).pathname).toBe('/w/local/migrations/photos/packets')
    await strip.focus()
    await page.keyboard.press('Escape')
    await packet.waitFor({ state: 'detached' })
    await page.keyboard.press('Escape')
    await page.getByRole('slider', { name: 'A part of it, closer' }).waitFor({ state: 'detached' })
    expect(troubles).toEqual([])
    await context.close()
  })

  it('says when it is not live, and comes back by itself', async () => {
    const { page, troubles, context } = await open()
    await page.locator('.link.live').waitFor()
    await page.evaluate('window.__sockets.forEach((socket) => socket.close())')
    await page.locator('.link.lost').waitFor()
    expect(await page.locator('.link').textContent()).toMatch(/^Reconnecting, as of \d/)
    // The state of the migration is another thing.
    expect(await page.locator('.head .state.running').count()).toBe(1)
    await page.locator('.link.live').waitFor()
    expect(troubles).toEqual([])
    await context.close()
  })

  it('is paused and resumed, and says so; an agent that is looked at is in the address', async () => {
    const { page, troubles, context } = await open()
    await page.locator('.link.live').waitFor()
    await page.getByRole('button', { name: 'Pause…' }).click()
    await page.getByRole('button', { name: 'Pause the pass' }).click()
    await page.getByText(/^Paused since .* by /).waitFor()
    await page.getByRole('button', { name: 'Resume' }).click()
    await page.getByText(/^Paused since /).waitFor({ state: 'detached' })
    await page.getByRole('link', { name: 'Activity' }).click()
    const happened = page.getByRole('region', { name: 'What happened' })
    await happened.getByRole('listitem').filter({ hasText: 'Resumed' }).waitFor()
    await happened.getByRole('listitem').filter({ hasText: 'Paused by' }).waitFor()
    await page.getByRole('region', { name: 'Agents' }).getByRole('button').first().click()
    await page.getByRole('button', { name: 'Show all again' }).waitFor()
    expect(new URL(page.url()).searchParams.get('agent')).toMatch(/^agent-/)
    expect(await page.title()).toMatch(/^\d.* · photos – Dray$/)
    expect(troubles).toEqual([])
    await context.close()
  })

  it.each([
    ['desktop', desktop, 'dark'],
    ['phone', phone, 'light'],
    ['phone', phone, 'dark'],
  ] as const)('is without barriers that a program sees: %s, %o, %s', async (name, viewport, scheme) => {
    const { page, troubles, context } = await open(viewport, scheme)
    await page.getByRole('slider', { name: 'The key space' }).waitFor()
    await page.getByRole('link', { name: 'Activity' }).click()
    await page.locator('.throughput canvas').waitFor()
    await picture(page, `live-${name}-${scheme}`)
    expect(await violations(page)).toEqual([])
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(viewport.width)
    expect(troubles).toEqual([])
    await context.close()
  })

  it('ends before the eyes of who watches, and all adds up', async () => {
    const { page, troubles, context } = await open()
    await page.locator('.link.live').waitFor()
    letGo()
    await page.locator('.head .state.incomplete').waitFor({ timeout: 50_000 })
    const failed = Array.from({ length: objects }, (_, i) => i).filter(failing).length
    const figures = await legend(page)
    expect(figures.slice(0, 3)).toEqual([0, 0, 0])
    expect(figures[3]).toBeGreaterThan(20)
    expect(figures.slice(4)).toEqual([0, failed])
    await page.getByText(`of ${objects.toLocaleString('en')}`, { exact: true }).waitFor()
    await page.getByRole('link', { name: `Failures (${failed})` }).waitFor()
    await page.getByText(`The pass ended: incomplete`).first().waitFor()
    await picture(page, 'live-over')
    expect(troubles).toEqual([])
    await context.close()
  })
})
