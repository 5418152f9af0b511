/**
 * `node test/bench/limits.ts`: how near to its limit an endpoint is kept, and how soon after that was changed. Three agents of two migrations, a
 * control plane on a real workerd, and S3 servers in processes of their own, which say what they saw in each second.
 * It takes three minutes. Exit status 1 where anything was further off than 5 %, from five seconds after a change on.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { startAgent } from '../../agent/agent.ts'
import { allowAll } from '../../agent/allow/allow-list.ts'
import { defaultPassOptions, noFilter } from '../../shared/policy.ts'
import { bucket } from '../agent/world.ts'
import { startPlane } from '../support/plane.ts'
import type { Seen } from './limits-server.ts'

Object.assign(process.env, {
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'testsecret',
  AWS_REGION: 'us-east-1',
})
/** Seconds that a limit stands, and after which it must be kept. */
const stands = 15
const settled = 5
const MB = 1e6

class Server {
  readonly seen: Seen[] = []
  readonly child: ChildProcess
  origin = ''

  private constructor(fills: string[]) {
    this.child = fork(join(import.meta.dirname, 'limits-server.ts'), fills)
  }

  static async start(...fills: string[]): Promise<Server> {
    const server = new Server(fills)
    ;[server.origin] = (await once(server.child, 'message')) as [string]
    server.child.on('message', (seen: Seen) => server.seen.push(seen))
    return server
  }

  /** A second, between two times. */
  rate(what: 'bytes' | 'requests', from: number, to: number): number {
    const at = (time: number) => this.seen.findLast((each) => each.at <= time) ?? this.seen[0]!
    const [first, last] = [at(from), at(to)]
    return ((last[what] - first[what]) / (last.at - first.at)) * 1000
  }

  peak(from: number, to: number): number {
    return Math.max(...this.seen.filter(({ at }) => at > from && at <= to).map(({ peak }) => peak))
  }
}

