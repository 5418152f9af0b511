/** The built Worker as it is deployed, on a real workerd, with real sockets, and killed in the middle. */
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import WebSocket from 'ws'
import { type PassStatus, passStatusSchema, startedPassSchema } from '../../shared/api/migrations.ts'
import { digestHeader } from '../../shared/identity/signature.ts'
import type { Key } from '../../shared/key.ts'
import { sha256 } from '../../shared/octets.ts'
import { closeCodes, type LeasedPacket } from '../../shared/protocol.ts'
import { someFacts } from '../support/facts.ts'
import { proofOf } from '../support/identities.ts'
import { type Plane, startPlane } from '../support/plane.ts'
import { cutOf, heldOf, outcomeOf, ScriptedAgent } from '../support/scripted-agent.ts'

/** For what is told in the background: as long as it takes, on a busy machine too. */
const eventually = <T>(check: () => T | Promise<T>) => vi.waitFor(check, { timeout: 15_000, interval: 5 })

let dir: string
let plane: Plane
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'dray-plane-'))
  plane = await startPlane({ dir, leaseMs: 5_000 })
})
afterAll(async () => {
  await plane.stop()
  await rm(dir, { recursive: true, force: true })
})

async function connect(path: string, name = 'a', to = plane, token?: string): Promise<ScriptedAgent> {
  const url = new URL(path, to.url)
  url.protocol = 'ws:'
  const authorization = token ? `Bearer ${token}` : await proofOf(await to.identity(name), 'GET', url)
  const socket = new WebSocket(url, { headers: { authorization } })
  const agent = new ScriptedAgent(socket as never, name)
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(agent))
    socket.once('error', reject)
  })
}
const s3 = (bucket: string) => ({
  kind: 's3',
  bucket,
  prefix: '',
  endpoint: null,
  region: null,
  profile: null,
  site: null,
})
async function begin(id: string, options = {}, on = plane) {
  const filter = { include: [], exclude: [], only: null }
  await on.api('PUT', `/api/workspaces/local/migrations/${id}`, {
    source: s3('a'),
    destination: s3('b'),
    filter,
  })
  return startedPassSchema.parse(
    (await on.api('POST', `/api/workspaces/local/migrations/${id}/passes`, options)).json,
  )
}
const status = async (id: string) =>
  passStatusSchema.parse((await plane.api('GET', `/api/workspaces/local/migrations/${id}/passes/1`)).json)

