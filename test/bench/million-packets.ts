/**
 * `node test/bench/million-packets.ts [--packets 1000000] [--rate 2000] [--seconds 60] [--hold] [--port 0]`: one pass of that many packets, cut
 * and worked on by a scripted agent that settles `--rate` of them a second, of which some fail and some are parked. Somebody watches,
 * and asks what the pages of that migration ask. Prints how large the watch messages are and how long each answer takes. `--hold` goes on until it
 * is interrupted, with the console served, for a browser to look at: its address is printed.
 */
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import WebSocket from 'ws'
import { type ControlPlane, startControlPlane } from '../../agent/embed/control-plane.ts'
import type { PassStatus } from '../../shared/api/migrations.ts'
import type { WatchMessage } from '../../shared/api/watch.ts'
import type { LeasedPacket } from '../../shared/protocol.ts'
import { proofOf } from '../support/identities.ts'
import { cutOf, outcomeOf, ScriptedAgent } from '../support/scripted-agent.ts'

const { values } = parseArgs({
  options: {
    packets: { type: 'string', default: '1000000' },
    rate: { type: 'string', default: '2000' },
    seconds: { type: 'string', default: '60' },
    port: { type: 'string', default: '0' },
    hold: { type: 'boolean' },
  },
})
const [packets, rate, seconds] = [values.packets, values.rate, values.seconds].map(Number) as [
  number,
  number,
  number,
]
const id = 'million'
const here = `/api/workspaces/local/migrations/${id}`
/** Pieces of one checkpoint, as an agent sends them (agent/runner/checkpoint.ts). */
const pieces = 400
/** Packets that are leased at once. */
const held = 500
const keyOf = (i: number) => `photos/${String(i % 7)}/${String(i).padStart(9, '0')}.jpg`
/** In their order. */
const folder = Math.ceil(packets / 7)
const endOf = (i: number) => (i + 1 === packets ? null : keyOf(Math.floor(i / folder) + 7 * i))

async function connect(plane: ControlPlane): Promise<ScriptedAgent> {
  const url = new URL(`/agent/migrations/${id}`, plane.url)
  url.protocol = 'ws:'
  const authorization = await proofOf(plane.identity, 'GET', url)
  const socket = new WebSocket(url, { headers: { authorization }, perMessageDeflate: false })
  const agent = new ScriptedAgent(socket as never, plane.identity.agent)
  await once(socket, 'open')
  await agent.hello(plane.identity.agent)
  return agent
}

async function survey(agent: ScriptedAgent, packet: LeasedPacket): Promise<void> {
  let from: string | null = null
  for (let at = 0; at < packets; at += pieces) {
    const ends = Array.from({ length: Math.min(pieces, packets - at) }, (_, i) => endOf(at + i))
    await agent.ask(cutOf(packet, from, ends, 1_000))
    from = ends.at(-1)!
  }
}

/** One of 500 has a failure, and one of 2,000 is parked, because the agent may not list it. */
function settle(agent: ScriptedAgent, packet: LeasedPacket): Promise<unknown> {
  const { id: number, generation, work } = packet
  if (number % 2_000 === 7) {
    const error = {
      code: 'access-denied',
      op: 'list',
      message: 'not for you',
      retry: 'never',
      hint: null,
    } as const
    return agent.ask({ t: 'failed', packet: number, generation, error })
  }
  const outcome = outcomeOf(packet, work.objects) as ReturnType<typeof outcomeOf> & {
    counts: { objects: { copied: number; failed: number } }
  }
  if (number % 500 !== 3) return agent.ask(outcome)
  outcome.counts.objects.copied--
  outcome.counts.objects.failed++
  const code = number % 1_000 === 3 ? 'access-denied' : 'timeout'
  const failures = [
    {
      key: `${packet.after ?? ''}x`,
      code,
      message: `GET s3://from/… failed for packet ${number}`,
      bytes: 10,
    },
  ]
  return agent.ask({ ...outcome, failures } as never)
}

/** Until `until`, at its rate; how many. */
async function work(agent: ScriptedAgent, until: () => boolean): Promise<number> {
  let done = 0
  const began = performance.now()
  agent.free(held)
  const heartbeat = setInterval(
    () =>
      agent.heartbeat(
        holding.map(({ id, generation }) => ({ packet: id, generation })),
        200,
      ),
    3_000,
  )
  const holding: LeasedPacket[] = []
  while (!until()) {
    const next = await Promise.race([agent.next('lease'), agent.closed])
    if (!('t' in next)) break
    holding.push(...next.packets)
    // Some stay in work, as they do.
    while (holding.length > held / 2) {
      const some = holding.splice(0, 50)
      await Promise.all(some.map((packet) => settle(agent, packet)))
      agent.free(held - holding.length)
      done += some.length
      const ahead = (done / rate) * 1_000 - (performance.now() - began)
      if (ahead > 0) await pause(ahead)
    }
  }
  clearInterval(heartbeat)
  return done
}

const watched = { snapshot: [] as number[], delta: [] as number[] }

