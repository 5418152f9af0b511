/**
 * A migration's life in a real browser, led by the keyboard: backfill, follow, deletes that ask, cut-over, and the way back; `dray up`, its
 * agent, and the project's own store. Then the same buckets are held against each other.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type S3Server, startS3Server } from '../../agent/s3-server/s3-server.ts'
import type { Attention } from '../../shared/api/overview.ts'
import type { LifeView } from '../../shared/life.ts'
import { desktop, openBrowser, openPage, phone, violations, type Watched } from './browser.ts'
import { startUp, type Up } from './up.ts'

const root = mkdtempSync(join(tmpdir(), 'dray-life-'))
const credentials = { AKIDTEST: 'secret of the test' }
/** A directory for pictures of what is tested; none unless told. */
const pictures = process.env.DRAY_SCREENSHOTS

/** What whoever writes to a bucket may call things. */
const hostile = '<img src=x onerror=alert(1)>\u202egnp'
const objects = 40
const key = (i: number) => `${i % 2 ? 'letters' : hostile}/${String(i).padStart(3, '0')}`

const follow = {
  ...{ pauseAtLeast: 1, pauseAtMost: 1, lag: 300, quiet: 0, depth: 'checksum', sample: 0.5 },
  events: [{ kind: 'webhook' }],
}

let browser: Browser
let store: S3Server
let up: Up
let watched: Watched
let page: Page

beforeAll(async () => {
  store = await startS3Server({ credentials })
  store.createBucket('papers')
  store.createBucket('papers-new')
  store.fill('papers', { count: objects, key, size: 2_000 })
  up = await startUp(join(root, 'state'), {
    AWS_ACCESS_KEY_ID: 'AKIDTEST',
    AWS_SECRET_ACCESS_KEY: credentials.AKIDTEST,
    AWS_EC2_METADATA_DISABLED: 'true',
  })
  const at = (bucket: string) => ({
    ...{ kind: 's3', bucket, prefix: '', region: null, profile: null, site: null },
    endpoint: store.url.href,
  })
  await up.api('PUT', 'migrations/papers', {
    source: at('papers'),
    destination: at('papers-new'),
    filter: { include: [], exclude: [], only: null },
    policy: { delete: true, deleteCap: { objects: 5, share: null } },
    follow,
  })
  browser = await openBrowser()
  watched = await openPage(browser)
  page = watched.page
  await page.goto(`${up.origin}/w/local/migrations#token=${up.token}`)
  await page.getByRole('link', { name: 'papers' }).click()
  await page.getByRole('heading', { name: 'papers', level: 1 }).waitFor()
})

afterAll(async () => {
  await browser?.close()
  await up?.stop()
  await store?.stop()
  rmSync(root, { recursive: true, force: true })
})

/** To an element, as somebody without a mouse goes there. */
async function tabTo(to: Locator): Promise<void> {
  await to.waitFor()
  for (let i = 0; i < 80; i++) {
    if ((await to.and(page.locator(':focus')).count()) > 0) return
    await page.keyboard.press('Tab')
  }
  throw new Error('the keyboard does not get there')
}
async function press(to: Locator): Promise<void> {
  await tabTo(to)
  await page.keyboard.press('Enter')
}
const button = (name: string) => page.getByRole('button', { name, exact: true }).first()
const dialog = () => page.getByRole('alertdialog')
const inDialog = (name: string) => dialog().getByRole('button', { name, exact: true })

/** The state in the head of the page. */
const state = (says: string) => page.locator('.head .state').getByText(says, { exact: true }).waitFor()
const stage = (says: string) =>
  page
    .getByRole('list', { name: 'The life of this migration' })
    .locator('[aria-current=step]', { hasText: says })
    .waitFor()
const step = (says: string) => page.locator('.checklist li').filter({ hasText: says })

/** Without barriers that a program sees, and without sideways scrolling on a phone. `closely`: those on a phone, too. */
async function look(name: string, closely = false): Promise<void> {
  for (const [size, viewport] of Object.entries({ phone, desktop })) {
    await page.setViewportSize(viewport)
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(viewport.width)
    if (size === 'desktop' || closely) {
      expect({ name, size, violations: await violations(page) }).toEqual({ name, size, violations: [] })
    }
    if (pictures) {
      mkdirSync(pictures, { recursive: true })
      await page.screenshot({ path: join(pictures, `life-${name}-${size}.png`), fullPage: true })
    }
  }
}

/** The overview says so; the catalogue hears of it a little later. */
const needs = (what: Partial<Attention>) =>
  expect
    .poll(async () => (await up.api<{ attention: Attention[] }>('GET', 'overview')).attention, {
      timeout: 20_000,
    })
    .toEqual([expect.objectContaining({ id: 'papers', ...what })])
