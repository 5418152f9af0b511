import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Agent, startAgent } from '../../agent/agent.ts'
import { allowAll } from '../../agent/allow/allow-list.ts'
import { leastBudget } from '../../agent/core/budget.ts'
import { type MemoryStorage, memoryStorage } from '../../agent/storage/memory.ts'
import { keyFromText } from '../../shared/key.ts'
import type { PassOptions } from '../../shared/policy.ts'
import type { AgentMessage } from '../../shared/protocol.ts'
import { identityOf } from '../support/identities.ts'
import { type Connection, lease, type ScriptedPlane, startScriptedPlane } from './scripted-plane.ts'
import { contentOf, many } from './world.ts'

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
  agent = startAgent({
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
  })
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
