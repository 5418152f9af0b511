/**
 * `node test/bench/failures.ts [--failures 1000000] [--json FILE]`: what it takes to look at very many failures, to waive and to retry all of
 * them, over HTTP against the built Worker on a real workerd. One scripted agent tells of them, 2,000 a packet, of ten causes.
 */
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import WebSocket from 'ws'
import { zeroCounts } from '../../shared/counts.ts'
import { proofOf } from '../support/identities.ts'
import { startPlane } from '../support/plane.ts'
import { cutOf, outcomeOf, ScriptedAgent } from '../support/scripted-agent.ts'

const { values } = parseArgs({
  options: { failures: { type: 'string', default: '1000000' }, json: { type: 'string' } },
})
const failures = Number(values.failures)
const perPacket = 2_000
const packets = Math.ceil(failures / perPacket)
const id = 'failures'

const plane = await startPlane()
const path = `/api/workspaces/${plane.workspace}/migrations/${id}`
const pass = `${path}/passes/1`

async function connect(): Promise<ScriptedAgent> {
  const url = new URL(`/agent/migrations/${id}`, plane.url)
  url.protocol = 'ws:'
  const authorization = await proofOf(await plane.identity('a'), 'GET', url)
  const socket = new WebSocket(url, { headers: { authorization }, perMessageDeflate: false })
  const agent = new ScriptedAgent(socket as never, 'a')
  await new Promise<void>((resolve, reject) => {
    socket.once('open', () => resolve())
    socket.once('error', reject)
  })
  return agent
}

/** The keys of a packet are neighbours; packets come in no order, as from several agents. */
const keyOf = (i: number) => {
  const n = ((Math.floor(i / perPacket) * 7_919) % packets) * perPacket + (i % perPacket)
  return `photos/${String(Math.floor(n / 1_000)).padStart(4, '0')}/${String(n).padStart(9, '0')}.jpg`
}
const words = ['denied', 'broken', 'gone', 'slow', 'odd', 'large', 'locked', 'moved', 'torn', 'strange']

async function fail(): Promise<void> {
  const location = { kind: 's3', prefix: '', endpoint: null, region: null, profile: null, site: null }
  const filter = { include: [], exclude: [], only: null }
  const [source, destination] = [
    { ...location, bucket: 'from' },
    { ...location, bucket: 'to' },
  ]
  await plane.api('PUT', path, { source, destination, filter })
  await plane.api('POST', `${path}/passes`, {})
  const agent = await connect()
  await agent.hello('a')
  const [survey] = await agent.lease()
  let from: string | null = null
  for (let at = 0; at < packets; at += 400) {
    const ends = Array.from({ length: Math.min(400, packets - at) }, (_, i) =>
      at + i + 1 === packets ? null : `p${String(at + i).padStart(9, '0')}`,
    )
    await agent.ask(cutOf(survey!, from, ends, perPacket))
    from = ends.at(-1)!
  }
  for (let done = 0; done < packets; done++) {
    const [packet] = await agent.lease()
    const some = Array.from({ length: Math.min(perPacket, failures - done * perPacket) }, (_, j) => {
      const i = done * perPacket + j
      const message = `The object is ${words[i % words.length]} (GET s3://from/${keyOf(i)}).`
      return { key: keyOf(i), code: 'access-denied', message, bytes: 1_000 }
    })
    const counts = zeroCounts()
    counts.objects.listed = counts.objects.failed = some.length
    await agent.ask(outcomeOf(packet!, 0, { failures: some, counts }))
  }
  await agent.next('end')
}

const figures: { what: string; ms: number; answer: string }[] = []
async function measure(what: string, ask: () => Promise<unknown>): Promise<void> {
  const began = performance.now()
  const answer = await ask()
  const ms = Math.round(performance.now() - began)
  figures.push({ what, ms, answer: JSON.stringify(answer ?? '').slice(0, 60) })
}
const ask = async (method: string, address: string, body?: unknown) =>
  (await plane.api<Record<string, unknown>>(method, address, body)).json

try {
  console.log(`${failures} failures; ${cpus().length} × ${cpus()[0]?.model}, node ${process.version}`)
  await measure('told by one agent', fail)
  for (const turn of ['', ', again']) {
    await measure(`causes${turn}`, async () => ((await ask('GET', `${pass}/causes`)).causes as []).length)
    await measure(`first page${turn}`, async () => (await ask('GET', `${pass}/failures`)).matching)
  }
  const middle = Math.floor(failures / 2)
  await measure(
    'a page in the middle',
    async () => ((await ask('GET', `${pass}/failures?cursor=${middle}`)).failures as []).length,
  )
  await measure('of one cause', async () => (await ask('GET', `${pass}/failures?cause=3`)).matching)
  await measure(
    'of one state, none',
    async () => (await ask('GET', `${pass}/failures?state=waived`)).matching,
  )
  await measure(
    'by prefix, a thousandth',
    async () => (await ask('GET', `${pass}/failures?prefix=photos/0050/`)).matching,
  )
  await measure(
    'by text, one',
    async () => (await ask('GET', `${pass}/failures?text=${keyOf(failures - 1).slice(-14)}`)).matching,
  )
  await measure('by text, none', async () => (await ask('GET', `${pass}/failures?text=nowhere`)).matching)
  await measure('by text, all', async () => (await ask('GET', `${pass}/failures?text=JPG`)).matching)
  await measure('CSV, all', async () => {
    const response = await fetch(new URL(`${pass}/failures/download?format=csv`, plane.url), {
      headers: { authorization: `Bearer ${plane.token}` },
    })
    let bytes = 0
    for await (const chunk of response.body!) bytes += chunk.length
    return `${bytes} bytes`
  })
  await measure('waive a cause', async () =>
    ask('POST', `${pass}/failures/waive`, { cause: '3', reason: 'measured' }),
  )
  await measure('waive all', async () => ask('POST', `${pass}/failures/waive`, { reason: 'measured' }))
  await measure('status', async () => (await ask('GET', pass)).state)
  await measure('open all again', async () => ask('POST', `${pass}/failures/reopen`, {}))
  await measure('retry all', async () => {
    const { objects } = await ask('POST', `${pass}/failures/retry`, {})
    return { objects }
  })
  await measure(
    'its packets',
    async () => ((await ask('GET', `${path}/packets?pass=2`)).packets as []).length,
  )
  await measure('cancel it', async () => (await ask('POST', `${path}/passes/2/cancel`, {})).open)
  console.table(figures)
  if (values.json) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`)
} finally {
  await plane.stop()
}