const life = () => up.api<LifeView>('GET', 'migrations/papers/life')
async function put(bucket: string, name: string, body: string): Promise<void> {
  store.fill(bucket, { count: 1, key: () => name, size: body.length })
}
const has = (bucket: string, name: string) => store.object(bucket, name) !== null

describe('a migration', () => {
  it('is started in words that say what follows, and follows', async () => {
    await page.getByText('Everything is copied, and then kept up to date').waitFor()
    await look('draft')
    await press(button('Backfill and follow…'))
    await dialog().getByText('What is deleted at the source is deleted at the destination too').waitFor()
    await look('start')
    await press(inDialog('Backfill and follow'))
    await page.getByText('It backfills, and follows then.').waitFor()
    await state('Following')
    await stage('Follow')
    await page.getByText(/^all before .* is proven$/).waitFor()
    expect(has('papers-new', key(0))).toBe(true)
    await press(page.getByRole('link', { name: 'Life', exact: true }))
    await page.getByText(`${up.origin}/api/workspaces/local/migrations/papers/changes`).waitFor()
    await look('following')
  })

  it('asks before it deletes more than the policy allows, and is answered', async () => {
    for (let i = 0; i < 10; i++) store.delete('papers', key(i))
    await page.getByText('This pass would delete 10 objects of 40 at the destination (25%).').waitFor()
    await state('Following: it asks you')
    await look('deletes', true)
    await needs({ is: 'deletes', count: 10, open: 40 })
    expect(has('papers-new', key(0))).toBe(true)
    await press(button('Delete 10 objects…'))
    expect(await inDialog('Delete 10 objects').isDisabled()).toBe(true)
    await tabTo(dialog().getByLabel('Type 10 to go on'))
    await page.keyboard.type('10')
    await look('deletes-asked')
    await page.keyboard.press('Enter')
    await page.getByText('The pass may delete 10 objects.').waitFor()
    await page.getByText('This pass would delete').waitFor({ state: 'detached' })
    await expect.poll(() => has('papers-new', key(0)), { timeout: 20_000 }).toBe(false)
  })

  it('is paused and resumed', async () => {
    await press(button('Pause…'))
    await press(inDialog('Pause'))
    await state('Following, paused')
    await page.getByText(/^Paused since .* by /).waitFor()
    await press(button('Resume'))
    await state('Following')
  })

  it('walks through the checklist, and is cut over', async () => {
    await press(button('Cut over…'))
    await dialog().getByText('it asks you to stop all writes to s3://papers/').waitFor()
    await look('cut-over')
    await press(inDialog('Begin the checklist'))
    const freeze = step('Nobody writes to the source')
    await freeze.getByText('Asks you').waitFor()
    await stage('Verify')
    await look('freeze', true)
    await needs({ is: 'asks', message: 'A step of its cut-over.' })
    // The last write, before the promise.
    await put('papers', 'the last one', 'written before the freeze')
    await press(freeze.getByRole('button', { name: 'Declare the freeze…' }))
    expect(await inDialog('Declare the freeze').isDisabled()).toBe(true)
    await tabTo(dialog().getByLabel('Nobody writes to s3://papers/ from now on.'))
    await page.keyboard.press('Space')
    await look('promise')
    await press(inDialog('Declare the freeze'))
    await state('Ready to cut over')
    await stage('Ready')
    expect(has('papers-new', 'the last one')).toBe(true)
    await look('ready')
    await press(page.getByRole('link', { name: 'Certificates' }))
    const certificate = page.getByRole('article', { name: /^Certificate of pass/ })
    await certificate.getByText('31 objects of s3://papers/ and of s3://papers-new/ were compared').waitFor()
    await press(certificate.getByText('To check it, without'))
    await certificate.getByText(/^dray verify-certificate papers-pass-\d+-certificate\.ndjson/).waitFor()
    await look('certificate', true)
    await press(button('Switch…'))
    await tabTo(dialog().getByLabel('Type papers to go on'))
    await page.keyboard.type('papers')
    await look('switch')
    await page.keyboard.press('Enter')
    await state('Cut over')
    await stage('Cut over')
    await page.getByText('Destination → source').waitFor()
    expect((await life()).direction).toBe('back')
  })

  it('says what a late write at the old side is, and what to do about it', async () => {
    // The pass that finds it is the last for now: what is looked at stays.
    await up.api('POST', 'migrations/papers/life/pause', {})
    await put('papers', 'a straggler', 'written after the switch')
    await up.api('PATCH', 'migrations/papers', {
      follow: { ...follow, pauseAtLeast: 3_600, pauseAtMost: 3_600 },
    })
    await press(button('Resume'))
    await page.getByText('1 conflict.').waitFor()
    await press(page.getByRole('link', { name: 'Look at them' }))
    const cause = page.getByRole('article', { name: 'Conflict' })
    await cause.getByText('both sides have what they had').waitFor()
    await look('conflict')
    await needs({ is: expect.stringMatching(/conflicts|failing/) })
    await press(cause.getByRole('button', { name: 'Waive 1…' }))
    await tabTo(dialog().getByLabel('Why they may stay so'))
    await page.keyboard.type('nobody <b>wants</b> it')
    await press(inDialog('Waive 1'))
    await page.getByText('Waived 1 object.').waitFor()
    expect(has('papers', 'a straggler')).toBe(true)
    expect(has('papers-new', 'a straggler')).toBe(false)
  })

  it('is rolled back, with what was written since', async () => {
    await put('papers-new', 'written after the cut-over', 'new')
    await press(button('Roll back…'))
    await dialog().getByText('it brings to s3://papers/').waitFor()
    await press(inDialog('Begin the way back'))
    const freeze = step('Nobody writes to the destination')
    await freeze.getByText('Asks you').waitFor()
    await stage('Verify the way back')
    await press(freeze.getByRole('button', { name: 'Declare the freeze…' }))
    await tabTo(dialog().getByLabel('Nobody writes to s3://papers-new/ from now on.'))
    await page.keyboard.press('Space')
    await press(inDialog('Declare the freeze'))
    await state('Ready to roll back')
    await look('ready-back')
    await press(button('Switch back…'))
    await tabTo(dialog().getByLabel('Type papers to go on'))
    await page.keyboard.type('papers')
    await page.keyboard.press('Enter')
    await state('Rolled back')
    await look('rolled-back')
    expect(has('papers', 'written after the cut-over')).toBe(true)
    expect(has('papers', 'the last one')).toBe(true)
  })

  it('is verified when somebody asks for it, and that is certified', async () => {
    await press(button('More of what can be done'))
    await page.getByRole('menuitem', { name: 'Verify now…' }).waitFor()
    await page.keyboard.type('Verify')
    await page.keyboard.press('Enter')
    const asked = page.getByRole('dialog', { name: 'Verify now' })
    await asked.getByLabel('Read some of them in full').selectOption('')
    await asked.getByText('What the depth above proves is all that is proved.').waitFor()
    await press(asked.getByRole('button', { name: 'Verify' }))
    await page.getByText('It is verified as soon as').waitFor()
    await press(page.getByRole('link', { name: 'Certificates' }))
    // Waived on the way back.
    await page.getByText('what only s3://papers/ has was let be, and is not in it').waitFor()
    await press(page.getByRole('button', { name: /^Certify pass/ }))
    await page.getByText(/^The certificate of pass \d+ is signed\.$/).waitFor()
  })

  it('is made in the console, follows from the start, and is as the page and the command say', async () => {
    store.createBucket('papers-again')
    await page.goto(`${up.origin}/w/local/new-migration?from=papers`)
    await page.getByLabel('Name of the migration').fill('again')
    const step = (name: string) => page.getByRole('region', { name })
    await step('3 Destination').getByLabel('Bucket').fill('papers-again')
    await step('6 What each pass does').getByLabel('Are deleted at the destination after a while').check()
    await page.getByLabel('After they were missing for').selectOption('30 days')
    await page.getByLabel('Ask first past this share (%)').fill('10')
    await page.getByLabel('Ask first past so many objects').fill('')
    const follows = step('7 How it follows')
    await follows.getByLabel('Quiet before a cut-over').selectOption('5 min')
    await follows.getByLabel('Read some of them in full').selectOption('1% of the objects, chosen at random')
    await follows.getByText('/migrations/again/changes').waitFor()
    await follows.getByRole('button', { name: 'Add a queue (SQS)' }).click()
    await follows.getByLabel('Queue that agents poll').fill('changes')
    await follows.getByText('An address begins with https:// or http://.').waitFor()
    await follows.getByRole('button', { name: 'Remove this queue' }).click()
    await look('wizard')
    await page.getByRole('button', { name: 'Show the command' }).click()
    const command = (await page.getByLabel('The same, on the command line').last().innerText()).split(
      ' \\\n  ',
    )
    expect(command).toEqual(
      expect.arrayContaining([
        '--delete-after 2592000s',
        '--max-delete 10%',
        '--quiet 300s',
        '--sample 0.01',
      ]),
    )
    await page.getByLabel('It backfills, and then follows').check()
    await page.getByRole('button', { name: 'Create and start' }).click()
    await page.getByRole('heading', { name: 'again', level: 1 }).waitFor()
    await state('Following')
    expect(has('papers-again', 'the last one')).toBe(true)
    expect(watched.troubles).toEqual([])
  })
})
