/** A migration made in the console, by mouse and by keyboard alone: `dray up`, its agent, and two stores of the project's own server. */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Browser, Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type S3Server, startS3Server } from '../../agent/s3-server/s3-server.ts'
import { desktop, openBrowser, openPage, phone, violations, type Watched } from './browser.ts'
import { startUp, type Up } from './up.ts'

const root = mkdtempSync(join(tmpdir(), 'dray-wizard-'))
const credentials = { AKIDTEST: 'secret of the test' }
const dray = join(import.meta.dirname, '..', '..', 'agent', 'main.ts')
/** A directory for pictures of what is tested; none unless told. */
const pictures = process.env.DRAY_SCREENSHOTS

/** What whoever writes to a bucket may call things. */
const hostile = '<img src=x onerror=alert(1)>\u202egnp'
const objects = 300
/** More than an agent counts at once. */
const many = 200_500

let browser: Browser
let store: S3Server
let up: Up

beforeAll(async () => {
  store = await startS3Server({ credentials })
  for (const bucket of ['photos', 'photos-new', 'backup']) store.createBucket(bucket)
  const key = (i: number) =>
    `${2024 + (i % 3)}/${i === 5 ? hostile : `holiday ${i % 4}`}/img-${String(i).padStart(4, '0')}.${i % 5 ? 'jpg' : 'tmp'}`
  store.fill('photos', { count: objects, key, size: 2_000 })
  store.createBucket('sparks')
  store.fill('sparks', { count: many, key: (i) => `k${String(i).padStart(7, '0')}`, size: 1_000_000 })
  mkdirSync(join(root, 'papers', 'letters'), { recursive: true })
  writeFileSync(join(root, 'papers', 'letters', 'one.txt'), 'one')

  up = await startUp(join(root, 'state'), {
    AWS_ACCESS_KEY_ID: 'AKIDTEST',
    AWS_SECRET_ACCESS_KEY: credentials.AKIDTEST,
    AWS_EC2_METADATA_DISABLED: 'true',
  })
  await up.api('POST', 'connections', {
    id: 'store',
    endpoint: store.url.origin,
    region: 'us-east-1',
    credential: { kind: 'profile', profile: null },
  })
  browser = await openBrowser()
})

afterAll(async () => {
  await browser?.close()
  await up?.stop()
  await store?.stop()
  rmSync(root, { recursive: true, force: true })
})

async function open(query = '', token = up.token, viewport = desktop): Promise<Watched> {
  const watched = await openPage(browser, viewport)
  await watched.page.goto(`${up.origin}/w/local/new-migration${query}#token=${token}`)
  await watched.page.getByRole('heading', { name: 'New migration', level: 1 }).waitFor()
  return watched
}

async function close({ troubles, context }: Watched): Promise<void> {
  expect(troubles).toEqual([])
  await context.close()
}

async function picture(page: Page, name: string): Promise<void> {
  if (!pictures) return
  mkdirSync(pictures, { recursive: true })
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true })
}

const step = (page: Page, name: string) => page.getByRole('region', { name })
const side = (page: Page, name: 'Source' | 'Destination') =>
  step(page, `${name === 'Source' ? 2 : 3} ${name}`)

async function fillBucket(page: Page, name: 'Source' | 'Destination', bucket: string): Promise<void> {
  await side(page, name).getByLabel('Where it is').selectOption('connection:store')
  await side(page, name).getByLabel('Bucket').fill(bucket)
}

/** Of a listing. */
const entry = (page: Page, name: string) =>
  page.getByRole('option').filter({ has: page.locator('.name').getByText(name, { exact: true }) })

/** To an element, as somebody without a mouse goes there. */
async function tabTo(page: Page, to: Locator): Promise<void> {
  for (let i = 0; i < 80; i++) {
    if ((await to.and(page.locator(':focus')).count()) > 0) return
    await page.keyboard.press('Tab')
  }
  throw new Error('the keyboard does not get there')
}

const run = async (program: string, args: string[]) =>
  promisify(execFile)(program, args).catch(
    (failed: { code: number; stdout: string; stderr: string }) => failed,
  )

