import { EventEmitter } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Agent, startAgent } from '../../agent/agent.ts'
import { allowAll } from '../../agent/allow/allow-list.ts'
import { leastBudget } from '../../agent/core/budget.ts'
import { type MemoryStorage, memoryStorage } from '../../agent/storage/memory.ts'
import { DrayError } from '../../shared/error.ts'
import { keyFromText } from '../../shared/key.ts'
import { defaultPassOptions } from '../../shared/policy.ts'
import { identityOf } from '../support/identities.ts'
import { lease, type ScriptedPlane, startScriptedPlane } from './scripted-plane.ts'
import { type LogEvent, many } from './world.ts'

let plane: ScriptedPlane
let agent: Agent
let source: MemoryStorage
let destination: MemoryStorage
let stateDir: string
let log: EventEmitter
let events: LogEvent[]

beforeEach(async () => {
  plane = await startScriptedPlane()
  source = memoryStorage(many(10))
  destination = memoryStorage()
  stateDir = await mkdtemp(join(tmpdir(), 'dray-agent-'))
  log = new EventEmitter()
  events = []
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
    log(event) {
      events.push(event)
      log.emit(event.event, event)
    },
  })
})
afterEach(async () => {
  await agent.stop()
  await plane.stop()
  await rm(stateDir, { recursive: true, force: true })
})

const logged = (event: string) => new Promise<LogEvent>((resolve) => log.once(event, resolve))

/** Holds every write at the destination until the promise that comes back is told to go on. */
function holdWrites() {
  const gate = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  destination.faults = {
    before(op) {
      if (op !== 'write') return
      begun.resolve()
      return gate.promise
    },
  }
  return { begun: begun.promise, open: gate.resolve }
}

const held = (...ids: number[]) => ids.map((packet) => ({ packet, generation: 1 }))

describe('a session with a migration', () => {
  it('says hello, and asks for packets once it is welcome', async () => {
    const first = await plane.connection()
    expect(await first.hear('hello')).toMatchObject({ held: [] })
    expect(first.said).toHaveLength(1)
    first.welcome()
    expect(await first.hear('free')).toMatchObject({ n: 2 })
    expect(await first.hear('heartbeat')).toMatchObject({ held: [], inFlight: { objects: 0, bytes: 0 } })
  })

  it('tells an outcome again, after a reconnect, until it is answered', async () => {
    const first = await plane.connection()
    first.welcome()
    first.say({ t: 'lease', packets: [lease({ id: 7 })] })
    const told = await first.hear('outcome')
    expect(told).toMatchObject({
      packet: 7,
      generation: 1,
      through: null,
      counts: { objects: { copied: 10 } },
    })
    first.socket.terminate()

    const second = await plane.connection()
    expect(await second.hear('hello')).toMatchObject({ held: held(7) })
    second.welcome()
    expect(await second.hear('outcome')).toEqual(told)
    second.say({ t: 'ack', seq: told.seq, hold: false })
    await second.hear('heartbeat', ({ held }) => held.length === 0)
    second.socket.terminate()

    const third = await plane.connection()
    expect(await third.hear('hello')).toMatchObject({ held: [] })
    third.welcome()
    await third.hear('heartbeat')
    expect(third.said.filter(({ t }) => t === 'outcome')).toEqual([])
  })

  it('forgets a packet whose outcome is refused as stale', async () => {
    const first = await plane.connection()
    first.welcome()
    first.say({ t: 'lease', packets: [lease({ id: 7 })] })
    const { seq } = await first.hear('outcome')
    first.say({ t: 'refused', seq, code: 'stale', message: 'the lease has ended' })
    await first.hear('heartbeat', ({ held }) => held.length === 0)
    await first.hear('free', ({ n }) => n === 2)
  })

  it.each(['drop', 'lost'] as const)(
    'aborts a packet that the plane has taken back (%s), and says no more of it',
    async (how) => {
      const writes = holdWrites()
      const first = await plane.connection()
      first.welcome()
      first.say({ t: 'lease', packets: [lease({ id: 7 })] })
      await writes.begun
      let now = first
      if (how === 'drop') {
        first.say({ t: 'drop', held: held(7) })
      } else {
        first.socket.terminate()
        now = await plane.connection()
        await now.hear('hello')
        now.welcome({}, { lost: held(7) })
      }
      await now.hear('heartbeat', ({ held }) => held.length === 0)
      writes.open()
      now.say({ t: 'lease', packets: [lease({ id: 8, generation: 2 })] })
      await now.hear('outcome', ({ packet }) => packet === 8)
      expect(now.said.filter((message) => message.t === 'outcome' && message.packet === 7)).toEqual([])
    },
  )

  it('aborts its packets when it could not speak for as long as a lease lasts, and gives them back', async () => {
    const writes = holdWrites()
    const first = await plane.connection()
    first.welcome({}, { leaseMs: 200 })
    first.say({ t: 'lease', packets: [lease({ id: 7 })] })
    await writes.begun
    const expired = logged('leases-expired')
    plane.refuseWith(503)
    first.socket.terminate()
    expect(await expired).toMatchObject({ packets: 1 })
    plane.refuseWith(null)
    const second = await plane.connection()
    expect(await second.hear('hello')).toMatchObject({ held: [] })
    second.welcome()
    expect(await second.hear('release')).toMatchObject({ held: held(7) })
  })

  it('starts again for another pass', async () => {
    const first = await plane.connection()
    first.welcome()
    first.say({ t: 'lease', packets: [lease({ id: 1 })] })
    const { seq } = await first.hear('outcome')
    first.say({ t: 'ack', seq, hold: false })
    first.say({ t: 'end', pass: 1, state: 'complete' })
    await first.closed
    plane.assign(['m'])
    const second = await plane.connection()
    second.welcome(
      {},
      { pass: { number: 2, options: { ...defaultPassOptions, kind: 'verify' }, startedAt: 0 } },
    )
    second.say({ t: 'lease', packets: [lease({ id: 2, kind: 'verify' })] })
    const verified = await second.hear('outcome')
    expect(verified.counts.objects).toMatchObject({ same: 10, copied: 0 })
    expect(verified.seq).toBeGreaterThan(seq)
  })

  it('ends when the migration is no longer assigned', async () => {
    const first = await plane.connection()
    first.welcome()
    await first.hear('free', ({ n }) => n > 0)
    plane.assign([])
    await first.closed
  })
})

