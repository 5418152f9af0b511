/**
 * `node test/browser/pictures.ts DIRECTORY`: a picture of every page of the console, desktop and phone, light and dark, of a real control
 * plane (`dray up`) that has something to show. To be looked at; the best of them are in docs/.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { desktop, openBrowser, openPage, phone } from './browser.ts'
import { startUp } from './up.ts'

const [given] = process.argv.slice(2)
if (given === undefined) {
  console.error('Usage: node test/browser/pictures.ts DIRECTORY')
  process.exit(2)
}
const to = resolve(given)
mkdirSync(to, { recursive: true })
const root = mkdtempSync(join(tmpdir(), 'dray-pictures-'))
const up = await startUp(join(root, 'state'))
const { origin, token, api } = up

async function migration(id: string, files: number, size: number, spoil = false): Promise<void> {
  const source = join(root, id)
  for (let i = 0; i < files; i++) {
    const folder = join(source, `2026-${String(1 + (i % 12)).padStart(2, '0')}`)
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, `picture-${String(i).padStart(4, '0')}.jpg`), Buffer.alloc(size, i))
  }
  if (spoil) execFileSync('mkfifo', [join(source, '2026-07', 'picture-of-a-pipe.jpg')])
  const filter = { include: [], exclude: [], only: null }
  const place = (path: string) => ({ kind: 'file', path, site: 'local' })
  await api('PUT', `migrations/${id}`, { source: place(source), destination: place(`${source}-new`), filter })
  await api('POST', `migrations/${id}/passes`, {})
}

try {
  await migration('camera-archive', 600, 30_000, true)
  await migration('invoices', 200, 9_000)
  const filter = { include: [], exclude: [], only: null }
  const bucket = {
    kind: 's3',
    bucket: 'attachments',
    prefix: '',
    endpoint: null,
    region: null,
    profile: null,
    site: null,
  }
  await api('POST', 'sites', { id: 'paris', region: 'eu-west-3', labels: { team: 'storage' } })
  await api('PUT', 'migrations/attachments', {
    source: { kind: 'file', path: '/srv/attachments', site: 'paris' },
    destination: bucket,
    filter,
  })
  await api('POST', 'migrations/attachments/passes', {})
  const endpoint = 'https://s3.example.com'
  await api('POST', 'connections', {
    id: 'archive',
    endpoint,
    credential: { kind: 'sealed' },
    sites: ['paris'],
  })
  await api('POST', 'connections', {
    id: 'aws',
    region: 'eu-west-3',
    credential: { kind: 'profile', profile: 'backup' },
  })
  await api('PUT', `limits/${encodeURIComponent(endpoint)}`, {
    bandwidth: 25_000_000,
    requests: 500,
    zone: 'Europe/Paris',
  })
  await api('POST', 'webhooks', {
    id: 'pager',
    url: 'https://hooks.example.com/dray',
    events: ['pass.failed', 'agent.lost'],
  })
  await api('POST', 'tokens', { name: 'reporting', scopes: ['migrations:read'] })
  const browser = await openBrowser()
  const pages = {
    migrations: '',
    migration: '/migrations/camera-archive',
    waiting: '/migrations/attachments',
    packets: '/migrations/camera-archive/packets',
    sites: '/sites',
    connections: '/connections',
    limits: '/limits',
    webhooks: '/webhooks',
    people: '/people',
    audit: '/audit',
  }
  for (const [size, viewport] of [
    ['desktop', desktop],
    ['phone', phone],
  ] as const) {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page, context, troubles } = await openPage(browser, viewport)
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      await page.goto(`${origin}/#token=${token}`)
      await page.getByRole('heading', { level: 1 }).waitFor()
      for (const [name, path] of Object.entries(pages)) {
        await page.goto(`${origin}/w/local${path}`)
        await page.getByRole('heading', { level: 1 }).waitFor()
        await page.waitForTimeout(700)
        await page.screenshot({ path: join(to, `${name}-${size}-${colorScheme}.png`) })
      }
      for (const trouble of troubles) console.error(`${size}, ${colorScheme}: ${trouble}`)
      await context.close()
    }
  }
  await browser.close()
  console.log(`${Object.keys(pages).length * 4} pictures in ${to}`)
} finally {
  await up.stop()
  rmSync(root, { recursive: true, force: true })
}