describe('a new migration', () => {
  it('is made by mouse, started, and moves what the page said', async () => {
    const watched = await open()
    const { page } = watched
    await page.getByLabel('Name of the migration').fill('photos')
    await side(page, 'Source').getByLabel('Where it is').selectOption('connection:store')
    await page.getByRole('button', { name: 'Browse the source' }).click()
    await entry(page, 'photos').click()
    await entry(page, '2026/').click()
    // 2 mod 3, of which 5 is one: what it is called is shown, and not obeyed.
    await entry(page, '<img src=x onerror=alert(1)>\\u{202e}gnp/').waitFor()
    await page.getByRole('button', { name: 'Count what is in here' }).click()
    await page.getByText('100 objects, 195 KiB', { exact: true }).waitFor()
    expect(await violations(page)).toEqual([])
    await picture(page, 'wizard-browse')
    await page.getByRole('button', { name: 'Use this folder' }).click()
    expect(await side(page, 'Source').getByLabel('Bucket').inputValue()).toBe('photos')
    expect(await side(page, 'Source').getByLabel('Folder').inputValue()).toBe('2026/')

    await fillBucket(page, 'Destination', 'photos-new')
    await page.getByLabel('Not what matches').fill('*.tmp')
    await page.getByText('All 100 objects were looked at').waitFor()
    await step(page, 'What is taken').getByText('80 objects').waitFor()
    await page.getByText('Some that are left out').click()
    await page.getByText('Nothing stands in its way.').waitFor()
    await page.getByText('This name is free.').waitFor()
    expect(await violations(page)).toEqual([])
    await picture(page, 'wizard')
    await page.getByRole('button', { name: 'Create and start' }).click()
    await page.getByRole('heading', { name: 'photos', level: 1 }).waitFor()
    await page.getByText('Complete', { exact: true }).first().waitFor()
    const { pass } = await up.api<{ pass: { counts: { objects: { copied: number } } } }>(
      'GET',
      'migrations/photos',
    )
    expect(pass.counts.objects.copied).toBe(80)
    // What was typed has become a migration, and is no draft any more.
    await page.goBack()
    await page.getByLabel('Name of the migration').waitFor()
    expect(await page.getByLabel('Name of the migration').inputValue()).toBe('')
    await close(watched)
  })

  it('is saved by keyboard alone as a file that `dray apply` takes, and as a command', async () => {
    const watched = await open()
    const { page } = watched
    const { keyboard } = page
    await page.locator('option[value="connection:store"]').last().waitFor({ state: 'attached' })
    await tabTo(page, page.getByLabel('Name of the migration'))
    await keyboard.type('by-keyboard')
    for (const name of ['Source', 'Destination'] as const) {
      await tabTo(page, side(page, name).getByLabel('Where it is'))
      await keyboard.press('ArrowDown')
    }
    await keyboard.press('Shift+Tab')
    await tabTo(page, side(page, 'Destination').getByLabel('Bucket'))
    await keyboard.type('backup')
    await keyboard.press('Tab')
    await keyboard.type('from/photos')

    const browse = page.getByRole('button', { name: 'Browse the source' })
    await browse.focus()
    await keyboard.press('Enter')
    const list = page.getByRole('listbox')
    await entry(page, 'photos-new').waitFor()
    await tabTo(page, list)
    await keyboard.press('ArrowDown')
    await keyboard.press('Enter')
    await entry(page, '2025/').waitFor()
    await keyboard.press('ArrowDown')
    await keyboard.press('Enter')
    await entry(page, 'holiday 1/').waitFor()
    await keyboard.press('Backspace')
    await entry(page, '2026/').waitFor()
    await tabTo(page, page.getByRole('button', { name: 'Use the whole bucket' }))
    await keyboard.press('Enter')
    await list.waitFor({ state: 'detached' })
    expect(await side(page, 'Source').getByLabel('Bucket').inputValue()).toBe('photos')

    await tabTo(page, page.getByLabel('Only what matches'))
    await keyboard.type("it's/**\n2025/**")
    await tabTo(page, page.getByRole('radio', { name: /^Stay at the destination/ }))
    await keyboard.press('ArrowDown')
    await keyboard.press('ArrowDown')
    await tabTo(page, page.getByText('What of an object goes along besides its bytes: as usual'))
    await keyboard.press('Enter')
    await tabTo(page, page.getByLabel('Tags', { exact: true }))
    await keyboard.press('ArrowDown')
    await page.getByText('besides its bytes: 1 is other than usual').waitFor()

    await tabTo(page, page.getByRole('button', { name: 'Save as YAML' }))
    const [download] = await Promise.all([page.waitForEvent('download'), keyboard.press('Enter')])
    const file = join(root, download.suggestedFilename())
    await download.saveAs(file)
    await tabTo(page, page.getByRole('button', { name: 'Show the command' }))
    await keyboard.press('Enter')
    const shown = step(page, 'The same, on the command line').first()
    const command = await shown.locator('pre').textContent()
    await picture(page, 'wizard-command')
    expect(await violations(page)).toEqual([])

    expect(file.endsWith('by-keyboard.yaml')).toBe(true)
    const here = ['--state-dir', join(root, 'state')]
    const made = await run(process.execPath, [dray, 'apply', file, '--yes', ...here])
    expect(made.stdout).toContain('+ migration by-keyboard')
    expect(await up.api('GET', 'migrations/by-keyboard')).toMatchObject({
      source: { connection: 'store', bucket: 'photos', prefix: '' },
      destination: { connection: 'store', bucket: 'backup', prefix: 'from/photos/' },
      filter: { include: ['2025/**', "it's/**"], exclude: [] },
      policy: { delete: true, fidelity: { tags: 'drop' } },
    })
    expect(await run(process.execPath, [dray, 'apply', file, '--plan', ...here])).toMatchObject({
      stdout: expect.stringContaining('1 unchanged'),
    })
    // The command says the same: it makes nothing that is not there by now.
    const line = command!.replace(/^dray /, '"$0" "$1" ')
    const again = await run('sh', ['-c', `${line} ${here.join(' ')}`, process.execPath, dray])
    expect(again).toMatchObject({ stdout: expect.stringContaining('by-keyboard: s3://photos/') })
    await close(watched)
  })

  it('keeps what is typed when the page is loaded again, and none of it once told to', async () => {
    const watched = await open()
    const { page } = watched
    await page.getByLabel('Name of the migration').fill('Not a name')
    await side(page, 'Source').getByLabel('Where it is').selectOption('site:local')
    await side(page, 'Source').getByLabel('Directory').fill(join(root, 'papers'))
    await page.getByText('The one object was looked at').waitFor()
    await page.getByRole('button', { name: 'Browse the source' }).click()
    await entry(page, 'letters/').click()
    await entry(page, 'one.txt').waitFor()
    await page.getByRole('button', { name: 'Use this folder' }).click()
    await page.reload()
    await page.getByText('Lower-case letters, digits and “-”, at most 63').waitFor()
    expect(await side(page, 'Source').getByLabel('Directory').inputValue()).toBe(
      join(root, 'papers', 'letters'),
    )
    await page.getByRole('button', { name: 'Create', exact: true }).click()
    await page.getByText('Something is missing yet:').waitFor()
    expect(await page.getByRole('alert').getByRole('link').allTextContents()).toEqual(['Name', 'Destination'])
    expect(await violations(page)).toEqual([])
    await page.getByRole('button', { name: 'Start over' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Start over' }).click()
    await page.getByRole('alertdialog').waitFor({ state: 'detached' })
    expect(await page.getByLabel('Name of the migration').inputValue()).toBe('')
    await page.reload()
    expect(await page.getByLabel('Name of the migration').inputValue()).toBe('')
    await close(watched)
  })

  it('takes a new connection, whose key is sealed on a page of its own, and comes back to what was typed', async () => {
    const watched = await open()
    const { page } = watched
    await page.getByLabel('Name of the migration').fill('with-a-key')
    await side(page, 'Destination').getByRole('button', { name: 'New connection' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name', { exact: true }).fill('Sealed')
    await dialog.getByLabel('Endpoint').fill('http://user:password@127.0.0.1:1')
    await dialog.getByText('An access key, sealed to the agents').click()
    await dialog.getByRole('button', { name: 'Create it, and seal its key' }).click()
    await dialog.getByRole('alert').first().waitFor()
    expect(await violations(page)).toEqual([])
    await picture(page, 'wizard-connection')
    await dialog.getByLabel('Name', { exact: true }).fill('sealed')
    await dialog.getByLabel('Endpoint').fill('http://127.0.0.1:1')
    await dialog.getByRole('button', { name: 'Create it, and seal its key' }).click()
    await page.getByRole('heading', { name: 'Seal a secret' }).waitFor()
    await page.locator('#endpoint').getByText('http://127.0.0.1:1').waitFor()
    await page.getByRole('link', { name: 'Back to the console' }).click()
    await page.getByText('The secret of this connection is not sealed yet').waitFor()
    expect(await page.getByLabel('Name of the migration').inputValue()).toBe('with-a-key')
    expect(await side(page, 'Destination').getByLabel('Where it is').inputValue()).toBe('connection:sealed')
    await fillBucket(page, 'Source', 'photos')
    await side(page, 'Destination').getByLabel('Bucket').fill('new')
    await page.getByRole('button', { name: 'Save as YAML' }).waitFor()
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save as YAML' }).click(),
    ])
    const file = join(root, 'with-a-key.yaml')
    await download.saveAs(file)
    const text = readFileSync(file, 'utf8')
    // What was made here goes along; what was there before does not.
    expect(text).toContain(
      'connections:\n  sealed:\n    endpoint: http://127.0.0.1:1\n    credential: sealed\n',
    )
    expect(text).not.toContain(store.url.origin)
    await close(watched)
  })

  it('says what would stop it, and asks before it is made all the same', async () => {
    const watched = await open('?from=photos')
    const { page } = watched
    await page.getByText('With the settings of photos.').waitFor()
    expect(await page.getByLabel('Not what matches').inputValue()).toBe('*.tmp')
    await page.getByLabel('Name of the migration').fill('photos')
    await page.getByText('There is a migration photos already.').waitFor()
    await page.getByLabel('Name of the migration').fill('nowhere')
    await side(page, 'Destination').getByLabel('Bucket').fill('there-is-none')
    await page.getByText(/would stop it\.$/).waitFor()
    await picture(page, 'wizard-stops')
    expect(await violations(page)).toEqual([])
    await page.getByRole('button', { name: 'Create', exact: true }).click()
    const asked = page.getByRole('alertdialog', { name: 'Make it all the same?' })
    await asked.waitFor()
    expect(await violations(page)).toEqual([])
    await asked.getByRole('button', { name: 'Make it anyway' }).click()
    await page.getByRole('heading', { name: 'nowhere', level: 1 }).waitFor()
    await close(watched)
  })

  it('tells what was counted so far, goes on with it, and reckons with prices that can be corrected', async () => {
    const watched = await open()
    const { page } = watched
    await fillBucket(page, 'Source', 'sparks')
    await page.getByText(/^Of the first [\d,]+ objects looked at\. There are more\.$/).waitFor()
    const reckoned = step(page, 'How much, how long, what it costs')
    expect(await reckoned.locator('dd').allTextContents()).toEqual(
      [0, 1, 2, 3].map(() => expect.stringMatching(/^at least /)),
    )
    await reckoned.getByRole('button', { name: 'Count to the end' }).click()
    await page.getByText('It rests on all 200,500 objects of the source, counted.').waitFor()
    await reckoned.getByText('Prices at the source').click()
    await reckoned.getByLabel('Price list').selectOption('aws')
    await reckoned.getByText('as of 2025-06').waitFor()
    await reckoned.getByLabel('$ per GB that leaves').fill('0.5')
    // 200.5 GB of traffic.
    await reckoned.getByRole('cell', { name: '$100.25' }).waitFor()
    expect(await violations(page)).toEqual([])
    await page.reload()
    await reckoned
      .getByRole('cell', { name: '$100.25' })
      .or(reckoned.getByText('at least $'))
      .first()
      .waitFor()
    await reckoned.getByText('Prices at the source: your own figures').click()
    await reckoned.getByRole('button', { name: 'Back to the public list' }).click()
    await reckoned.getByText('Prices at the source: A store of your own').waitFor()
    await close(watched)
  })

  it.each([
    ['phone', phone, 'dark'],
    ['desktop', desktop, 'dark'],
  ] as const)('is without barriers that a program sees: %s, %o, %s', async (name, viewport, colorScheme) => {
    const watched = await open('?from=photos', up.token, viewport)
    const { page } = watched
    await page.emulateMedia({ colorScheme })
    await page.getByText('Some that are taken').click()
    await page.getByText('Keys at the destination').click()
    await page.getByLabel('Change how they begin').check()
    await page.getByLabel('Begins with', { exact: true }).fill('holiday')
    await page.getByLabel('Begins with instead').fill('trip')
    await page.getByText('trip 0/').first().waitFor()
    await page.getByText(/Nothing stands in its way|to mind|would stop it/).waitFor()
    expect(await violations(page)).toEqual([])
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(viewport.width)
    await picture(page, `wizard-${name}-${colorScheme}`)
    await page.getByRole('button', { name: 'Browse the source' }).click()
    await page.getByRole('option').first().waitFor()
    expect(await violations(page)).toEqual([])
    await picture(page, `wizard-browse-${name}-${colorScheme}`)
    await close(watched)
  })

  it('may be drawn up, and not made, by who only looks', async () => {
    const { secret } = await up.api<{ secret: string }>('POST', 'tokens', {
      name: 'looks',
      scopes: ['workspace:read', 'migrations:read', 'connections:read', 'sites:read'],
    })
    const watched = await open('', secret)
    const { page } = watched
    await page.getByText('Your role in this workspace makes no migrations.').waitFor()
    await page.getByLabel('Name of the migration').fill('for-later')
    await fillBucket(page, 'Source', 'photos')
    await fillBucket(page, 'Destination', 'backup')
    expect(await page.getByRole('button', { name: 'Create and start' }).isDisabled()).toBe(true)
    expect(await page.getByRole('button', { name: 'Browse the source' }).isDisabled()).toBe(true)
    expect(await page.getByRole('button', { name: 'New connection' }).first().isDisabled()).toBe(true)
    await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save as YAML' }).click(),
    ])
    expect(await violations(page)).toEqual([])
    await close(watched)
  })
})
