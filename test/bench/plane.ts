/**
 * `node test/bench/plane.ts [--agents 50] [--packets 20000] [--json FILE]`: what one migration's object gets done, over real sockets
 * against the built Worker on a real workerd, and what that costs. The agents are scripted: they lease, and settle at once, so that
 * nothing but the control plane is measured, and the process that plays all of them.
 *
 * Beside it what PLATFORM measured for a bare object, of which one message leases, acknowledges and writes three rows: 2,500 to 2,900
 * messages/s one by one, 14,000 messages/s and (16 leases a message) 80,000 leases/s in groups.
 */
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import WebSocket from 'ws'
import type { PassStatus } from '../../shared/api/migrations.ts'
import { addCounts, zeroCounts } from '../../shared/counts.ts'
import type { LeasedPacket } from '../../shared/protocol.ts'
import { proofOf } from '../support/identities.ts'
import { startPlane } from '../support/plane.ts'
import { cutOf, outcomeOf, ScriptedAgent } from '../support/scripted-agent.ts'

const { values } = parseArgs({
  options: {
    agents: { type: 'string', default: '50' },
    packets: { type: 'string', default: '20000' },
    json: { type: 'string' },
  },
})
const [agents, packets] = [Number(values.agents), Number(values.packets)]

/** Dollars (the platform's price list, November 2026): a million rows written, a million requests, and messages that are one request. */
const prices = { rows: 1, requests: 0.15, messagesPerRequest: 20 }
/** Pieces of one checkpoint, as an agent sends them (agent/runner/checkpoint.ts). */
const pieces = 400

const plane = await startPlane()

async function connect(id: string, name: string): Promise<ScriptedAgent> {
  const url = new URL(`/agent/migrations/${id}`, plane.url)
  url.protocol = 'ws:'
  const authorization = await proofOf(await plane.identity(name), 'GET', url)
  const socket = new WebSocket(url, { headers: { authorization }, perMessageDeflate: false })
  const agent = new ScriptedAgent(socket as never, name)
  await new Promise<void>((resolve, reject) => {
    socket.once('open', () => resolve())
    socket.once('error', reject)
  })
  return agent
}

/** Rows that its object has written since it woke. */
async function rowsOf(id: string): Promise<number> {
  const namespace = await plane.miniflare.getDurableObjectNamespace('MIGRATION')
  const object = namespace.get(namespace.idFromName(`${plane.workspace}/${id}`)) as unknown as {
    rowsWritten(): Promise<number>
  }
  return object.rowsWritten()
}

async function begin(id: string): Promise<void> {
  const location = { kind: 's3', prefix: '', endpoint: null, region: null, profile: null, site: null }
  const path = `/api/workspaces/${plane.workspace}/migrations/${id}`
  const filter = { include: [], exclude: [], only: null }
  await plane.api('PUT', path, {
    source: { ...location, bucket: 'from' },
    destination: { ...location, bucket: 'to' },
    filter,
  })
  const { status } = await plane.api('POST', `${path}/passes`, {})
  if (status !== 201) throw new Error(`the pass did not begin: ${status}`)
}

const keyOf = (i: number) => `k${String(i).padStart(9, '0')}`

/** A survey that finds as many packets, of which the last ends the key space. */
async function survey(agent: ScriptedAgent, packet: LeasedPacket, many: number): Promise<number> {
  let from: string | null = null
  let messages = 0
  for (let at = 0; at < many; at += pieces) {
    const ends = Array.from({ length: Math.min(pieces, many - at) }, (_, i) =>
      at + i + 1 === many ? null : keyOf(at + i),
    )
    await agent.ask(cutOf(packet, from, ends))
    from = ends.at(-1)!
    messages++
  }
  return messages
}

interface Figures {
  readonly what: string
  readonly packets: number
  readonly seconds: number
  /** From agents. */
  readonly messages: number
  readonly rows: number
}

/** All packets of a pass are leased and settled by all agents, each of which has so many at once. */
async function backfill(id: string, atOnce: number): Promise<Figures> {
  await begin(id)
  const surveyor = await connect(id, 'surveyor')
  await surveyor.hello('surveyor')
  const [first] = await surveyor.lease()
  const before = await rowsOf(id)
  let messages = await survey(surveyor, first!, packets)
  surveyor.close()
  await surveyor.closed
  const names = Array.from({ length: agents }, (_, i) => `agent${i}`)
  const all = await Promise.all(names.map((name) => connect(id, name)))
  await Promise.all(all.map((agent) => agent.hello(agent.name)))
  const began = performance.now()
  await Promise.all(
    all.map(async (agent) => {
      agent.free(atOnce)
      messages++
      for (;;) {
        const message = await Promise.race([agent.next('lease'), agent.closed])
        if (!('t' in message)) return
        await Promise.all(message.packets.map((packet) => agent.ask(outcomeOf(packet)))).catch(() => {})
        messages += message.packets.length + 1
        agent.free(atOnce)
      }
    }),
  )
  const seconds = (performance.now() - began) / 1000
  await expectDone(id)
  return { what: `${atOnce} at once`, packets, seconds, messages, rows: (await rowsOf(id)) - before }
}

/** A pass that finds nothing to do: all that a survey sends is settled ranges. */
async function following(id: string): Promise<Figures> {
  await begin(id)
  const agent = await connect(id, 'surveyor')
  await agent.hello('surveyor')
  const [packet] = await agent.lease()
  const before = await rowsOf(id)
  const counts = addCounts(zeroCounts(), zeroCounts())
  const began = performance.now()
  let from: string | null = null
  let messages = 0
  for (let at = 0; at < packets; at += pieces) {
    const ends = Array.from({ length: Math.min(pieces, packets - at) }, (_, i) =>
      at + i + 1 === packets ? null : keyOf(at + i),
    )
    const cut = cutOf(packet!, from, ends) as ReturnType<typeof cutOf> & { cuts: object[] }
    await agent.ask({ ...cut, cuts: cut.cuts.map((piece) => ({ ...piece, settled: counts })) } as never)
    from = ends.at(-1)!
    messages++
  }
  const seconds = (performance.now() - began) / 1000
  await expectDone(id)
  return { what: 'following', packets, seconds, messages, rows: (await rowsOf(id)) - before }
}

async function expectDone(id: string): Promise<void> {
  const { json } = await plane.api<PassStatus>(
    'GET',
    `/api/workspaces/${plane.workspace}/migrations/${id}/passes/1`,
  )
  if (json.state !== 'complete') throw new Error(`the pass of ${id} is ${json.state}`)
}

const rowOf = ({ what, packets, seconds, messages, rows }: Figures) => {
  const dollars =
    (rows / packets) * prices.rows + (messages / packets / prices.messagesPerRequest) * prices.requests
  return {
    what,
    'packets/s': Math.round(packets / seconds),
    'messages/s': Math.round(messages / seconds),
    'messages/packet': Number((messages / packets).toFixed(2)),
    'rows/packet': Number((rows / packets).toFixed(3)),
    '$/million packets': Number(dollars.toFixed(2)),
  }
}

try {
  console.log(
    `${agents} agents, ${packets} packets; ${cpus().length} × ${cpus()[0]?.model}, node ${process.version}`,
  )
  const figures = [
    await backfill('one', 1),
    await backfill('eight', 8),
    await backfill('sixteen', 16),
    await following('following'),
  ].map(rowOf)
  console.table(figures)
  if (values.json) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`)
} finally {
  await plane.stop()
}