describe('a survey', () => {
  const through = (n: number) => keyFromText(`object-${String(n).padStart(4, '0')}`)

  it('is told in pieces that tile its range', async () => {
    source = memoryStorage(many(2500))
    const first = await plane.connection()
    first.welcome()
    first.say({ t: 'lease', packets: [lease({ id: 1, kind: 'survey' })] })
    const cut = await first.hear('cut')
    expect(cut).toMatchObject({ packet: 1, from: null })
    first.say({ t: 'ack', seq: cut.seq, hold: false })
    const rest = await first.hear('cut', ({ seq }) => seq > cut.seq)
    expect(rest.from).toBe(cut.cuts.at(-1)!.through)
    expect(rest.cuts.at(-1)!.through).toBe(null)
    const work = [...cut.cuts, ...rest.cuts].map((piece) => piece.work.objects)
    expect(work).toEqual([1000, 1000, 500])
    first.say({ t: 'ack', seq: rest.seq, hold: false })
    await first.hear('heartbeat', ({ held }) => held.length === 0)
  })

  it('waits where it is asked to, and takes no place while it does', async () => {
    source = memoryStorage(many(3500))
    const first = await plane.connection()
    first.welcome()
    await first.hear('free', ({ n }) => n === 2)
    first.say({ t: 'lease', packets: [lease({ id: 1, kind: 'survey' })] })
    const cut = await first.hear('cut')
    first.say({ t: 'ack', seq: cut.seq, hold: true })
    // Its place is free again.
    await first.hear('free', (free) => free.n === 2 && first.said.indexOf(free) > first.said.indexOf(cut))
    expect(first.said.filter(({ t }) => t === 'cut')).toHaveLength(1)
    first.say({ t: 'proceed', packet: 1 })
    await first.hear('cut', ({ seq }) => seq > cut.seq)
  })

  it('goes on by itself after a reconnect, in case `proceed` was said meanwhile', async () => {
    source = memoryStorage(many(3500))
    const first = await plane.connection()
    first.welcome()
    first.say({ t: 'lease', packets: [lease({ id: 1, kind: 'survey' })] })
    const cut = await first.hear('cut')
    first.say({ t: 'ack', seq: cut.seq, hold: true })
    // Not `terminate`, which may overtake the answer; the cut would then come again, as it should.
    first.socket.close()
    const second = await plane.connection()
    second.welcome()
    expect(await second.hear('cut')).toMatchObject({ from: cut.cuts.at(-1)!.through })
  })

  it('gives the upper part of its range away, and ends where that begins', async () => {
    source = memoryStorage(many(9000))
    const gate = Promise.withResolvers<void>()
    const given = Promise.withResolvers<void>()
    source.faults = {
      async page(entries, number) {
        if (number === 1) await gate.promise
        if (number === 2) await given.promise
        return entries
      },
    }
    const first = await plane.connection()
    first.welcome()
    first.say({ t: 'lease', packets: [lease({ id: 1, kind: 'survey' })] })
    const begun = await first.hear('cut')
    first.say({ t: 'please-split', packet: 1, parts: 2 })
    first.say({ t: 'ack', seq: begun.seq, hold: true })
    await first.hear('free', (free) => first.said.indexOf(free) > first.said.indexOf(begun))
    first.say({ t: 'proceed', packet: 1 })
    gate.resolve()
    const split = await first.hear('split')
    expect(split.at > through(1000)).toBe(true)
    first.say({ t: 'ack', seq: split.seq, hold: false })
    given.resolve()
    for (let last = begun.seq; ; ) {
      const cut = await first.hear('cut', ({ seq }) => seq > last)
      last = cut.seq
      first.say({ t: 'ack', seq: cut.seq, hold: false })
      if (cut.cuts.at(-1)!.through === split.at) break
    }
    await first.hear('heartbeat', ({ held }) => held.length === 0)
  })

  it('is given up where a cut is refused as stale', async () => {
    source = memoryStorage(many(2500))
    const first = await plane.connection()
    first.welcome()
    first.say({ t: 'lease', packets: [lease({ id: 1, kind: 'survey' })] })
    const { seq } = await first.hear('cut')
    first.say({ t: 'refused', seq, code: 'stale', message: 'the lease has ended' })
    await first.hear('free', ({ n }) => n === 2)
    expect(first.said.filter(({ t }) => t === 'cut' || t === 'failed')).toHaveLength(1)
  })
})

