/** What comes from outside is shown and never obeyed: on every page, whatever stores, agents and people put into names, keys and messages. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type S3Server, startS3Server } from '../../agent/s3-server/s3-server.ts'
import { openBrowser, openPage, phone } from './browser.ts'
import { startUp, type Up } from './up.ts'

const root = mkdtempSync(join(tmpdir(), 'dray-hostile-'))
const credentials = { AKIDTEST: 'secret of the test' }

/** Ends what it stands in, makes elements that run scripts, turns the text around, and never breaks. */
const markup = `"'><img src=x onerror=__hit(1)><script>__hit(2)</script><style>*{display:none}</style>`
const bidi = '\u202e\u2066gpj.exe\u2069'
const text = (length: number) => (markup + bidi).padEnd(length, 'W').slice(0, length)
const megabyte = markup + bidi + 'M'.repeat(1 << 20)

const keys = [
  `markup/${markup}`,
  `bidi/${bidi}`,
  `javascript:__hit(3)`,
  `long/${'x'.repeat(1_000)}`,
  `lines/a\u2028b\u0085c`,
  `{{constructor.constructor('__hit(4)')()}}`,
  'wide/\ud83d\ude00\u0301\u0301\u0301\u200b\ufeff',
]

let browser: Browser
let store: S3Server
let up: Up

beforeAll(async () => {
  store = await startS3Server({
    credentials,
    hooks: {
      beforeRequest: ({ operation, bucket, key }) => {
        if (operation === 'GetObject' && bucket === 'from' && key)
          return { status: 403, code: 'AccessDenied', message: megabyte }
        if (bucket === 'locked') return { status: 403, code: 'AccessDenied', message: megabyte }
        return null
      },
    },
  })
  for (const bucket of ['from', 'to', 'locked']) store.createBucket(bucket)
  for (const key of keys) await store.put('from', key, 'abc')
  const host = JSON.stringify(text(200))
  const preload = `import os from 'node:os';import{syncBuiltinESMExports as s}from'node:module';os.hostname=()=>${host};s()`
  up = await startUp(join(root, 'state'), {
    AWS_ACCESS_KEY_ID: 'AKIDTEST',
    AWS_SECRET_ACCESS_KEY: credentials.AKIDTEST,
    AWS_EC2_METADATA_DISABLED: 'true',
    NODE_OPTIONS: `--import=data:text/javascript;base64,${Buffer.from(preload).toString('base64')}`,
  })
  const place = (bucket: string, prefix = '') => ({
    ...{ kind: 's3', bucket, prefix, region: null, profile: null, site: null },
    endpoint: store.url.href,
  })
  const filter = { include: [], exclude: [text(1_000)], only: null }
  await up.api('POST', 'sites', { id: 's'.repeat(63), region: text(100), labels: { team: text(63) } })
  await up.api('PUT', 'migrations/planted', { source: place('from'), destination: place('to'), filter })
  await up.api('PUT', 'migrations/locked', {
    source: place('locked', `${text(900)}/`),
    destination: place('to', 'l/'),
    filter,
  })
  await up.api('PUT', `migrations/${'m'.repeat(63)}`, {
    source: { kind: 'file', path: `/${text(2_000)}`, site: 's'.repeat(63) },
    destination: place('to', 'n/'),
    filter,
  })
  for (const id of ['planted', 'locked', 'm'.repeat(63)]) await up.api('POST', `migrations/${id}/passes`, {})
  await up.api('POST', 'connections', {
    id: 'c'.repeat(63),
    endpoint: store.url.href,
    region: text(100),
    credential: { kind: 'profile', profile: text(200) },
  })
  await up.api('POST', 'webhooks', {
    id: 'w'.repeat(63),
    url: `https://hooks.example.com/${encodeURI(text(600))}`,
    events: ['pass.failed'],
  })
  await up.api('POST', 'tokens', { name: text(32), scopes: ['migrations:read'] })
  await up.api('PUT', `schedules/${'h'.repeat(63)}`, { migration: 'planted', cron: '0 3 1 1 *' })
  browser = await openBrowser()
  const isOver = async (id: string) =>
    (await up.api<{ state: string }>('GET', `migrations/${id}/passes/1`)).state !== 'running'
  await vi.waitFor(async () => expect(await isOver('planted')).toBe(true), { timeout: 60_000 })
}, 120_000)

afterAll(async () => {
  await browser?.close()
  await up?.stop()
  await store?.stop()
  rmSync(root, { recursive: true, force: true })
})

const pages = [
  '',
  '/migrations',
  '/migrations/planted',
  '/migrations/planted/packets',
  '/migrations/planted/passes',
  '/migrations/planted/settings',
  '/migrations/locked',
  `/migrations/${'m'.repeat(63)}`,
  '/sites',
  `/sites/${'s'.repeat(63)}`,
  '/connections',
  `/connections/${'c'.repeat(63)}`,
  '/limits',
  '/schedules',
  '/webhooks',
  '/people',
  '/audit',
  '/settings',
  '/new-migration?from=planted',
]

it('runs nothing, makes no element of it, and keeps within a phone, on every page', async () => {
  const { page, troubles, context } = await openPage(browser, phone)
  const hits: unknown[] = []
  await context.exposeBinding('__hit', (_, what: unknown) => void hits.push(what))
  await page.goto(`${up.origin}/#token=${up.token}`)
  await page.getByRole('heading', { level: 1 }).waitFor()
  const { agents } = await up.api<{ agents: { id: string }[] }>('GET', 'agents')
  const wrong: string[] = []
  for (const path of [...pages, ...agents.map(({ id }) => `/agents/${id}`)]) {
    await page.goto(`${up.origin}/w/local${path}`)
    await page.getByRole('heading', { level: 1 }).waitFor()
    await page.waitForLoadState('networkidle')
    const found = (await page.evaluate(`(() => {
      const planted = document.querySelectorAll('img, body style, body script, [onerror], [src="x"], a[href^="javascript"]').length
      const turned = [...document.querySelectorAll('body *')].some((element) =>
        [...element.childNodes].some((node) => node.nodeType === 3 && /[\\u202a-\\u202e\\u2066-\\u2069]/.test(node.data)) && !element.closest('bdi, input, textarea, option'))
      const widest = [...document.querySelectorAll('main *')].filter((element) => element.getBoundingClientRect().right > innerWidth + 1).map((element) => element.tagName + '.' + element.className).slice(0, 3).join(' ')
      return { planted, turned, widest, wide: document.documentElement.scrollWidth, long: document.body.innerText.length }
    })()`)) as { planted: number; turned: boolean; widest: string; wide: number; long: number }
    if (found.planted > 0) wrong.push(`${path}: ${found.planted} elements of what was planted`)
    if (found.turned) wrong.push(`${path}: a text is turned around`)
    if (found.wide > phone.width) wrong.push(`${path}: ${found.wide} px wide: ${found.widest}`)
    if (found.long > 200_000) wrong.push(`${path}: ${found.long} characters`)
  }
  expect(wrong).toEqual([])
  expect(hits).toEqual([])
  expect(troubles).toEqual([])
  await context.close()
}, 120_000)
