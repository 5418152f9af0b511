/** The scenario itself (main.ts), in the network, at the place of the control plane. Its argument is the ground. Ends with 1 where something did not hold. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CreateBucketCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { planeClient } from '../../agent/cli/plane-client.ts'
import { readTokens } from '../../agent/embed/tokens.ts'
import { revokeAgent } from '../../shared/api/agents.ts'
import { createConnection } from '../../shared/api/connections.ts'
import {
  editMigration,
  listPackets,
  type PassStatus,
  putMigration,
  readPass,
} from '../../shared/api/migrations.ts'
import { createJoinToken, createSite } from '../../shared/api/sites.ts'
import { defaultPassOptions, noFilter } from '../../shared/policy.ts'
import { missingForRadosgw, radosgwScript } from '../support/radosgw-store.ts'
import { type Ground, Processes, root } from './ground.ts'
import type { Reads, StoreOptions } from './store.ts'

const ground = JSON.parse(process.argv[2]!) as Ground
const processes = new Processes(ground)
const began = performance.now()
const seconds = () => ((performance.now() - began) / 1000).toFixed(0).padStart(4)
const tell = (what: string) => console.log(`${seconds()} s  ${what}`)

let failed = 0
let passed = 0
function check(what: string, holds: boolean, seen: unknown = ''): void {
  if (holds) passed++
  else failed++
  tell(
    `${holds ? 'ok  ' : 'FAIL'}  ${what}${seen === '' ? '' : ` (${typeof seen === 'string' ? seen : JSON.stringify(seen)})`}`,
  )
}

async function until<T>(what: string, ms: number, look: () => T | Promise<T>): Promise<NonNullable<T>> {
  const end = performance.now() + ms
  for (;;) {
    const found = await look()
    if (found) return found
    if (performance.now() > end) throw new Error(`after ${ms / 1000} s: ${what}`)
    await sleep(100)
  }
}

// ---- what is there

/** A migration each. `archive` is reached from everywhere, `media` from the north and the south alone, `late`, which begins late, from the west alone. */
const migrations = {
  archive: { priority: 'high', objects: 15_000, destination: 'everywhere' },
  media: { priority: 'normal', objects: 5_000, destination: 'near' },
  late: { priority: 'high', objects: 200, destination: 'far' },
} as const
type Name = keyof typeof migrations
const names = ['archive', 'media'] as const satisfies Name[]
const all = [...names, 'late'] as const satisfies Name[]

const agents = [
  { name: 'north-1', site: 'north', place: 'north' },
  { name: 'north-2', site: 'north', place: 'north' },
  { name: 'south-1', site: 'south', place: 'south' },
  { name: 'south-2', site: 'south', place: 'south' },
  { name: 'west-1', site: 'west', place: 'west' },
  { name: 'west-2', site: 'west', place: 'west-2' },
]
/** Objects at once: little enough that round trips are the bound, and not this machine. */
const concurrency = '4'
const objectBytes = 300
const cutOffSeconds = 60

const addressOf = (place: string) => ground.places[place]!.address
const source = `http://${addressOf('north')}:9000`
const destination = `http://${addressOf('south')}:9001`
const destinationKey = 'DESTINATIONKEY000000'
const secret = 'a-secret-of-nobody-in-particular-at-all'
const keyOf = (agent: string) => `KEY-${agent}`

let reads: Reads = {}
const readBy = (agent: string, migration: Name) => reads[keyOf(agent)]?.[migration] ?? 0

async function startStores(): Promise<string> {
  const keys = ['looker', ...agents.map(({ name }) => keyOf(name))]
  const options = (more: Partial<StoreOptions>) => JSON.stringify(more)
  const program = [process.execPath, join(root, 'test/sites/store.ts')]
  const fills = all.map((name) => [name, { count: migrations[name].objects, size: objectBytes }])
  const host = addressOf('north')
  const credentials = Object.fromEntries(keys.map((key) => [key, secret]))
  processes.start(
    'source',
    'north',
    [...program, options({ host, port: 9000, credentials, fills: Object.fromEntries(fills) })],
    {},
    (text) => {
      const line = text.trimEnd().split('\n').at(-1)!
      if (line.startsWith('{')) reads = JSON.parse(line)
    },
  )
  const missing = ground.own ? ['--own was said'] : missingForRadosgw()
  if (missing.length === 0) {
    const env = { BIND: addressOf('south'), S3_KEY: destinationKey, S3_SECRET: secret }
    await processes.run('radosgw', 'south', [radosgwScript, 'start', radosgwDir, '9001'], env)
  } else {
    const it = { host: addressOf('south'), port: 9001, credentials: { [destinationKey]: secret }, fills: {} }
    processes.start('destination', 'south', [...program, options(it)])
  }
  await until('both stores answer', 30_000, async () =>
    (await Promise.all([answers(source), answers(destination)])).every(Boolean),
  )
  const sdk = clientOf(destination, destinationKey)
  for (const name of all) await sdk.send(new CreateBucketCommand({ Bucket: name }))
  return missing.length === 0 ? 'Ceph’s gateway' : `the project’s own server (${missing.join(', ')})`
}

