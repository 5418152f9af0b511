/**
 * `node test/bench/ten-migrations.ts [--migrations 10] [--objects 100000] [--seconds 0] [--within MS]`: how fast the console's questions are
 * answered while that many migrations run at once. `dray up` and its agent, the project's own S3 server in a process of its own, somebody
 * who is signed in and watches one migration, and every GET route that answers JSON, one after the other. Prints the milliseconds and the bytes
 * of each; with `--within` it fails (1) where the 95th percentile of a route takes longer. `--seconds` ends it before all is copied.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import WebSocket from 'ws'
import { startS3Server } from '../../agent/s3-server/s3-server.ts'
import type { PassStatus } from '../../shared/api/migrations.ts'
import type { Route } from '../../shared/api/route.ts'
import { startUp } from '../browser/up.ts'
import { firstOwner, type Visitor } from '../support/visitor.ts'

const { values } = parseArgs({
  options: {
    migrations: { type: 'string', default: '10' },
    objects: { type: 'string', default: '100000' },
    seconds: { type: 'string', default: '0' },
    within: { type: 'string' },
    serve: { type: 'boolean' },
  },
})
const [migrations, objects, seconds] = [values.migrations, values.objects, values.seconds].map(Number) as [
  number,
  number,
  number,
]
const names = Array.from({ length: migrations }, (_, i) => `bench-${i}`)
const credentials = { BENCH: 'a secret of the bench' }

async function serve(): Promise<void> {
  const server = await startS3Server({ credentials })
  server.fill('from', { count: objects, key: (i) => `photos/${String(i).padStart(7, '0')}.jpg`, size: 1_000 })
  for (const name of names) server.createBucket(name)
  process.send!(server.url.origin)
  process.once('disconnect', () => process.exit())
}

/** Every contract that a page could ask: of GET, for people, in JSON. */
async function contracts(): Promise<Route[]> {
  const directory = join(import.meta.dirname, '../../shared/api')
  const found: Route[] = []
  for (const name of readdirSync(directory)) {
    const module = (await import(join(directory, name))) as Record<string, unknown>
    for (const each of Object.values(module)) {
      const { method, answer, needs } = (each ?? {}) as Partial<Route>
      if (method === 'GET' && answer && needs !== 'agent') found.push(each as Route)
    }
  }
  return found
}

interface Asked {
  readonly ms: number[]
  bytes: number
  /** Other than 200. */
  refused: number
}

/** What paths are filled with; a path with another name is left out. */
async function paramsOf(visitor: Visitor): Promise<Record<string, (i: number) => string>> {
  const here = '/api/workspaces/local'
  const { json: agents } = await visitor.call<{ agents: { id: string; site: string }[] }>(
    'GET',
    `${here}/agents`,
  )
  const { json: limits } = await visitor.call<{ limits: { endpoint: string }[] }>('GET', `${here}/limits`)
  const [agent] = agents.agents
  const fixed = {
    ...{
      workspace: 'local',
      pass: '1',
      connection: 'bench',
      schedule: 'bench',
      endpoint: limits.limits[0]?.endpoint,
    },
    ...{ agent: agent?.id, site: agent?.site },
  }
  return {
    migration: (i) => names[i % names.length]!,
    ...Object.fromEntries(
      Object.entries(fixed).flatMap(([name, value]) => (value === undefined ? [] : [[name, () => value]])),
    ),
  }
}

const queries: Record<string, string> = { '/comparison': '?from=1&to=1' }

