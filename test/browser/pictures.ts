/**
 * `npm run screenshots -- DIRECTORY [page …]`: a picture of every page of the console (or of those that are named), desktop and phone, light
 * and dark, of a real control plane (`dray up`) with real agents that has something to show. To be looked at; the best of them are in docs/.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Page } from 'playwright-core'
import { startS3Server } from '../../agent/s3-server/s3-server.ts'
import type { LifeView } from '../../shared/life.ts'
import { desktop, openBrowser, openPage, phone } from './browser.ts'
import { startUp } from './up.ts'

const [given, ...named] = process.argv.slice(2)
if (given === undefined) {
  console.error('Usage: npm run screenshots -- DIRECTORY [page …]')
  process.exit(2)
}
const to = resolve(given)
mkdirSync(to, { recursive: true })
const root = mkdtempSync(join(tmpdir(), 'dray-pictures-'))
const keys = { accessKeyId: 'AKIDPICTURES', secretAccessKey: 'a-secret-for-pictures-alone' }
const credentials = { [keys.accessKeyId]: keys.secretAccessKey }
/** What a store does to those who ask for the pictures of that month. */
const refused = /^2026-07\//
const store = await startS3Server({
  credentials,
  hooks: {
    beforeRequest: ({ operation, key, bucket }) => {
      if (bucket === 'camera-archive' && operation === 'GetObject' && key && refused.test(key))
        return { status: 403, code: 'AccessDenied', message: 'not for you' }
      // So that there is something to watch.
      return bucket === 'lake-new' && operation === 'PutObject' ? { delayMs: 1_500 } : null
    },
  },
})
const up = await startUp(join(root, 'state'), {
  AWS_ACCESS_KEY_ID: keys.accessKeyId,
  AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
  AWS_EC2_METADATA_DISABLED: 'true',
})
const { origin, token, api } = up
const filter = { include: [], exclude: [], only: null }

async function migration(id: string, count: number, key: (i: number) => string, size: number): Promise<void> {
  store.createBucket(`${id}-new`)
  store.fill(id, { count, key, size })
  const place = (bucket: string) => ({
    ...{ kind: 's3', bucket, prefix: '', endpoint: null, region: null, profile: null, site: null },
    connection: 'minio',
  })
  const policy = { serverSideCopy: 'never' }
  const body = { source: place(id), destination: place(`${id}-new`), filter, policy }
  await api('PUT', `migrations/${id}`, body)
  await api('POST', `migrations/${id}/passes`, {})
}

/** Led by its life, until it stands there. */
async function led(id: string, until: (life: LifeView) => boolean, how: object = {}): Promise<void> {
  store.createBucket(`${id}-new`)
  store.fill(id, {
    count: 1_200,
    key: (i) => `${2024 + (i % 3)}/${String(i).padStart(6, '0')}`,
    size: 12_000,
  })
  const place = (bucket: string) => ({
    ...{ kind: 's3', bucket, prefix: '', endpoint: null, region: null, profile: null, site: null },
    connection: 'minio',
  })
  const follow = {
    ...{ pauseAtLeast: 2, pauseAtMost: 5, lag: 300, quiet: 0, depth: 'checksum', sample: 0.25 },
    events: [{ kind: 'webhook' }],
  }
  const body = { source: place(id), destination: place(`${id}-new`), filter, follow, ...how }
  await api('PUT', `migrations/${id}`, body)
  await api('POST', `migrations/${id}/life/start`)
  await stands(id, until)
}

async function stands(id: string, until: (life: LifeView) => boolean): Promise<void> {
  while (!until(await api<LifeView>('GET', `migrations/${id}/life`))) {
    await new Promise((done) => setTimeout(done, 200))
  }
}
const asks = ({ checks }: LifeView) => checks.some(({ state }) => state === 'asks')
const follows = ({ state }: LifeView) => state === 'following'