const radosgwDir = join(ground.dir, 'radosgw')
const answers = (url: string) =>
  fetch(url).then(
    (response) => response.arrayBuffer().then(() => true),
    () => false,
  )

const clientOf = (endpoint: string, accessKeyId: string) =>
  new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey: secret },
  })

const dray = (...args: string[]) => [process.execPath, join(root, 'agent/main.ts'), ...args]

async function startPlane() {
  const stateDir = join(ground.dir, 'plane')
  const host = addressOf('north')
  processes.start('plane', 'north', dray('up', '--host', host, '--port', '8686', '--state-dir', stateDir))
  await until('the control plane is up', 30_000, () => processes.said('plane').includes('Dray is up at'))
  const token = readTokens(stateDir)!.operator
  return planeClient({ url: new URL(`http://${host}:8686`), token, workspace: 'local' })
}
type Plane = Awaited<ReturnType<typeof startPlane>>

async function joinAll(plane: Plane): Promise<void> {
  for (const site of ['north', 'south', 'west']) {
    await plane.call(createSite, { body: { id: site } })
    const { token } = await plane.call(createJoinToken, { params: { site }, body: { uses: 2 } })
    // One after the other: the first makes the site's root key.
    for (const agent of agents.filter((one) => one.site === site)) {
      const words = ['--name', agent.name, '--allow', `${source}/*`, '--allow', `${destination}/*`]
      const join = dray('agent', 'join', plane.url.href, ...words, '--state-dir', stateOf(agent.name))
      await processes.run(`join-${agent.name}`, agent.place, join, { DRAY_JOIN_TOKEN: token })
    }
  }
}
const stateOf = (agent: string) => join(ground.dir, agent)

/** Each has credentials of its own at the source, so that the source can tell who reads. */
function startAgent({ name, place }: (typeof agents)[number]) {
  const file = join(ground.dir, `${name}.credentials`)
  const profile = (of: string, key: string) =>
    `[${of}]\naws_access_key_id = ${key}\naws_secret_access_key = ${secret}\n`
  writeFileSync(file, profile('source', keyOf(name)) + profile('destination', destinationKey))
  const env = { AWS_SHARED_CREDENTIALS_FILE: file, AWS_CONFIG_FILE: '/dev/null' }
  const words = ['--concurrency', concurrency, '--threads', '1', '--state-dir', stateOf(name)]
  return processes.start(name, place, dray('agent', 'run', ...words), env)
}

async function begin(plane: Plane): Promise<void> {
  const settings = { region: 'us-east-1' }
  const profile = (name: string) => ({ kind: 'profile', profile: name }) as const
  const at = { ...settings, endpoint: destination, credential: profile('destination') }
  const connections = [
    { id: 'source', ...settings, endpoint: source, credential: profile('source') },
    { id: 'everywhere', ...at, sites: ['north', 'south', 'west'] },
    { id: 'near', ...at, sites: ['north', 'south'] },
    { id: 'far', ...at, sites: ['west'] },
  ]
  for (const body of connections) await plane.call(createConnection, { body })
  for (const name of names) await start(plane, name)
}

async function start(plane: Plane, name: Name): Promise<void> {
  const location = {
    kind: 's3',
    prefix: '',
    endpoint: null,
    region: null,
    profile: null,
    site: null,
  } as const
  const { destination, priority } = migrations[name]
  await plane.call(putMigration, {
    params: { migration: name },
    body: {
      source: { ...location, bucket: name, connection: 'source' },
      destination: { ...location, bucket: name, connection: destination },
      filter: noFilter,
    },
  })
  await plane.call(editMigration, { params: { migration: name }, body: { priority } })
  await plane.startPass(name, defaultPassOptions)
}

