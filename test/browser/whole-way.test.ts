/**
 * The whole way, as somebody goes it who has just installed Dray: the set-up link, an agent of a site, two connections (one of them sealed), a
 * migration of which some objects fail, the cause mended, those tried again, all of it verified, and the report taken away.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type S3Server, startS3Server } from '../../agent/s3-server/s3-server.ts'
import { withAuthenticator } from './authenticator.ts'
import { openBrowser, openPage, violations } from './browser.ts'
import { startUp, type Up } from './up.ts'

const root = mkdtempSync(join(tmpdir(), 'dray-whole-way-'))
const oldKeys = { AKIDOLD: 'secret of the old store' }
const newKeys = { AKIDNEW: 'secret-of-the-new-store' }
const objects = 400
const locked = 40

let browser: Browser
let up: Up
let oldStore: S3Server
let newStore: S3Server
let agent: ChildProcess | null = null
let isLocked = true

beforeAll(async () => {
  oldStore = await startS3Server({
    credentials: oldKeys,
    hooks: {
      beforeRequest: ({ operation, key }) =>
        isLocked && operation === 'GetObject' && key?.startsWith('2026/')
          ? { status: 403, code: 'AccessDenied', message: 'the folder 2026 is locked' }
          : null,
    },
  })
  newStore = await startS3Server({ credentials: newKeys })
  oldStore.createBucket('photos')
  newStore.createBucket('photos')
  const key = (i: number) => `${i < locked ? 2026 : 2020 + (i % 5)}/${String(i).padStart(5, '0')}.jpg`
  oldStore.fill('photos', { count: objects, key, size: 3_000 })
  up = await startUp(join(root, 'plane'))
  browser = await openBrowser()
})

afterAll(async () => {
  await browser?.close()
  if (agent?.exitCode === null) {
    agent.kill('SIGTERM')
    await once(agent, 'exit')
  }
  await up?.stop()
  await Promise.all([oldStore?.stop(), newStore?.stop()])
  rmSync(root, { recursive: true, force: true })
})

/** On the machine next to the data: the command as the page shows it. */
function run(command: string): void {
  const bin = join(root, 'bin')
  mkdirSync(bin)
  const program = join(import.meta.dirname, '..', '..', 'agent', 'main.ts')
  writeFileSync(join(bin, 'dray'), `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`)
  chmodSync(join(bin, 'dray'), 0o755)
  writeFileSync(
    join(root, 'credentials'),
    `[old]\naws_access_key_id = AKIDOLD\naws_secret_access_key = ${oldKeys.AKIDOLD}\n`,
  )
  agent = spawn('sh', ['-c', command.replace('&& dray', '&& exec dray')], {
    env: {
      ...process.env,
      PATH: `${bin}${delimiter}${process.env.PATH}`,
      DRAY_STATE_DIR: join(root, 'agent'),
      AWS_SHARED_CREDENTIALS_FILE: join(root, 'credentials'),
      AWS_CONFIG_FILE: '/dev/null',
      AWS_EC2_METADATA_DISABLED: 'true',
    },
    stdio: 'ignore',
  })
}

const step = (page: Page, name: string) => page.getByRole('region', { name })

