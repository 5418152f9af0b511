/**
 * `node test/bench/events.ts [--rate 200] [--seconds 60] [--objects 20000] [--batch 1]`: how soon a change at the source is at the destination, where the
 * store tells of each. The control plane of `dray up`, an agent, and both buckets, of which the writer and the agent share this process. Each
 * change is an object that is written over, and a notification that is posted (with `--batch N`, one for N of them). Exit status 1 where one in
 * twenty took longer than five seconds, or anything was not carried over.
 */

import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startAgent } from '../../agent/agent.ts'
import { allowAll } from '../../agent/allow/allow-list.ts'
import { startControlPlane } from '../../agent/embed/control-plane.ts'
import { startS3Server } from '../../agent/s3-server/s3-server.ts'
import type { PassStatus } from '../../shared/api/migrations.ts'
import type { LifeView } from '../../shared/life.ts'
import { noFilter } from '../../shared/policy.ts'
import { bucket } from '../agent/world.ts'

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '60' },
    objects: { type: 'string', default: '20000' },
    batch: { type: 'string', default: '1' },
  },
})
const [rate, seconds, objects, batch] = [values.rate, values.seconds, values.objects, values.batch].map(
  Number,
) as [number, number, number, number]
const mostLag = 5_000

Object.assign(process.env, {
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'testsecret',
  AWS_REGION: 'us-east-1',
})

const s3 = await startS3Server({ credentials: { test: 'testsecret' } })
const contents = s3
const keyOf = (i: number) => `folder-${i % 97}/object-${String(i).padStart(6, '0')}`
contents.createBucket('destination')
for (let i = 0; i < objects; i++) await contents.put('source', keyOf(i), `object ${i}, as it was`)

const stateDir = await mkdtemp(join(tmpdir(), 'dray-events-'))
const plane = await startControlPlane({ stateDir })
const agent = startAgent({
  ...{ url: plane.url, identity: plane.identity, allow: allowAll, stateDir },
  ...{ version: 'bench', concurrency: 32, memory: 256 * 2 ** 20, env: process.env },
  log: ({ level, event, message }) => level !== 'info' && console.log(event, message),
})
const path = '/api/workspaces/local/migrations/events'
async function api<T>(method: string, rest: string, body?: unknown): Promise<T> {
  const response = await fetch(new URL(`${path}${rest}`, plane.url), {
    method,
    headers: { authorization: `Bearer ${plane.token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  if (!response.ok) throw new Error(`${method} ${rest}: ${response.status} ${await response.text()}`)
  return (await response.json()) as T
}
const at = (name: string) => ({ ...bucket(name), endpoint: s3.url.origin })
await api('PUT', '', {
  ...{ source: at('source'), destination: at('destination'), filter: noFilter },
  follow: { events: [{ kind: 'webhook' }], pauseAtLeast: 3_600, pauseAtMost: 3_600 },
})
await api('POST', '/life/start')
const life = () => api<LifeView>('GET', '/life')
const passStatus = async () => api<PassStatus>('GET', `/passes/${(await life()).pass}`)
while ((await life()).state !== 'following') await pause(200)
const before = await passStatus()
console.log(`${objects} objects are at both sides; pass ${before.number} is open`)

/** Since when each has been another one; and what it is. */
const waiting = new Map<string, { since: number; etag: string }>()
const lags: number[] = []
let isOver = false

async function look(): Promise<void> {
  while (!isOver || waiting.size > 0) {
    const now = Date.now()
    for (const [key, { since, etag }] of waiting) {
      if (contents.object('destination', key)?.etag !== etag) continue
      waiting.delete(key)
      lags.push(now - since)
    }
    if (isOver && now > isOver_ + 60_000) return
    await pause(20)
  }
}

const record = (key: string, when: number) => ({
  ...{ eventVersion: '2.1', eventSource: 'aws:s3', eventName: 'ObjectCreated:Put' },
  eventTime: new Date(when).toISOString(),
  s3: { bucket: { name: 'source' }, object: { key: encodeURIComponent(key) } },
})

const mine = new Set([process.pid])
/** CPU seconds of the processes of that name that this one has started. */
function cpuOf(name: string): number {
  let ticks = 0
  for (const pid of readdirSync('/proc').filter((each) => /^\d+$/.test(each))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      if (!stat.includes(`(${name})`) || !mine.has(Number(fields[1]))) continue
      ticks += Number(fields[11]) + Number(fields[12])
    } catch {
      // It is gone.
    }
  }
  return ticks / 100
}

let told = 0
let isOver_ = 0
const looking = look()
const began = Date.now()
const cpu = { here: process.cpuUsage(), workerd: cpuOf('workerd') }
let posts: Promise<unknown>[] = []
let records: object[] = []
for (let n = 0; n < rate * seconds; n++) {
  const due = began + (n * 1_000) / rate
  if (due > Date.now()) await pause(due - Date.now())
  const key = keyOf((n * 7_919) % objects)
  const body = `change ${n}`
  await contents.put('source', key, body)
  const since = Date.now()
  waiting.set(key, { since, etag: createHash('md5').update(body).digest('hex') })
  records.push(record(key, since))
  if (records.length < batch) continue
  const post = api<{ taken: number }>('POST', '/changes', { Records: records }).then(({ taken }) => {
    told += taken
  })
  records = []
  posts.push(post)
  if (posts.length > 200) posts = [Promise.all(posts)]
}
if (records.length > 0) posts.push(api('POST', '/changes', { Records: records }))
await Promise.all(posts)
const written = (Date.now() - began) / 1_000
isOver_ = Date.now()
isOver = true
await looking
const took = (Date.now() - began) / 1_000
const used = process.cpuUsage(cpu.here)
const after = await passStatus()
const { lag } = await life()
lags.sort((a, b) => a - b)
const share = (p: number) => lags[Math.min(lags.length - 1, Math.floor(lags.length * p))] ?? 0
console.log(`${rate * seconds} changes in ${written.toFixed(1)} s, ${told} told and taken`)
console.log(
  `lag: p50 ${share(0.5)} ms, p95 ${share(0.95)} ms, max ${lags.at(-1)} ms; ${waiting.size} never came`,
)
console.log(
  `CPU: ${((used.user + used.system) / 1e4 / took).toFixed(0)} % of a core here, ${(((cpuOf('workerd') - cpu.workerd) * 100) / took).toFixed(0)} % in workerd`,
)
console.log(`events: ${JSON.stringify(after.events)}; lag as told: ${JSON.stringify(lag)}`)

await agent.stop()
await plane.stop()
await s3.stop()
await rm(stateDir, { recursive: true, force: true })
process.exit(share(0.95) > mostLag || waiting.size > 0 ? 1 : 0)
