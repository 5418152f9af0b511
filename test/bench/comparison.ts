/**
 * `node test/bench/comparison.ts [--failures 1000000]`: two passes with that many failures each, of which nine of ten are the same, compared; how long
 * it takes, what that costs in memory, and how long others wait for their answers meanwhile. A scripted agent tells the failures.
 */
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import WebSocket from 'ws'
import { proofOf } from '../support/identities.ts'
import { startPlane } from '../support/plane.ts'
import { cutOf, outcomeOf, ScriptedAgent } from '../support/scripted-agent.ts'

const { values } = parseArgs({ options: { failures: { type: 'string', default: '1000000' } } })
const failures = Number(values.failures)
/** Of one outcome: as many as a packet has keys. */
const each = 10_000
const plane = await startPlane()
const here = `/api/workspaces/${plane.workspace}/migrations/compared`

/** With the failures from `first` on. */
async function pass(first: number): Promise<void> {
  await plane.api('POST', `${here}/passes`, {})
  const url = new URL('/agent/migrations/compared', plane.url)
  url.protocol = 'ws:'
  const authorization = await proofOf(await plane.identity('a'), 'GET', url)
  const socket = new WebSocket(url, { headers: { authorization }, perMessageDeflate: false })
  const agent = new ScriptedAgent(socket as never, 'a')
  await once(socket, 'open')
  await agent.hello('a', `a-${first + 1}`)
  for (let at = 0; at < failures; ) {
    const [packet] = await agent.lease()
    if (packet!.kind === 'survey') {
      const n = Math.ceil(failures / each)
      const from = packet!.after
      const ends = Array.from(
        { length: n },
        (_, i) => `${from ?? ''}${first === 0 ? '!' : ' '}${String(i).padStart(5, '0')}`,
      )
      await agent.ask(cutOf(packet!, from, [...ends, packet!.through], each))
      continue
    }
    const outcome = outcomeOf(packet!, 0) as ReturnType<typeof outcomeOf> & { counts: { objects: object } }
    const objects = { ...outcome.counts.objects, listed: each, failed: each }
    const failed = Array.from({ length: each }, (_, i) => {
      const key = `photos/2026/november/${String(first + at + i).padStart(9, '0')}.jpg`
      return { key, code: 'access-denied', message: `GET s3://from/${key}: Access Denied`, bytes: 1_000 }
    })
    await agent.ask({ ...outcome, counts: { ...outcome.counts, objects }, failures: failed } as never)
    at += each
  }
  await plane.api('POST', `${here}/passes/${first === 0 ? 1 : 2}/cancel`)
  socket.close()
}

/** Bytes that all workerds of this process hold. */
const resident = () =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'latin1')
        const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
        return parent === process.pid
          ? Number(readFileSync(`/proc/${name}/statm`, 'latin1').split(' ')[1]) * 4096
          : 0
      } catch {
        return 0
      }
    })
    .reduce((a, b) => a + b, 0)

try {
  const place = { kind: 's3', prefix: '', endpoint: null, region: null, profile: null, site: null }
  await plane.api('PUT', here, {
    source: { ...place, bucket: 'from' },
    destination: { ...place, bucket: 'to' },
    filter: { include: [], exclude: [], only: null },
  })
  await pass(0)
  await pass(failures / 10)
  const before = resident()
  let most = before
  let isDone = false
  const waits: number[] = []
  const others = (async () => {
    while (!isDone) {
      const began = performance.now()
      await plane.api('GET', `${here}/passes/2`)
      waits.push(performance.now() - began)
      most = Math.max(most, resident())
      await pause(20)
    }
  })()
  const began = performance.now()
  const { json } = await plane.api<{ failures: Record<string, { objects: number }> }>(
    'GET',
    `${here}/comparison?from=1&to=2`,
  )
  const seconds = (performance.now() - began) / 1000
  isDone = true
  await others
  const sums = Object.entries(json.failures).map(([kind, { objects }]) => `${objects} ${kind}`)
  waits.sort((a, b) => a - b)
  console.log(
    `${cpus().length} × ${cpus()[0]?.model}: ${failures} failures beside ${failures}: ${sums.join(', ')}; ${seconds.toFixed(1)} s, ${Math.round((most - before) / 2 ** 20)} MiB more at most, others waited ${waits[Math.floor(waits.length / 2)]?.toFixed(0)} ms (median), ${waits.at(-1)?.toFixed(0)} ms at most`,
  )
} finally {
  await plane.stop()
}