it('goes from the set-up link to the report of a verified migration', async () => {
  const { context, page, troubles } = await openPage(browser)
  page.setDefaultTimeout(20_000)
  await withAuthenticator(context, page)
  // Passkeys need a name.
  const origin = up.origin.replace('127.0.0.1', 'localhost')

  // The first owner.
  await page.goto(up.setupLink.replace('127.0.0.1', 'localhost'))
  await page.getByLabel('Your name').fill('Olga')
  await page.getByLabel('E-mail').fill('olga@example.com')
  await page.getByRole('button', { name: 'Continue with a passkey' }).click()
  await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
  expect(await violations(page)).toEqual([])

  // An agent.
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Sites and agents' }).click()
  await page.getByRole('button', { name: 'Let an agent join' }).first().click()
  const joining = page.getByRole('dialog', { name: 'Let an agent join' })
  await joining.getByLabel('Site', { exact: true }).selectOption({ label: 'a new one' })
  await joining.getByLabel('Name of the site').fill('paris')
  await joining
    .getByLabel('What the agent may touch')
    .fill(`${oldStore.url.origin}/*\n${newStore.url.origin}/*`)
  await joining.getByRole('button', { name: 'Make the command' }).click()
  const command = await joining.locator('pre').first().innerText()
  expect(command).toContain(`dray agent join ${origin}`)
  run(command)
  await joining.getByText('has joined and is connected').waitFor({ timeout: 60_000 })
  await joining.getByRole('button', { name: 'Done' }).click()

  // Two connections: to the one the machine has a profile, the key of the other is sealed in the browser.
  await page.getByRole('link', { name: 'Connections' }).click()
  const connect = async (id: string, endpoint: string, how: RegExp, button: string) => {
    await page.getByRole('button', { name: 'New connection' }).click()
    const making = page.getByRole('dialog', { name: 'New connection' })
    await making.getByLabel('Name', { exact: true }).fill(id)
    await making.getByLabel('Endpoint').fill(endpoint)
    await making.getByLabel('Region').fill('us-east-1')
    await making.getByRole('radio', { name: how }).check()
    if (id === 'old') await making.getByRole('textbox', { name: 'Profile' }).fill('old')
    await making.getByLabel('paris').check()
    await making.getByRole('button', { name: button }).click()
  }
  await connect('old', oldStore.url.origin, /^A profile/, 'Create the connection')
  await page.getByRole('heading', { name: 'old', level: 1 }).waitFor()
  await page.getByRole('link', { name: 'Connections' }).first().click()
  await connect('new', newStore.url.origin, /sealed/, 'Create it, and seal its key')
  await page.getByRole('heading', { name: 'Seal a secret' }).waitFor()
  await page.getByText('paris').first().waitFor()
  await page.getByLabel(/Access key ID/).fill('AKIDNEW')
  await page.getByLabel(/Secret access key/).fill(newKeys.AKIDNEW)
  await page.getByLabel(/fingerprints/).check()
  await page.getByRole('button', { name: 'Seal', exact: true }).click()
  await page.getByText('Sealed version 1 of the secret of new').waitFor()
  await page.getByRole('link', { name: 'Back to the console' }).click()
  await page.getByRole('heading', { level: 1 }).waitFor()

  // The migration.
  await page.getByRole('link', { name: 'Migrations' }).first().click()
  await page.getByRole('link', { name: 'New migration' }).first().click()
  await page.getByLabel('Name of the migration').fill('photos')
  for (const [number, side, connection] of [
    [2, 'Source', 'old'],
    [3, 'Destination', 'new'],
  ] as const) {
    const place = step(page, `${number} ${side}`)
    await place.getByLabel('Where it is').selectOption(`connection:${connection}`)
    await place.getByLabel('Bucket').fill('photos')
  }
  await page.getByText(`All ${objects} objects were looked at`).waitFor()
  await page.getByText('This name is free.').waitFor()
  await page.getByRole('button', { name: 'Create and start' }).click()
  await page.getByRole('heading', { name: 'photos', level: 1 }).waitFor()

  // Some objects fail; their cause is mended, and they alone are tried again.
  await page.locator('.head .state.incomplete').waitFor({ timeout: 60_000 })
  const denied = page.getByRole('article', { name: 'Access denied' })
  await denied.getByText(`${locked} objects`).waitFor()
  isLocked = false
  oldStore.requests.reset()
  await denied.getByRole('button', { name: `Retry ${locked}` }).click()
  await page
    .getByRole('alertdialog')
    .getByRole('button', { name: `Retry ${locked}` })
    .click()
  await page.locator('.head .state.complete').waitFor({ timeout: 60_000 })
  expect(oldStore.requests.count('GetObject')).toBe(locked)

  // All of it is read once more on both sides, and nothing differs.
  await page.getByRole('button', { name: 'Verify…' }).click()
  const verifying = page.getByRole('dialog', { name: 'Start a pass' })
  await verifying.getByLabel('Every byte of both sides').check()
  await verifying.getByRole('button', { name: 'Start', exact: true }).click()
  await page.getByRole('link', { name: 'Passes' }).click()
  const verification = page.getByRole('article', { name: 'Pass 3' })
  await verification.locator('.state.complete').waitFor({ timeout: 60_000 })
  await verification.getByText('read in full').waitFor()

  // The report says what became of each object.
  const first = page.getByRole('article', { name: 'Pass 1' })
  const arriving = page.waitForEvent('download')
  await first.getByRole('link', { name: 'NDJSON', exact: true }).click()
  const lines = readFileSync(await (await arriving).path(), 'utf8')
    .trim()
    .split('\n')
  const outcomes = lines.map((line) => (JSON.parse(line) as { outcome: string }).outcome)
  expect(outcomes.filter((outcome) => outcome === 'copied')).toHaveLength(objects - locked)
  expect(outcomes.filter((outcome) => outcome === 'failed')).toHaveLength(locked)

  const content = (store: S3Server) =>
    [...store.objects('photos')].map(({ key, etag, size }) => [key, etag, size])
  expect(content(newStore)).toEqual(content(oldStore))
  expect(troubles).toEqual([])
  await context.close()
}, 240_000)