const source = await Server.start('small:2000000:50000', 'large:20000:8388608')
const sink = await Server.start('small:0', 'large:0')
const plane = await startPlane()
const stateDirs: string[] = []
const agents = await Promise.all(
  ['one', 'two', 'three'].map(async (name) => {
    const stateDir = mkdtempSync(join(tmpdir(), 'dray-limits-'))
    stateDirs.push(stateDir)
    return startAgent({
      ...{ url: plane.url, identity: await plane.identity(name, 'here'), allow: allowAll, stateDir },
      ...{ version: 'bench', concurrency: 128, memory: 256 * 2 ** 20, env: process.env },
      log: ({ level, event, message }) => level === 'error' && console.log(name, event, message),
    })
  }),
)
const api = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
  const { status, json } = await plane.api<T>(method, `/api/workspaces/local/${path}`, body)
  if (status >= 300) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(json)}`)
  return json
}
const limitOf = (server: Server) => `limits/${encodeURIComponent(server.origin)}`
for (const name of ['small', 'large']) {
  const at = (server: Server) => ({ ...bucket(name), endpoint: server.origin })
  await api('PUT', `migrations/${name}`, { source: at(source), destination: at(sink), filter: noFilter })
}

interface Phase {
  name: string
  server: Server
  what: 'bytes' | 'requests'
  limit: Record<string, unknown>
  /** What it should be then. */
  expected: number
}

const rows: string[][] = []
let worst = 0

async function phase({ name, server, what, limit, expected }: Phase, began?: number): Promise<void> {
  if (began === undefined) await api('PUT', limitOf(server), limit)
  const from = began ?? Date.now()
  // What the agents say that they do differs from what the server's kernel knows by what lies in buffers on the way.
  const said: number[] = []
  for (let second = 1; second <= stands; second++) {
    await pause(from + second * 1000 + 300 - Date.now())
    const { shares } = await api<{ shares: { used: { bandwidth: number; requests: number } }[] }>(
      'GET',
      limitOf(server),
    )
    const kind = what === 'bytes' ? 'bandwidth' : 'requests'
    if (second > settled) said.push(shares.reduce((sum, { used }) => sum + used[kind], 0))
  }
  const each = Array.from({ length: stands }, (_, second) =>
    server.rate(what, from + second * 1000, from + (second + 1) * 1000),
  )
  const isNear = (rate: number) => Math.abs(rate / expected - 1) <= 0.05
  const last = each.findLastIndex((rate) => !isNear(rate))
  const mean = server.rate(what, from + settled * 1000, from + stands * 1000)
  const off = mean / expected - 1
  worst = Math.max(worst, Math.abs(off))
  const unit = what === 'bytes' ? MB : 1
  const text = (rate: number) => (rate / unit).toFixed(what === 'bytes' ? 1 : 0)
  rows.push([
    name,
    text(expected),
    text(mean),
    text(said.reduce((sum, each) => sum + each, 0) / said.length),
    `${(off * 100).toFixed(1)} %`,
    `${last + 1} s`,
    each.map(text).join(' '),
  ])
  console.log(rows.at(-1)!.join('  '))
}

const shares = async (server: Server) => {
  const { shares } = await api<{ shares: { agent: string; share: { bandwidth: number | null } }[] }>(
    'GET',
    limitOf(server),
  )
  return shares
    .map(({ agent, share }) => `${agent} ${((share.bandwidth ?? 0) / MB).toFixed(2)} MB/s`)
    .join(', ')
}

try {
  await api('PUT', limitOf(source), { bandwidth: 10 * MB })
  for (const name of ['small', 'large']) await api('POST', `migrations/${name}/passes`, defaultPassOptions)
  await pause(2_000)
  console.log(
    'limit, MB/s or requests/s: expected, seen from the 5th second on, said by the agents, off, off by more than 5 % until, each second',
  )
  const bandwidth = (mb: number) => ({
    server: source,
    what: 'bytes' as const,
    limit: { bandwidth: mb * MB },
    expected: mb * MB,
  })
  await phase({ name: 'reads 10 MB/s', ...bandwidth(10) })
  console.log('  shares:', await shares(source))
  await phase({ name: 'up to 24 MB/s', ...bandwidth(24) })
  await phase({ name: 'down to 4 MB/s', ...bandwidth(4) })

  // A window begins with a minute.
  const begins = Math.ceil((Date.now() + 5_000) / 60_000) * 60_000
  const time = (ms: number) =>
    new Intl.DateTimeFormat('en-GB', {
      timeZone: 'Asia/Kathmandu',
      hour: '2-digit',
      minute: '2-digit',
    }).format(ms)
  const all = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']
  const window = { days: all, from: time(begins), to: time(begins + 60_000), bandwidth: 16 * MB }
  await api('PUT', limitOf(source), { bandwidth: 6 * MB, zone: 'Asia/Kathmandu', windows: [window] })
  await pause(begins - Date.now())
  await phase(
    { name: 'a window begins: 6 to 16 MB/s', server: source, what: 'bytes', limit: {}, expected: 16 * MB },
    begins,
  )

  await agents[2]!.stop()
  await phase({ name: 'one of three agents leaves, 12 MB/s', ...bandwidth(12) })
  console.log('  shares:', await shares(source))

  await api('DELETE', limitOf(source))
  await phase({
    name: 'writes 8 MB/s',
    server: sink,
    what: 'bytes',
    limit: { bandwidth: 8 * MB },
    expected: 8 * MB,
  })
  await api('POST', 'migrations/large/passes/1/cancel')
  await api('DELETE', limitOf(sink))
  await phase({
    name: 'requests 120/s',
    server: source,
    what: 'requests',
    limit: { requests: 120 },
    expected: 120,
  })
  await phase({
    name: 'requests 300/s',
    server: source,
    what: 'requests',
    limit: { requests: 300 },
    expected: 300,
  })

  await api('PUT', limitOf(source), { concurrency: 5 })
  await pause(3_000)
  const from = Date.now()
  await pause(5_000)
  const peak = source.peak(from, Date.now())
  console.log(`concurrency 5: never more than ${peak} at once`)
  if (peak > 5) worst = 1
} finally {
  await Promise.all(agents.map((agent) => agent.stop()))
  await plane.stop()
  for (const { child } of [source, sink]) child.disconnect()
  for (const dir of stateDirs) rmSync(dir, { recursive: true, force: true })
}
console.log(`\nworst from the ${settled}th second on: ${(worst * 100).toFixed(1)} %`)
process.exit(worst <= 0.05 ? 0 : 1)
