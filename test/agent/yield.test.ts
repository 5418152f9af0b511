import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Agent, type AgentOptions, startAgent } from '../../agent/agent.ts'
import { allowAll } from '../../agent/allow/allow-list.ts'
import { leastBudget } from '../../agent/core/budget.ts'
import { type S3Server, startS3Server } from '../../agent/s3-server/s3-server.ts'
import { type MemoryStorage, memoryStorage } from '../../agent/storage/memory.ts'
import { keyFromText } from '../../shared/key.ts'
import type { PassOptions } from '../../shared/policy.ts'
import type { AgentMessage } from '../../shared/protocol.ts'
import { identityOf } from '../support/identities.ts'
import { type Connection, lease, type ScriptedPlane, startScriptedPlane } from './scripted-plane.ts'
import { bucket, contentOf, many } from './world.ts'

const objects = many(60)
/** Every third is there already. */
const there = objects.filter((_, i) => i % 3 === 0)

let plane: ScriptedPlane
let agent: Agent
let source: MemoryStorage
let destination: MemoryStorage
let stateDir: string

beforeEach(async () => {
  plane = await startScriptedPlane()
  source = memoryStorage(objects)
  destination = memoryStorage(there)
  stateDir = await mkdtemp(join(tmpdir(), 'dray-agent-'))
  agent = await start()
})

const start = async (more: Partial<AgentOptions> = {}) =>
  startAgent({
    url: plane.url,
    identity: await identityOf('agent-1'),
    allow: allowAll,
    stateDir,
    version: 'test',
    concurrency: 8,
    memory: leastBudget,
    openStorage: async (location) =>
      location.kind === 's3' && location.bucket === 'source' ? source : destination,
    log() {},
    ...more,
  })
afterEach(async () => {
  await agent.stop()
  await plane.stop()
  await rm(stateDir, { recursive: true, force: true })
})

/** Holds all that is `op` at a storage until the promise that comes back is told to go on. */
function hold(storage: MemoryStorage, op: 'read' | 'write') {
  const gate = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  storage.faults = {
    before(what) {
      if (what !== op) return
      begun.resolve()
      return gate.promise
    },
  }
  return { begun: begun.promise, open: gate.resolve }
}

type Outcome = Extract<AgentMessage, { t: 'outcome' }>

async function outcomeOf(connection: Connection, id: number): Promise<Outcome> {
  const outcome = await connection.hear('outcome', ({ packet }) => packet === id)
  connection.say({ t: 'ack', seq: outcome.seq, hold: false })
  return outcome
}

/** The outcome of a packet that is asked to yield when its first objects are under way, and of what it left. */
async function yielded(
  kind: 'copy' | 'verify',
  options: Partial<PassOptions>,
  held: ReturnType<typeof hold>,
): Promise<[Outcome, Outcome]> {
  const connection = await plane.connection()
  connection.welcome({ kind, ...options })
  connection.say({ t: 'lease', packets: [lease({ id: 7, kind })] })
  await held.begun
  connection.say({ t: 'please-yield', packet: 7 })
  // Of nothing, and heard of after the request.
  connection.say({ t: 'lease', packets: [lease({ id: 8, kind, after: keyFromText('zzz') })] })
  await outcomeOf(connection, 8)
  held.open()
  const first = await outcomeOf(connection, 7)
  connection.say({ t: 'lease', packets: [lease({ id: 9, kind, after: first.through })] })
  return [first, await outcomeOf(connection, 9)]
}