const statusOf = (plane: Plane, migration: Name): Promise<PassStatus> =>
  plane.call(readPass, { params: { migration, pass: 1 } })

// ---- what happens

const near = agents.filter(({ site }) => site !== 'west').map(({ name }) => name)

/**
 * Of the agents that had work of both for so many seconds on end: what each got. `wanted`: of the archive. Where little is ready the faster agents
 * get it, so one may have none of a migration for a while: then it reads nothing of it, and tells nothing of shares.
 */
async function holdToShares(length: number, wanted: number, margin: number): Promise<void> {
  const snapshot = () => near.map((agent) => names.map((name) => readBy(agent, name)))
  const samples = [snapshot()]
  const long = length / 2
  const gained = (i: number, j: number, from: number, to: number) =>
    samples[to]![i]![j]! - samples[from]![i]![j]!
  const hadBoth = (i: number) => {
    const last = samples.length - 1
    if (last < long) return false
    const steps = Array.from({ length: long }, (_, back) => last - back)
    return steps.every((at) => names.every((_, j) => gained(i, j, at - 1, at) > 0))
  }
  for (let waited = 0; waited < 2 * length + 20 && !near.some((_, i) => hadBoth(i)); waited += 2) {
    await sleep(2_000)
    samples.push(snapshot())
  }
  const last = samples.length - 1
  const had = near.map((_, i) => hadBoth(i))
  check(`agents had work of both for ${length} s`, had.includes(true), had)
  for (const [i, agent] of near.entries()) {
    if (!had[i]) continue
    const [archive, media] = names.map((_, j) => gained(i, j, last - long, last)) as [number, number]
    const share = archive / (archive + media)
    check(
      `${agent} gave archive its share, ${20 * wanted} of 20`,
      Math.abs(share - wanted) < margin,
      `${archive} to ${media} objects in ${length} s: ${(20 * share).toFixed(1)} of 20`,
    )
  }
}

async function share(plane: Plane): Promise<void> {
  await until('agents of the north and the south work for both', 60_000, () =>
    near.every((agent) => names.every((name) => readBy(agent, name) > 20)),
  )
  await holdToShares(20, 16 / 20, 0.06)
  const give = (priority: 'normal' | 'high') =>
    plane.call(editMigration, { params: { migration: 'media' }, body: { priority } })
  await give('high')
  tell('media is of high priority too')
  await sleep(2_000)
  await holdToShares(8, 10 / 20, 0.1)
  await give('normal')
}

async function revoke(plane: Plane, agent: string, child: ReturnType<typeof startAgent>): Promise<void> {
  const ended = once(child, 'exit')
  const asked = performance.now()
  await plane.call(revokeAgent, { params: { agent } })
  await Promise.race([ended, sleep(10_000)])
  const took = performance.now() - asked
  check(`${agent} was revoked, and ended`, child.exitCode !== null, `after ${took.toFixed(0)} ms`)
  // What the source's last line may not hold yet.
  await sleep(1_200)
  const before = names.map((name) => readBy(agent, name))
  await sleep(3_000)
  const after = names.map((name) => readBy(agent, name))
  check(`${agent} reads nothing any more`, String(before) === String(after), after)
}

/** Cut off for a minute. What it is doing when it is back is looked at by the caller. */
async function cutOff(agent: string, place: string): Promise<void> {
  processes.cut(place, true)
  await sleep(2_000)
  const before = readBy(agent, 'archive')
  await sleep((cutOffSeconds - 4) * 1_000)
  check(
    `${agent}, cut off, gave its leases up by its own clock`,
    processes.said(agent).includes('leases-expired'),
  )
  check(`${agent} read nothing meanwhile`, readBy(agent, 'archive') === before)
  await sleep(2_000)
  processes.cut(place, false)
}

/** What a bucket holds: a digest of its keys, sizes and ETags, by a client that is not Dray. */
async function contentOf(sdk: S3Client, bucket: string): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (let token: string | undefined, more = true; more; ) {
    const page = await sdk.send(new ListObjectsV2Command({ Bucket: bucket, ContinuationToken: token }))
    for (const { Key, Size, ETag } of page.Contents ?? []) found.set(Key!, `${Size} ${ETag}`)
    token = page.NextContinuationToken
    more = token !== undefined
  }
  return found
}