async function upload(id: string, { id: packet, generation }: LeasedPacket, lines: object[], by = 'a') {
  const path = `/agent/migrations/${id}/passes/1/reports/${packet}/${generation}`
  const url = new URL(path, plane.url)
  const body = gzipSync(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  const digest = await sha256(body)
  const authorization = await proofOf(await plane.identity(by), 'PUT', url, digest)
  const headers = { authorization, [digestHeader]: digest }
  const response = await fetch(url, { method: 'PUT', headers, body })
  expect(response.status).toBe(204)
}

async function report(id: string): Promise<{ key: string }[]> {
  const response = await fetch(
    new URL(`/api/workspaces/local/migrations/${id}/passes/1/report/ndjson`, plane.url),
    {
      headers: { authorization: `Bearer ${plane.token}` },
    },
  )
  const text = await response.text()
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
}

it('runs a whole pass with two agents, from the assignment to the report', async () => {
  const fleet = await connect('/agent/fleet')
  fleet.raw(JSON.stringify({ t: 'hello', protocol: 5, session: 'a-1', started: 1, facts: someFacts }))
  expect((await begin('whole')).resumed).toBe(false)
  await eventually(() => expect(JSON.stringify(fleet.inbox)).toContain('whole'))

  const [a, b] = await Promise.all([
    connect('/agent/migrations/whole'),
    connect('/agent/migrations/whole', 'b'),
  ])
  await a.hello('a')
  await b.hello('b')
  const [survey] = await a.lease()
  b.free(1)
  await a.ask({ t: 'split', packet: survey!.id, generation: survey!.generation, at: 'm' as Key })
  const [upper] = (await b.next('lease')).packets
  expect(upper).toMatchObject({ kind: 'survey', after: 'm', through: null })
  const settled = {
    through: 'z' as Key,
    work: { objects: 0, bytes: 0 },
    settled: { ...zero, objects: { ...zero.objects, listed: 5, same: 5 }, evidence: { etag: 5 } },
  }
  await b.ask({
    ...cutOf(upper!, 'm', []),
    cuts: [settled, { through: null, work: { objects: 1, bytes: 9 }, settled: null }],
  } as never)
  await a.ask(cutOf(survey!, null, ['c', 'm']))
  const packets = [...(await a.lease(2)), ...(await b.lease(1))]
  expect(packets.map(({ after }) => after).sort()).toEqual(['c', 'z', null].sort())

  const holder = (packet: LeasedPacket) => (packet.after === 'z' ? b : a)
  for (const packet of packets) {
    const lines = [{ key: `${packet.after ?? ''}1`, outcome: 'copied', bytes: 10 }]
    await upload('whole', packet, lines, holder(packet).name)
    const failures =
      packet.after === 'c'
        ? [{ key: 'd' as Key, code: 'access-denied' as const, message: 'no', bytes: 4 }]
        : []
    const outcome = outcomeOf(packet, 2, { report: true, failures }) as { counts: PassStatus['counts'] }
    outcome.counts.objects.failed = failures.length
    outcome.counts.objects.listed += failures.length
    expect(await holder(packet).ask(outcome as never)).toMatchObject({ t: 'ack' })
  }
  expect(await a.next('end')).toMatchObject({ pass: 1, state: 'incomplete' })
  expect((await b.closed).code).toBe(closeCodes.over)

  expect(await status('whole')).toMatchObject({
    state: 'incomplete',
    surveying: false,
    counts: { objects: { listed: 12, same: 5, copied: 6, failed: 1 } },
    packets: { ready: 0, leased: 0, parked: 0, done: 6, settled: 1 },
    failureCauses: [{ code: 'access-denied', objects: 1, bytes: 4 }],
    errors: [],
  })
  expect((await report('whole')).map(({ key }) => key).sort()).toEqual(['1', 'c1', 'z1'])
  expect(
    (await plane.api('GET', '/api/workspaces/local/migrations/whole/passes/1/failures')).json,
  ).toMatchObject({
    failures: [{ key: 'd', code: 'access-denied' }],
  })
  await eventually(async () => {
    const { json } = await plane.api('GET', '/api/workspaces/local/migrations/whole')
    expect(json).toMatchObject({ pass: { state: 'incomplete', counts: { objects: { listed: 12 } } } })
    expect(fleet.inbox.at(-1)).toEqual({ t: 'assign', migrations: [] })
  })
  fleet.close()
})

const zero = {
  objects: { listed: 0, same: 0, copied: 0, skipped: 0, vanished: 0, failed: 0, deleted: 0, extra: 0 },
  bytes: { listed: 0, copied: 0 },
  evidence: {},
}

it('takes the last words of an agent that closes its socket without waiting', async () => {
  await begin('hasty')
  const agent = await connect('/agent/migrations/hasty')
  await agent.hello('a')
  const [survey] = await agent.lease()
  await agent.ask(cutOf(survey!, null, [...Array.from({ length: 199 }, (_, i) => `k${1_000 + i}`), null]))
  const packets = await agent.lease(200)
  for (const [seq, packet] of packets.entries())
    agent.say({ ...outcomeOf(packet), seq: 10_000 + seq } as never)
  agent.close()
  await eventually(async () => expect((await status('hasty')).state).toBe('complete'))
})

it('refuses a socket without the agents’ token, and to a migration that is not there', async () => {
  await expect(connect('/agent/fleet', 'a', plane, 'wrong')).rejects.toThrow('401')
  await expect(connect('/agent/fleet', 'a', plane, plane.token)).rejects.toThrow('403')
  await expect(connect('/agent/migrations/none')).rejects.toThrow('404')
})

it('sends an agent away that comes when no pass is running', async () => {
  await begin('early')
  await plane.api('POST', '/api/workspaces/local/migrations/early/passes/1/cancel')
  const agent = await connect('/agent/migrations/early')
  agent.say({ t: 'hello', protocol: 5, session: 's', started: 1, held: [] })
  expect(await agent.next('end')).toMatchObject({ pass: 1, state: 'cancelled' })
  expect((await agent.closed).code).toBe(closeCodes.over)
})

it('gives a silent agent’s lease to another by itself', async () => {
  const fast = await startPlane({ leaseMs: 1_000 })
  try {
    await begin('alarm', {}, fast)
    const socket = (name: string) => connect('/agent/migrations/alarm', name, fast)
    const [silent, other] = await Promise.all([socket('silent'), socket('other')])
    await silent.hello('silent')
    const [first] = await silent.lease()
    await other.hello('other')
    const [second] = await other.lease()
    expect(second).toMatchObject({ id: first!.id, generation: 2, attempt: 2 })
    expect((await silent.next('drop')).held).toEqual(heldOf([first!]))
  } finally {
    await fast.stop()
  }
})

it('goes on after kill -9 with every answered outcome, and takes the unanswered ones again', async () => {
  await begin('killed')
  let agent = await connect('/agent/migrations/killed')
  await agent.hello('a')
  const [survey] = await agent.lease()
  const n = 300
  await agent.ask(cutOf(survey!, null, [...Array.from({ length: n - 1 }, (_, i) => `k${1_000 + i}`), null]))
  const packets = await agent.lease(n)
  const answered = new Set<number>()
  for (const packet of packets.slice(0, 100)) {
    void agent
      .ask(outcomeOf(packet))
      .then(() => answered.add(packet.id))
      .catch(() => {})
  }
  await eventually(() => expect(answered.size).toBeGreaterThan(20))
  killWorkerd()
  await agent.closed
  await plane.stop()
  plane = await startPlane({ dir, leaseMs: 5_000 })

  expect((await begin('killed')).resumed).toBe(true)
  const { done } = (await status('killed')).packets
  expect(done).toBeGreaterThanOrEqual(answered.size + 1)
  const rest = packets.filter(({ id }) => !answered.has(id))
  agent = await connect('/agent/migrations/killed')
  expect((await agent.hello('a', 'a-1', heldOf(rest))).lost).toEqual([])
  for (const packet of rest) expect((await agent.ask(outcomeOf(packet))).t).toBe('ack')
  expect(await agent.next('end')).toMatchObject({ state: 'complete' })
  expect((await status('killed')).counts.objects.listed).toBe(n * 2)
}, 30_000)

/** The one that this process started. */
function killWorkerd(): void {
  const pids = execFileSync('pgrep', ['-P', String(process.pid), 'workerd'], { encoding: 'utf8' })
  for (const pid of pids.trim().split('\n')) process.kill(Number(pid), 'SIGKILL')
}