const quantile = (sorted: readonly number[], q: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0

async function main(): Promise<boolean> {
  const work = mkdtempSync(join(tmpdir(), 'dray-ten-'))
  const store = spawn(process.execPath, [import.meta.filename, ...process.argv.slice(2), '--serve'], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const [endpoint] = (await once(store, 'message')) as [string]
  const up = await startUp(join(work, 'state'), {
    AWS_ACCESS_KEY_ID: 'BENCH',
    AWS_SECRET_ACCESS_KEY: credentials.BENCH,
    AWS_REGION: 'us-east-1',
    AWS_ENDPOINT_URL: endpoint,
  })
  try {
    const { setup } = JSON.parse(readFileSync(join(work, 'state/tokens.json'), 'utf8')) as { setup: string }
    const visitor = await firstOwner(new URL(up.origin), setup)
    const place = { kind: 's3', prefix: '', endpoint: null, region: null, profile: null, site: null }
    const filter = { include: [], exclude: [], only: null }
    await up.api('POST', 'connections', {
      id: 'bench',
      sites: [],
      endpoint,
      credential: { kind: 'profile', profile: null },
    })
    await up.api('PUT', `limits/${encodeURIComponent(endpoint)}`, { requests: 1_000_000 })
    for (const name of names) {
      const definition = {
        source: { ...place, bucket: 'from' },
        destination: { ...place, bucket: name },
        filter,
      }
      await up.api('PUT', `migrations/${name}`, definition)
      await up.api('POST', `migrations/${name}/passes`, { serverSideCopy: 'never' })
    }
    await up.api('PUT', 'schedules/bench', {
      migration: names[0],
      cron: '0 3 * * *',
      zone: 'UTC',
      options: {},
      enabled: true,
    })
    const watching = await watch(up.origin, up.token)
    const params = await paramsOf(visitor)
    const began = Date.now()
    const figures = new Map<string, Asked>()
    const skipped = new Set<string>()
    const routes = await contracts()
    let done = 0
    let isDone = false
    for (let round = 0; !isDone && (seconds === 0 || Date.now() - began < seconds * 1000); round++) {
      for (const { path } of routes) {
        const missing = [...path.matchAll(/:(\w+)/g)].find(([, name]) => !params[name!])
        if (missing) {
          skipped.add(path)
          continue
        }
        const filled = path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name]!(round)))
        const query = Object.entries(queries).find(([end]) => path.endsWith(end))?.[1] ?? ''
        await ask(visitor, figures, path, `${filled}${query}`)
      }
      const passes = await Promise.all(
        names.map((name) => up.api<PassStatus>('GET', `migrations/${name}/passes/1`)),
      )
      done = passes.reduce((sum, { counts }) => sum + counts.objects.copied, 0)
      isDone = passes.every(({ state }) => state !== 'running')
    }
    const took = (Date.now() - began) / 1000
    const [rounds] = [...figures.values()].map(({ ms }) => ms.length)
    console.log(
      `${cpus().length} × ${cpus()[0]?.model}, node ${process.version}: ${done} of ${migrations * objects} objects copied in ${took.toFixed(0)} s, each route asked ${rounds} times`,
    )
    console.log(
      `watched: ${watching.messages} messages, ${watching.bytes} bytes, the largest ${watching.largest}`,
    )
    if (skipped.size > 0) console.log(`not asked: ${[...skipped].join(', ')}`)
    const rows = [...figures].map(([route, { ms, bytes, refused }]) => {
      const sorted = ms.toSorted((a, b) => a - b)
      const [p50, p95, most] = [quantile(sorted, 0.5), quantile(sorted, 0.95), sorted.at(-1)!].map((x) =>
        Number(x.toFixed(1)),
      )
      return { route: route.replace('/api/workspaces/:workspace', '…'), p50, p95, max: most, bytes, refused }
    })
    console.table(rows.toSorted((a, b) => b.p95! - a.p95!))
    return values.within === undefined || rows.every(({ p95 }) => p95! <= Number(values.within))
  } finally {
    await up.stop()
    store.disconnect()
    await once(store, 'exit')
    rmSync(work, { recursive: true, force: true })
  }
}

async function ask(
  visitor: Visitor,
  figures: Map<string, Asked>,
  route: string,
  path: string,
): Promise<void> {
  const began = performance.now()
  const { status, json } = await visitor.call('GET', path)
  const ms = performance.now() - began
  const asked = figures.get(route) ?? { ms: [], bytes: 0, refused: 0 }
  figures.set(route, asked)
  asked.ms.push(ms)
  asked.bytes = Math.max(asked.bytes, JSON.stringify(json).length)
  if (status !== 200) asked.refused++
  // Nobody clicks so fast, and who asks 100 times a second is refused.
  await pause(15)
}

async function watch(origin: string, token: string) {
  const seen = { messages: 0, bytes: 0, largest: 0 }
  const url = new URL(`/api/workspaces/local/migrations/${names[0]}/watch`, origin)
  url.protocol = 'ws:'
  const socket = new WebSocket(url, ['dray-watch-1'], { headers: { authorization: `Bearer ${token}` } })
  socket.on('message', (data: Buffer) => {
    seen.messages++
    seen.bytes += data.length
    seen.largest = Math.max(seen.largest, data.length)
  })
  socket.on('error', () => {})
  await once(socket, 'open')
  return seen
}

if (values.serve) await serve()
else process.exitCode = (await main()) ? 0 : 1