describe('a packet', () => {
  it('hands back the rest of a range that has grown', async () => {
    source = memoryStorage(many(5000))
    const first = await plane.connection()
    first.welcome()
    first.say({ t: 'lease', packets: [lease({ id: 1 })] })
    const outcome = await first.hear('outcome')
    expect(outcome.counts.objects.copied).toBe(2000)
    expect(outcome.through).toBe('object-1999')
    expect(destination.objects.size).toBe(2000)
  })

  it('that was leased before is listed afresh', async () => {
    const fresh: boolean[] = []
    const list = source.list
    source.list = (range, options) => {
      fresh.push(options.fresh === true)
      return list(range, options)
    }
    const first = await plane.connection()
    first.welcome()
    first.say({ t: 'lease', packets: [lease({ id: 1 })] })
    await first.hear('outcome')
    first.say({ t: 'lease', packets: [lease({ id: 2, generation: 3, attempt: 3 })] })
    await first.hear('outcome', ({ packet }) => packet === 2)
    expect(fresh).toEqual([false, true])
  })

  it('deletes nothing where the listing of the source breaks off', async () => {
    source = memoryStorage(many(10), { pageSize: 5 })
    destination = memoryStorage([...many(10), ['a', 'only here'], ['zzz', 'only here']])
    source.faults = {
      page(entries, number) {
        if (number === 0) return entries
        throw new DrayError('access-denied', 'list', 'No.')
      },
    }
    const first = await plane.connection()
    first.welcome({ delete: true })
    first.say({ t: 'lease', packets: [lease({ id: 1 })] })
    expect(await first.hear('failed')).toMatchObject({ error: { code: 'access-denied', retry: 'never' } })
    expect(destination.requests.delete).toBe(0)
  })

  it('fails as a whole where its range cannot be listed', async () => {
    source.faults = {
      page() {
        throw new Error('a defect')
      },
    }
    const first = await plane.connection()
    first.welcome()
    first.say({ t: 'lease', packets: [lease({ id: 1 })] })
    expect(await first.hear('failed')).toMatchObject({
      packet: 1,
      error: { code: 'internal', retry: 'later' },
    })
  })
})

describe('a plane that says what nobody understands', () => {
  it('is left, and tried again', async () => {
    const first = await plane.connection()
    const said = logged('not-understood')
    first.socket.send('{"t":"nonsense"}')
    expect(await said).toMatchObject({ level: 'error', line: 'm' })
    expect(await first.closed).toBe(1008)
    const second = await plane.connection()
    second.welcome()
    await second.hear('free', ({ n }) => n > 0)
    expect(JSON.stringify(events)).not.toContain('secret-token')
  })

  it('does not get the same message for ever, where it is what the agent says', async () => {
    const first = await plane.connection()
    first.welcome()
    first.say({ t: 'lease', packets: [lease({ id: 7 })] })
    await first.hear('outcome')
    const rejected = logged('rejected')
    first.socket.close(1011, 'failed')
    const second = await plane.connection()
    second.welcome()
    await second.hear('outcome')
    second.socket.close(1009, 'too big')
    await rejected
    expect(events.filter(({ event }) => event === 'rejected')).toHaveLength(1)
  })
})