/** One that is asked for the freeze, one that is ready, one that was cut over, one whose deletes are too many. */
async function lives(): Promise<void> {
  await Promise.all(['mailroom', 'catalogue', 'statements'].map((id) => led(id, follows)))
  for (const id of ['mailroom', 'catalogue', 'statements']) {
    await api('POST', `migrations/${id}/life/cut-over`)
    await stands(id, asks)
  }
  for (const id of ['catalogue', 'statements']) {
    await api('POST', `migrations/${id}/life/steps/freeze`, { do: 'declare' })
    await stands(id, ({ state }) => state === 'ready')
  }
  await api('POST', 'migrations/statements/life/switch')
  await led('thumbnails', follows, { policy: { delete: true } })
  for (let i = 0; i < 900; i++) store.delete('thumbnails', `${2024 + (i % 3)}/${String(i).padStart(6, '0')}`)
  await stands('thumbnails', ({ deletes }) => deletes !== null)
}

async function over(id: string): Promise<void> {
  for (;;) {
    const { pass } = await api<{ pass: { state: string } | null }>('GET', `migrations/${id}`)
    if (pass && pass.state !== 'running') return
    await new Promise((done) => setTimeout(done, 200))
  }
}

/** Something of everything. */
async function furnish(): Promise<void> {
  await api('POST', 'sites', { id: 'paris', region: 'eu-west-3', labels: { team: 'storage' } })
  const endpoint = store.url.origin
  const credential = { kind: 'profile', profile: null }
  await api('POST', 'connections', { id: 'minio', endpoint, region: 'us-east-1', credential })
  await api('POST', 'connections', {
    ...{ id: 'archive', endpoint: 'https://s3.example.com', sites: ['paris'] },
    credential: { kind: 'sealed' },
  })
  const month = (i: number) => `2026-${String(1 + (i % 12)).padStart(2, '0')}`
  await migration(
    'camera-archive',
    6_000,
    (i) => `${month(i)}/picture-${String(i).padStart(5, '0')}.jpg`,
    30_000,
  )
  await migration('invoices', 2_000, (i) => `${2020 + (i % 6)}/${String(i).padStart(6, '0')}.pdf`, 9_000)
  await Promise.all([over('camera-archive'), over('invoices')])
  await api('POST', 'migrations/invoices/passes', { kind: 'verify' })
  mkdirSync(join(root, 'papers'))
  writeFileSync(join(root, 'papers', 'one.txt'), 'one')
  await api('PUT', 'migrations/attachments', {
    source: { kind: 'file', path: '/srv/attachments', site: 'paris' },
    destination: {
      ...{ kind: 's3', bucket: 'attachments', prefix: '', endpoint: null, region: null, profile: null },
      ...{ site: null, connection: 'archive' },
    },
    filter,
  })
  await api('POST', 'migrations/attachments/passes', {})
  await api('PUT', `limits/${encodeURIComponent('https://s3.example.com')}`, {
    ...{ bandwidth: 25_000_000, requests: 500, zone: 'Europe/Paris' },
    windows: [
      { days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '09:00', to: '18:00', bandwidth: 5_000_000 },
    ],
  })
  await api('POST', 'webhooks', {
    ...{ id: 'pager', url: 'https://hooks.example.com/dray', events: ['pass.failed', 'agent.lost'] },
  })
  await api('PUT', 'schedules/invoices', {
    ...{ migration: 'invoices', cron: '15 2 * * 1-5', zone: 'Europe/Paris' },
    ...{ window: { from: '22:00', to: '06:00' }, blackouts: ['2026-12-24..2026-12-26', '2027-01-01'] },
  })
  await api('POST', 'tokens', { name: 'reporting', scopes: ['migrations:read'] })
  await lives()
  await api('PUT', 'migrations/begin', {
    source: { kind: 'file', path: join(root, 'papers'), site: 'local' },
    destination: { kind: 'file', path: join(root, 'papers-new'), site: 'local' },
    filter,
  })
  await migration('lake', 60_000, (i) => `events/${month(i)}/${String(i).padStart(7, '0')}.parquet`, 200_000)
}