async function holdToTheEnd(plane: Plane): Promise<void> {
  const [from, to] = [clientOf(source, 'looker'), clientOf(destination, destinationKey)]
  for (const name of all) {
    const { state, counts, packets } = await statusOf(plane, name)
    const { listed, same, copied, failed, skipped, vanished } = counts.objects
    const { objects } = migrations[name]
    check(`${name} is complete`, state === 'complete', state)
    check(`${name}: every object is counted once`, listed === objects, `${listed} of ${objects}`)
    check(
      `${name}: each was copied, or found equal where a lost packet was done again`,
      same + copied === objects,
      {
        ...{ same, copied, failed, skipped, vanished },
      },
    )
    check(
      `${name}: no packet is left, and none is parked`,
      packets.ready + packets.leased + packets.parked === 0,
      packets,
    )
    const tiles = await tilesOf(plane, name)
    check(`${name}: its packets tile the key space`, tiles.gaps === 0, tiles)
    const [a, b] = await Promise.all([contentOf(from, name), contentOf(to, name)])
    const differing = [...a].filter(([key, value]) => b.get(key) !== value).length
    check(`${name}: both sides are equal`, differing === 0 && a.size === b.size && a.size === objects, {
      source: a.size,
      destination: b.size,
      differing,
    })
  }
}

async function tilesOf(plane: Plane, migration: Name): Promise<{ packets: number; gaps: number }> {
  let at: string | null = null
  let packets = 0
  let gaps = 0
  for await (const page of plane.pages(listPackets, { params: { migration }, query: { pass: 1 } })) {
    for (const packet of page.packets) {
      if (packet.after !== at) gaps++
      at = packet.through
      packets++
    }
  }
  return { packets, gaps: gaps + (at === null ? 0 : 1) }
}

async function play(): Promise<void> {
  mkdirSync(ground.dir, { recursive: true })
  tell(`the destination is ${await startStores()}`)
  const plane = await startPlane()
  await joinAll(plane)
  tell('six agents have joined three sites')
  await begin(plane)
  const waiting = await until(
    'a migration waits',
    10_000,
    async () => (await statusOf(plane, 'media')).waitsFor,
  )
  check(
    'a migration that no agent reaches says what it waits for',
    String(waiting.sites) === 'north,south',
    waiting.message,
  )
  const running = new Map(agents.map((agent) => [agent.name, startAgent(agent)]))
  await share(plane)

  await revoke(plane, 'south-2', running.get('south-2')!)
  running.get('north-2')!.kill('SIGKILL')
  tell('north-2 was killed')
  await cutOff('west-2', 'west-2')
  tell('west-2 is back')
  // Of archive everything may be leased by now: what is left to it alone shows that it goes on.
  running.get('west-1')!.kill('SIGKILL')
  await start(plane, 'late')
  await until('west-2 goes on', 120_000, () => readBy('west-2', 'late') > 20).then(
    () => check('west-2 goes on', true),
    () => check('west-2 goes on', false, processes.said('west-2').slice(-2_000)),
  )
  await until('all passes end', 180_000, async () =>
    (await Promise.all(all.map((name) => statusOf(plane, name)))).every(({ state }) => state !== 'running'),
  )
  tell('all passes are over')
  await holdToTheEnd(plane)
  for (const agent of ['west-1', 'west-2']) {
    check(`${agent} was given nothing that its site does not reach`, readBy(agent, 'media') === 0)
  }
  const known = new Set(['looker', ...agents.map(({ name }) => keyOf(name))])
  check(
    'nobody else read anything',
    Object.keys(reads).every((key) => known.has(key)),
  )
  tell('objects that each agent read:')
  for (const { name } of agents)
    tell(`  ${name}  ${all.map((one) => `${one} ${readBy(name, one)}`).join(', ')}`)
}

try {
  await play()
} catch (error) {
  failed++
  tell(`FAIL  ${error instanceof Error ? error.stack : error}`)
} finally {
  processes.end()
  const [program = '', ...args] = [...ground.places.south!.enter, radosgwScript, 'stop', radosgwDir]
  await once(spawn(program, args, { stdio: 'ignore' }), 'exit').catch(() => {})
  console.log(`${passed} passed, ${failed} failed`)
  process.exit(failed === 0 ? 0 : 1)
}