async function watch(plane: ControlPlane): Promise<void> {
  const url = new URL(`${here}/watch`, plane.url)
  url.protocol = 'ws:'
  const socket = new WebSocket(url, ['dray-watch-1'], { headers: { authorization: `Bearer ${plane.token}` } })
  socket.on('message', (data: Buffer) =>
    watched[(JSON.parse(String(data)) as WatchMessage).t].push(data.length),
  )
  await once(socket, 'open')
}

const quantile = (values: readonly number[], q: number) =>
  Math.round(
    10 * (values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(q * values.length))] ?? 0),
  ) / 10
const summary = (values: readonly number[]) => ({
  n: values.length,
  p50: quantile(values, 0.5),
  p95: quantile(values, 0.95),
  max: quantile(values, 1),
})

const middle = encodeURIComponent(keyOf(Math.floor(packets / 2 / folder) + 7 * Math.floor(packets / 2)))
const soon = encodeURIComponent(
  keyOf(Math.floor((packets / 2 + 2_000) / folder) + 7 * Math.floor(packets / 2 + 2_000)),
)
const questions: readonly [string, string][] = [
  ['migration', here],
  ['migrations', '/api/workspaces/local/migrations'],
  ['passes', `${here}/passes`],
  ['pass', `${here}/passes/1`],
  ['comparison', `${here}/comparison?from=1&to=1`],
  ['causes', `${here}/passes/1/causes`],
  ['failures', `${here}/passes/1/failures?limit=100`],
  ['packets, the first', `${here}/packets?pass=1&limit=100`],
  ['packets, in the middle', `${here}/packets?pass=1&limit=100&cursor=k${middle}`],
  ['strip', `${here}/strip?pass=1`],
  ['strip of 2,000 packets', `${here}/strip?pass=1&after=${middle}&through=${soon}`],
]

async function ask(plane: ControlPlane, until: () => boolean): Promise<void> {
  const figures = new Map<string, { ms: number[]; bytes: number; status: number }>()
  while (!until()) {
    for (const [name, path] of questions) {
      const began = performance.now()
      const response = await fetch(new URL(path, plane.url), {
        headers: { authorization: `Bearer ${plane.token}` },
      })
      const bytes = (await response.arrayBuffer()).byteLength
      const all = figures.get(name) ?? { ms: [], bytes: 0, status: 0 }
      all.ms.push(performance.now() - began)
      all.bytes = Math.max(all.bytes, bytes)
      all.status = response.status
      figures.set(name, all)
      await pause(20)
    }
  }
  console.table(
    [...figures].map(([route, { ms, bytes, status }]) => ({ route, ...summary(ms), bytes, status })),
  )
}

async function main(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'dray-million-packets-'))
  const plane = await startControlPlane({
    stateDir: dir,
    port: Number(values.port),
    console: values.hold ?? false,
  })
  const isOver = new AbortController()
  process.once('SIGINT', () => isOver.abort())
  process.once('SIGTERM', () => isOver.abort())
  try {
    const api = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
      const headers = { authorization: `Bearer ${plane.token}`, 'content-type': 'application/json' }
      const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
      const response = await fetch(new URL(path, plane.url), init)
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
      return (await response.json()) as T
    }
    const place = { kind: 's3', prefix: '', endpoint: null, region: null, profile: null, site: null }
    const filter = { include: [], exclude: [], only: null }
    await api('PUT', here, {
      source: { ...place, bucket: 'from' },
      destination: { ...place, bucket: 'to' },
      filter,
    })
    await api('POST', `${here}/passes`, {})
    const agent = await connect(plane)
    const [first] = await agent.lease()
    const began = performance.now()
    await survey(agent, first!)
    const took = (performance.now() - began) / 1000
    console.log(
      `${cpus().length} × ${cpus()[0]?.model}, node ${process.version}: ${packets} packets cut in ${took.toFixed(0)} s`,
    )
    if (values.hold)
      console.log(
        `${plane.url.href}#token=${plane.token}\n${plane.url.href}w/local/migrations/${id}\nPOST ${plane.url.href}api/setup with ${JSON.parse(readFileSync(join(dir, 'tokens.json'), 'utf8')).setup}\nCtrl-C ends it.`,
      )
    await watch(plane)
    const end = performance.now() + seconds * 1_000
    const isTime = () => isOver.signal.aborted || performance.now() > end
    const working = work(agent, () => isOver.signal.aborted || (!values.hold && isTime()))
    await ask(plane, isTime)
    const { counts, packets: states } = await api<PassStatus>('GET', `${here}/passes/1`)
    console.log(`${JSON.stringify(states)}, ${counts.objects.failed} failed`)
    console.table({
      'bytes of a snapshot': summary(watched.snapshot),
      'bytes of a delta': summary(watched.delta),
    })
    console.log(`settled ${await working} packets`)
  } finally {
    await plane.stop()
    rmSync(dir, { recursive: true, force: true })
  }
}

await main()
process.exit()