type View = readonly [path: string, prepare?: (page: Page) => Promise<unknown>]
/** Once somebody hears it. */
async function press(page: Page, key: string): Promise<void> {
  await page.locator('html[data-keys="heard"]').waitFor()
  await page.keyboard.press(key)
}
/** In the menu of a migration. */
async function chosen(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name: 'More of what can be done' }).click()
  await page.getByRole('menuitem', { name }).click()
}
/** By name. A path that begins with `//` is outside of the workspace. */
const pages: Record<string, View> = {
  overview: [''],
  migrations: ['/migrations'],
  live: ['/migrations/lake'],
  activity: ['/migrations/camera-archive/activity'],
  migration: ['/migrations/camera-archive'],
  failures: ['/migrations/camera-archive?cause=1'],
  waiting: ['/migrations/attachments'],
  packets: ['/migrations/lake/packets'],
  passes: ['/migrations/invoices/passes?compare=[1,2]'],
  start: [
    '/migrations/invoices/passes',
    (page) => page.getByRole('button', { name: 'Start a pass…' }).click(),
  ],
  definition: ['/migrations/camera-archive/settings'],
  life: ['/migrations/mailroom/life'],
  freeze: [
    '/migrations/mailroom/life',
    (page) => page.getByRole('button', { name: 'Declare the freeze…' }).first().click(),
  ],
  ready: ['/migrations/catalogue/life'],
  certificates: [
    '/migrations/catalogue/certificates',
    (page) => page.getByText('To check it, without').click(),
  ],
  'cut-over': ['/migrations/statements/life'],
  deletes: ['/migrations/thumbnails'],
  follow: ['/migrations/statements/life', (page) => chosen(page, 'How it follows…')],
  policy: ['/migrations/thumbnails', (page) => chosen(page, 'Priority and policy…')],
  verify: ['/migrations/statements/life', (page) => chosen(page, 'Verify now…')],
  schedule: [
    '/schedules',
    async (page) => {
      await page.getByRole('button', { name: 'New schedule' }).click()
      await page.getByLabel('Only within hours').check()
    },
  ],
  'new-migration': ['/new-migration?from=statements', (page) => page.waitForTimeout(4_000)],
  begin: ['/migrations/begin'],
  sites: ['/sites'],
  join: ['/sites', (page) => page.getByRole('button', { name: 'Let an agent join' }).first().click()],
  connections: ['/connections'],
  connection: ['/connections/minio'],
  schedules: ['/schedules'],
  limits: ['/limits'],
  webhooks: ['/webhooks'],
  people: ['/people'],
  audit: ['/audit'],
  settings: ['/settings'],
  palette: ['', (page) => press(page, 'Control+k')],
  keys: ['', (page) => press(page, '?')],
  'sign-in': ['//sign-in'],
  'set-up': ['//setup#not-a-token'],
  seal: ['//seal.html?workspace=local&connection=archive'],
}
const overlaid = [...['palette', 'keys', 'start', 'join', 'freeze', 'follow', 'policy', 'verify', 'schedule']]
/** What hangs on a wall. */
const wall = { width: 2560, height: 1440 }
const onWall = ['overview', 'live', 'migration', 'sites']
let pictures = 0
const wanted = Object.entries(pages).filter(([name]) => named.length === 0 || named.includes(name))

try {
  await furnish()
  const browser = await openBrowser()
  for (const [size, viewport] of [
    ['desktop', desktop],
    ['phone', phone],
    ['wall', wall],
  ] as const) {
    for (const colorScheme of ['light', 'dark'] as const) {
      const shown = wanted.filter(([name]) => size !== 'wall' || onWall.includes(name))
      if (shown.length === 0) continue
      const { page, context, troubles } = await openPage(browser, viewport)
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      await page.goto(`${origin}/#token=${token}`)
      await page.getByRole('heading', { level: 1 }).waitFor()
      for (const [name, [path, prepare]] of shown) {
        const inWorkspace = path.startsWith('//') ? path.slice(1) : `/w/local${path}`
        await page.goto(`${origin}${inWorkspace}`)
        await page.getByRole('heading', { level: 1 }).waitFor()
        await prepare?.(page)
        await page.waitForTimeout(900)
        const picture = join(to, `${name}-${size}-${colorScheme}.png`)
        pictures++
        // A palette lies over what is in sight.
        await page.screenshot({
          path: picture,
          fullPage: !overlaid.includes(name),
        })
      }
      for (const trouble of troubles) console.error(`${size}, ${colorScheme}: ${trouble}`)
      await context.close()
    }
  }
  await browser.close()
  console.log(`${pictures} pictures in ${to}`)
} finally {
  await up.stop()
  await store.stop()
  rmSync(root, { recursive: true, force: true })
}