describe('a packet that is asked to yield', () => {
  it('finishes what it has begun, counts that and no more, and leaves the rest', async () => {
    const [first, rest] = await yielded('copy', {}, hold(destination, 'write'))
    expect(first.through).not.toBe(null)
    const done = objects.filter(([key]) => key <= first.through!)
    expect(first.counts.objects).toMatchObject({
      listed: done.length,
      same: there.filter(([key]) => key <= first.through!).length,
      failed: 0,
    })
    expect(done.length).toBeLessThan(objects.length)
    expect(rest.through).toBe(null)
    expect(first.counts.objects.listed + rest.counts.objects.listed).toBe(objects.length)
    expect(first.counts.objects.copied + rest.counts.objects.copied).toBe(objects.length - there.length)
    expect(contentOf(destination)).toEqual(contentOf(source))
  })

  it('deletes nothing of what it leaves', async () => {
    destination = memoryStorage([...there, ['a-stray', 'x'], ['z-stray', 'x']])
    const [first, rest] = await yielded('copy', { delete: true }, hold(destination, 'write'))
    expect([first.counts.objects.deleted, rest.counts.objects.deleted]).toEqual([1, 1])
    expect(contentOf(destination)).toEqual(contentOf(source))
  })

  it('is the same for a verification', async () => {
    destination = memoryStorage(objects.slice(0, -1))
    const [first, rest] = await yielded('verify', { depth: 'full' }, hold(source, 'read'))
    const [a, b] = [first.counts.objects, rest.counts.objects]
    expect(a.listed).toBe(objects.filter(([key]) => key <= first.through!).length)
    expect([a.same + b.same, a.failed + b.failed]).toEqual([objects.length - 1, 1])
  })
})

describe('a packet in a worker thread that is asked to yield', () => {
  const credentials = { AKIDTEST: 'secret of the test' }
  let stores: S3Server[]
  beforeEach(async () => {
    stores = await Promise.all([startS3Server({ credentials }), startS3Server({ credentials })])
    for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTEST')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', credentials.AKIDTEST)
  })
  afterEach(async () => {
    vi.unstubAllEnvs()
    await agent.stop()
    await Promise.all(stores.map((store) => store.stop()))
  })

  it('ends where it stands, and leaves the rest', async () => {
    const [from, to] = stores as [S3Server, S3Server]
    const count = 200
    from.fill('from', { count, key: (i) => `object-${String(i).padStart(4, '0')}`, size: 100 })
    to.createBucket('to')
    const gate = Promise.withResolvers<null>()
    const begun = Promise.withResolvers<void>()
    to.hooks = {
      beforeRequest({ operation }) {
        if (operation !== 'PutObject') return null
        begun.resolve()
        return gate.promise
      },
    }
    await agent.stop()
    agent = await start({
      concurrency: 32,
      memory: 4 * leastBudget,
      threads: 2,
      threadsAtOnce: true,
      openStorage: undefined as never,
      env: process.env,
    })
    const at = (name: string, { url }: S3Server) => ({ ...bucket(name), endpoint: url.href })
    let connection = await plane.connection()
    // The first is of the agent that was stopped.
    if (connection.socket.readyState !== connection.socket.OPEN) connection = await plane.connection()
    connection.welcome({}, { source: at('from', from), destination: at('to', to) })
    // Opens the pass: threads are given packets once it is.
    connection.say({ t: 'lease', packets: [lease({ id: 6, after: keyFromText('zzz') })] })
    await outcomeOf(connection, 6)
    connection.say({ t: 'lease', packets: [lease({ id: 7 })] })
    await begun.promise
    connection.say({ t: 'please-yield', packet: 7 })
    // It goes to the same thread: the other one has a packet less.
    for (const id of [8, 9])
      connection.say({ t: 'lease', packets: [lease({ id, after: keyFromText('zzz') })] })
    await Promise.all([outcomeOf(connection, 8), outcomeOf(connection, 9)])
    gate.resolve(null)
    const first = await outcomeOf(connection, 7)
    expect(first.through).not.toBe(null)
    connection.say({ t: 'lease', packets: [lease({ id: 10, after: first.through })] })
    const rest = await outcomeOf(connection, 10)
    const [a, b] = [first.counts.objects, rest.counts.objects]
    expect(a.copied).toBe(a.listed)
    expect(a.listed + b.listed).toBe(count)
    expect([...to.objects('to')]).toHaveLength(count)
  })
})
