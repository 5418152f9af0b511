import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Migration } from '../../../control-plane/migration.ts'
import type { PassStatus } from '../../../shared/api/migrations.ts'
import { closeCodes } from '../../../shared/protocol.ts'
import { cutOf, heldOf, outcomeOf } from '../../support/scripted-agent.ts'
import { begin, json, passTime, prepare, toMigration } from './inside.ts'

/** For what is told in the background: as long as it takes, on a busy machine too. */
const eventually = <T>(check: () => T | Promise<T>) => vi.waitFor(check, { timeout: 15_000, interval: 5 })

beforeAll(prepare)
afterEach(() => void vi.useRealTimers())

const status = async (id: string, pass = 1) =>
  (await json<PassStatus>('GET', `/api/workspaces/local/migrations/${id}/passes/${pass}`)).body

/** A pass of `n` packets that are ready, surveyed by an agent that has left. */
async function withPackets(id: string, n: number, options = {}) {
  const object = await begin(id, options)
  const surveyor = await toMigration(id, 'surveyor')
  await surveyor.hello('surveyor')
  const [survey] = await surveyor.lease()
  const ends = Array.from({ length: n }, (_, i) => (i === n - 1 ? null : `k${String(i).padStart(6, '0')}`))
  await surveyor.ask(cutOf(survey!, null, ends))
  surveyor.close()
  await surveyor.closed
  return object
}

describe('a pass', () => {
  it('goes from its survey to its end with one agent', async () => {
    await begin('whole')
    const agent = await toMigration('whole')
    const welcome = await agent.hello('a')
    expect(welcome).toMatchObject({
      migration: 'whole',
      pass: { number: 1 },
      leaseMs: 15_000,
      heartbeatMs: 5_000,
      lost: [],
    })
    const [survey] = await agent.lease()
    expect(survey).toMatchObject({ kind: 'survey', after: null, through: null, attempt: 1, generation: 1 })
    expect(await agent.ask(cutOf(survey!, null, ['m', null]))).toMatchObject({ t: 'ack', hold: false })
    const packets = await agent.lease(2)
    expect(packets.map(({ kind, after, through, work }) => ({ kind, after, through, work }))).toEqual([
      { kind: 'copy', after: null, through: 'm', work: { objects: 2, bytes: 20 } },
      { kind: 'copy', after: 'm', through: null, work: { objects: 2, bytes: 20 } },
    ])
    agent.heartbeat(heldOf(packets), 3)
    await agent.settled()
    expect(await status('whole')).toMatchObject({
      inFlight: { objects: 3, bytes: 30 },
      agents: 1,
      surveying: false,
    })
    await agent.ask(outcomeOf(packets[0]!))
    // Or progress would count it twice until the next heartbeat.
    expect(await status('whole')).toMatchObject({
      counts: { objects: { listed: 2 }, bytes: { copied: 20 } },
      inFlight: { objects: 1, bytes: 10 },
    })
    await agent.ask(outcomeOf(packets[1]!))
    expect(await agent.next('end')).toMatchObject({ pass: 1, state: 'complete' })
    expect((await agent.closed).code).toBe(closeCodes.over)
    expect(await status('whole')).toMatchObject({
      state: 'complete',
      counts: { objects: { listed: 4, copied: 4 }, bytes: { copied: 40 }, evidence: { 'store-verified': 4 } },
      expected: { objects: 4, bytes: 40 },
      packets: { ready: 0, leased: 0, done: 3, parked: 0, settled: 0 },
    })
  })

  it('keeps keys of any bytes', async () => {
    const keys = ['', '\x00', '\x00\x00a', 'a\x00b', '\x7f', '\x80\xff', '\xff\xff']
    const object = await begin('bytes')
    const agent = await toMigration('bytes')
    await agent.hello('a')
    const [survey] = await agent.lease()
    await agent.ask(cutOf(survey!, null, [...keys, null]))
    await evictDurableObject(object)
    const packets = await agent.lease(keys.length + 1)
    expect(packets.map(({ through }) => through)).toEqual([...keys, null])
    const { body } = await json<{ packets: { after: string | null }[] }>(
      'GET',
      '/api/workspaces/local/migrations/bytes/packets',
    )
    expect(body.packets.map(({ after }) => after)).toEqual([
      null,
      '',
      '%00',
      '%00%00a',
      'a%00b',
      '%7F',
      '%80%FF',
      '%FF%FF',
    ])
  })

  it('writes three rows a packet, and one more a transaction', async () => {
    const object = await begin('rows')
    const told = (_: Migration, state: DurableObjectState) =>
      state.storage.sql.exec('SELECT told FROM pass').one().told
    await eventually(async () => expect(await runInDurableObject(object, told)).toBe(1))
    let before = await object.rowsWritten()
    const since = async () => {
      const now = await object.rowsWritten()
      const written = now - before
      before = now
      return written
    }
    const agent = await toMigration('rows')
    await agent.hello('a')
    expect(await since()).toBe(1 + 1) // its session, and that it came
    const [survey] = await agent.lease()
    expect(await since()).toBe(1 + 1)
    await agent.ask(cutOf(survey!, null, [...Array.from({ length: 99 }, (_, i) => `k${100 + i}`), null]))
    expect(await since()).toBe(1 + 100 + 1) // the survey, its pieces, the counters
    const packets = await agent.lease(100)
    expect(await since()).toBe(100 + 1)
    for (const packet of packets.slice(0, 50)) await agent.ask(outcomeOf(packet))
    expect(await since()).toBe(50 * 2)
    agent.heartbeat(heldOf(packets.slice(50)))
    await agent.settled()
    expect(await since()).toBe(0)
  })

  it('counts a replayed outcome once, also after its end of memory', async () => {
    const object = await withPackets('replay', 3)
    const agent = await toMigration('replay')
    await agent.hello('a')
    const [packet] = await agent.lease()
    expect((await agent.ask(outcomeOf(packet!))).t).toBe('ack')
    expect((await agent.ask(outcomeOf(packet!))).t).toBe('ack')
    await evictDurableObject(object)
    expect((await agent.ask(outcomeOf(packet!))).t).toBe('ack')
    expect((await status('replay')).counts.objects.listed).toBe(2)
  })

  it('refuses what a lease of an earlier, cancelled pass says, and counts none of it', async () => {
    await withPackets('cancelled', 2)
    const agent = await toMigration('cancelled')
    await agent.hello('a')
    const [packet] = await agent.lease()
    const cancelled = await json<PassStatus>(
      'POST',
      '/api/workspaces/local/migrations/cancelled/passes/1/cancel',
    )
    expect(cancelled.body).toMatchObject({ state: 'cancelled', packets: { ready: 2, leased: 0 } })
    expect(await agent.next('end')).toMatchObject({ state: 'cancelled' })
    await json('POST', '/api/workspaces/local/migrations/cancelled/passes', {})
    const again = await toMigration('cancelled')
    expect((await again.hello('a', 'a-1', heldOf([packet!]))).lost).toEqual(heldOf([packet!]))
    expect(await again.ask(outcomeOf(packet!))).toMatchObject({ t: 'refused', code: 'stale' })
    expect((await status('cancelled', 2)).counts.objects.listed).toBe(0)
  })

  it('begins where the earlier one ended, in sixteen places', async () => {
    await withPackets('again', 400)
    const agent = await toMigration('again')
    await agent.hello('a')
    for (let left = 400; left > 0; left -= 100) {
      await Promise.all((await agent.lease(100)).map((packet) => agent.ask(outcomeOf(packet))))
    }
    await agent.next('end')
    const started = await json<{ pass: PassStatus }>(
      'POST',
      '/api/workspaces/local/migrations/again/passes',
      {},
    )
    expect(started.body.pass).toMatchObject({ number: 2, packets: { ready: 16 } })
  })
})

describe('a lease', () => {
  it('goes back in the queue when its session is silent for too long', async () => {
    const object = await withPackets('silent', 1)
    const silent = await toMigration('silent', 'silent')
    await silent.hello('silent')
    const [first] = await silent.lease()
    passTime(14_000)
    await runDurableObjectAlarm(object)
    expect((await status('silent')).packets.leased).toBe(1)
    passTime(2_000)
    await runDurableObjectAlarm(object)
    expect((await silent.next('drop')).held).toEqual(heldOf([first!]))
    const other = await toMigration('silent', 'other')
    await other.hello('other')
    const [second] = await other.lease()
    expect(second).toMatchObject({ id: first!.id, generation: 2, attempt: 2 })
    expect(await silent.ask(outcomeOf(first!))).toMatchObject({ t: 'refused', code: 'stale' })
    expect((await other.ask(outcomeOf(second!))).t).toBe('ack')
    expect(await status('silent')).toMatchObject({ state: 'complete', counts: { objects: { listed: 2 } } })
  })

  it('is not granted to an agent that lost one by silence, until it speaks again', async () => {
    const object = await withPackets('mute', 1)
    const mute = await toMigration('mute', 'mute')
    await mute.hello('mute')
    mute.free(5)
    await mute.next('lease')
    passTime(16_000)
    await runDurableObjectAlarm(object)
    await mute.next('drop')
    expect((await status('mute')).packets).toMatchObject({ ready: 1, leased: 0 })
    // Its free slots were not forgotten: it has no reason to name them again.
    mute.heartbeat([])
    expect((await mute.next('lease')).packets).toMatchObject([{ attempt: 2 }])
  })

  it('is whole for an agent that had nothing to say while it had nothing to do', async () => {
    const object = await begin('quiet')
    const [surveyor, quiet] = await Promise.all([
      toMigration('quiet', 'surveyor'),
      toMigration('quiet', 'quiet'),
    ])
    await surveyor.hello('surveyor')
    await quiet.hello('quiet')
    const [survey] = await surveyor.lease()
    quiet.free(1)
    await quiet.settled()
    passTime(10_000)
    surveyor.heartbeat(heldOf([survey!]))
    await surveyor.settled()
    passTime(10_000)
    await surveyor.ask(cutOf(survey!, null, ['a']))
    await quiet.next('lease')
    passTime(14_000)
    surveyor.heartbeat(heldOf([survey!]))
    await surveyor.settled()
    await runDurableObjectAlarm(object)
    expect((await status('quiet')).packets.leased).toBe(2)
  })

  it('is kept by heartbeats alone', async () => {
    const object = await withPackets('beats', 1)
    const agent = await toMigration('beats')
    await agent.hello('a')
    const packets = await agent.lease()
    for (let i = 0; i < 5; i++) {
      passTime(10_000)
      agent.heartbeat(heldOf(packets))
      await agent.settled()
      await runDurableObjectAlarm(object)
    }
    expect((await agent.ask(outcomeOf(packets[0]!))).t).toBe('ack')
  })

  it('is not renewed by another session’s heartbeats', async () => {
    const object = await withPackets('foreign', 1)
    const [holder, other] = await Promise.all([
      toMigration('foreign', 'holder'),
      toMigration('foreign', 'other'),
    ])
    await holder.hello('holder')
    const packets = await holder.lease()
    await other.hello('other')
    passTime(16_000)
    other.heartbeat(heldOf(packets))
    expect((await other.next('drop')).held).toEqual(heldOf(packets))
    await runDurableObjectAlarm(object)
    expect((await holder.next('drop')).held).toEqual(heldOf(packets))
  })

  it('goes back when a heartbeat has not named it for a whole lease', async () => {
    await withPackets('unnamed', 1)
    const agent = await toMigration('unnamed')
    await agent.hello('a')
    await agent.lease()
    agent.heartbeat([])
    await agent.settled()
    expect((await status('unnamed')).packets.leased).toBe(1)
    passTime(10_000)
    agent.heartbeat([])
    await agent.settled()
    passTime(6_000)
    agent.heartbeat([])
    await agent.settled()
    expect((await status('unnamed')).packets).toMatchObject({ leased: 0, ready: 1 })
  })

  it('is given back by a release, at once and to anybody', async () => {
    await withPackets('release', 1)
    const [a, b] = await Promise.all([toMigration('release'), toMigration('release', 'b')])
    await a.hello('a')
    await b.hello('b')
    const packets = await a.lease()
    b.free(1)
    await a.ask({ t: 'release', held: heldOf(packets) })
    expect((await b.next('lease')).packets).toMatchObject([{ id: packets[0]!.id, attempt: 2 }])
  })

  it('outlives its socket for as long as its session may be silent', async () => {
    const object = await withPackets('reconnect', 2)
    const agent = await toMigration('reconnect')
    await agent.hello('a')
    const packets = await agent.lease(2)
    agent.close()
    await agent.closed
    passTime(10_000)
    await runDurableObjectAlarm(object)
    const again = await toMigration('reconnect')
    // One of the two leases never arrived, and a third is of long ago.
    const stranger = { packet: 9_999, generation: 4 }
    const welcome = await again.hello('a', 'a-1', [...heldOf(packets.slice(0, 1)), stranger])
    expect(welcome.lost).toEqual([stranger])
    expect((await status('reconnect')).packets).toMatchObject({ leased: 1, ready: 1 })
    expect((await again.ask(outcomeOf(packets[0]!))).t).toBe('ack')
  })

  it('passes at once to the next session of the same agent, and the older one stays away', async () => {
    await withPackets('supersede', 1)
    const old = await toMigration('supersede')
    await old.hello('a', 'a-1')
    const [first] = await old.lease()
    const young = await toMigration('supersede')
    await young.hello('a', 'a-2')
    expect((await old.closed).code).toBe(closeCodes.superseded)
    const [second] = await young.lease()
    expect(second).toMatchObject({ id: first!.id, generation: 2 })
    const back = await toMigration('supersede')
    await expect(back.hello('a', 'a-1', heldOf([first!]))).rejects.toThrow(String(closeCodes.superseded))
    expect((await young.ask(outcomeOf(second!))).t).toBe('ack')
  })
})

describe('a failed packet', () => {
  const unreachable = {
    code: 'unreachable',
    op: 'LIST',
    message: 'no route',
    retry: 'later',
    hint: null,
  } as const

  it('is tried again after a pause, and parked after five attempts', async () => {
    const object = await withPackets('parked', 1)
    const agent = await toMigration('parked')
    await agent.hello('a')
    for (let attempt = 1; attempt <= 5; attempt++) {
      const [packet] = await agent.lease()
      expect(packet!.attempt).toBe(attempt)
      await agent.ask({ t: 'failed', packet: packet!.id, generation: packet!.generation, error: unreachable })
      if (attempt === 5) break
      expect(await status('parked')).toMatchObject({
        packets: { ready: 1 },
        errors: [{ error: { code: 'unreachable' }, packets: 1, parked: 0 }],
      })
      passTime(60_000)
      await runDurableObjectAlarm(object)
    }
    expect(await agent.next('end')).toMatchObject({ state: 'incomplete' })
    expect(await status('parked')).toMatchObject({
      state: 'incomplete',
      packets: { parked: 1 },
      errors: [{ error: unreachable, packets: 1, parked: 1 }],
    })
  })

  it('does not keep others from being leased while it waits', async () => {
    await withPackets('waiting', 2)
    const agent = await toMigration('waiting')
    await agent.hello('a')
    const [first] = await agent.lease()
    await agent.ask({ t: 'failed', packet: first!.id, generation: 1, error: unreachable })
    const [second] = await agent.lease()
    expect(second!.id).not.toBe(first!.id)
  })

  it('goes to another agent where this one may not touch it, and is parked when none may', async () => {
    const object = await withPackets('denied', 1)
    const [a, b] = await Promise.all([toMigration('denied', 'a'), toMigration('denied', 'b')])
    await a.hello('a')
    await b.hello('b')
    const denied = { ...unreachable, code: 'access-denied', retry: 'never' } as const
    const [first] = await a.lease()
    await a.ask({ t: 'failed', packet: first!.id, generation: 1, error: denied })
    expect(await status('denied')).toMatchObject({ packets: { ready: 1, parked: 0 } })
    // It rests for longer than the packet waits.
    a.free(1)
    await a.settled()
    passTime(2_500)
    await runDurableObjectAlarm(object)
    const [second] = await b.lease()
    expect(second).toMatchObject({ id: first!.id, generation: 2 })
    await b.ask({ t: 'failed', packet: second!.id, generation: 2, error: denied })
    expect(await b.next('end')).toMatchObject({ state: 'incomplete' })
  })
})

describe('a survey', () => {
  it('is held when it is far ahead, and goes on when half is done', async () => {
    await begin('ahead')
    const [surveyor, worker] = await Promise.all([toMigration('ahead', 's'), toMigration('ahead', 'w')])
    await surveyor.hello('s')
    await worker.hello('w')
    const [survey] = await surveyor.lease()
    const ends = (from: number, n: number) =>
      Array.from({ length: n }, (_, i) => `k${String(from + i).padStart(6, '0')}`)
    await surveyor.ask(cutOf(survey!, null, ends(0, 1_500)))
    const packets = await worker.lease(600)
    await surveyor.ask(cutOf(survey!, 'k001499', ends(1_500, 1_000)))
    expect(await surveyor.ask(cutOf(survey!, 'k002499', ends(2_500, 1_000)))).toMatchObject({ hold: true })
    expect(surveyor.inbox).toEqual([])
    for (let left = 2_900; left >= 1_000; left -= packets.length) {
      await Promise.all(packets.map((packet) => worker.ask(outcomeOf(packet))))
      packets.splice(0, packets.length, ...(await worker.lease(500)))
    }
    expect(await surveyor.next('proceed')).toEqual({ t: 'proceed', packet: survey!.id })
  })

  it('is not held for ever when nobody works any more', async () => {
    const object = await begin('alone')
    const surveyor = await toMigration('alone', 's')
    await surveyor.hello('s')
    const [survey] = await surveyor.lease()
    const worker = await toMigration('alone', 'w')
    await worker.hello('w')
    const ends = Array.from({ length: 2_500 }, (_, i) => `k${String(i).padStart(6, '0')}`)
    await surveyor.ask(cutOf(survey!, null, ends.slice(0, 10)))
    await worker.lease(1)
    expect(await surveyor.ask(cutOf(survey!, ends[9]!, ends.slice(10)))).toMatchObject({ hold: true })
    surveyor.heartbeat(heldOf([survey!]))
    passTime(10_000)
    surveyor.heartbeat(heldOf([survey!]))
    await surveyor.settled()
    passTime(6_000)
    await runDurableObjectAlarm(object)
    expect(await surveyor.next('proceed')).toEqual({ t: 'proceed', packet: survey!.id })
  })

  it('is asked for a part of its range when others are idle', async () => {
    await begin('idle')
    const [surveyor, idle] = await Promise.all([toMigration('idle', 's'), toMigration('idle', 'i')])
    await surveyor.hello('s')
    await idle.hello('i')
    const [survey] = await surveyor.lease()
    idle.free(2)
    await idle.settled()
    expect(surveyor.inbox).toEqual([])
    passTime(1_500)
    surveyor.heartbeat(heldOf([survey!]))
    expect(await surveyor.next('please-split')).toEqual({ t: 'please-split', packet: survey!.id, parts: 3 })
    surveyor.heartbeat(heldOf([survey!]))
    await surveyor.settled()
    expect(surveyor.inbox).toEqual([])
    await surveyor.ask({ t: 'split', packet: survey!.id, generation: 1, at: 'm' as never })
    expect((await idle.next('lease')).packets).toMatchObject([{ kind: 'survey', after: 'm', through: null }])
  })

  it('gives its packets to its own agent, and to another only where that one is full', async () => {
    await begin('prefer')
    const [surveyor, other] = await Promise.all([toMigration('prefer', 's'), toMigration('prefer', 'o')])
    await surveyor.hello('s')
    await other.hello('o')
    const [survey] = await surveyor.lease()
    surveyor.free(1)
    other.free(2)
    await surveyor.ask(cutOf(survey!, null, ['a', 'b', null]))
    expect((await surveyor.next('lease')).packets).toMatchObject([{ through: 'a' }])
    expect((await other.next('lease')).packets).toMatchObject([{ through: 'b' }, { through: null }])
  })
})

describe('an object that sleeps or dies', () => {
  it('goes on with its sockets and their free slots after sleep', async () => {
    const object = await withPackets('sleep', 3)
    const agent = await toMigration('sleep')
    await agent.hello('a')
    const packets = await agent.lease(2)
    agent.free(1)
    await agent.next('lease')
    agent.free(1)
    await agent.settled()
    await evictDurableObject(object)
    expect((await agent.ask({ t: 'release', held: heldOf(packets.slice(0, 1)) })).t).toBe('ack')
    // The slot that was free before the sleep takes what was given back.
    expect((await agent.next('lease')).packets).toMatchObject([{ id: packets[0]!.id, generation: 2 }])
    expect(await status('sleep')).toMatchObject({ agents: 1, packets: { leased: 3 } })
  })

  it('sends a held survey on after sleep, since nobody knows any more who was held', async () => {
    const object = await begin('forgotten')
    const agent = await toMigration('forgotten')
    await agent.hello('a')
    const [survey] = await agent.lease()
    await evictDurableObject(object)
    agent.heartbeat(heldOf([survey!]))
    expect(await agent.next('proceed')).toEqual({ t: 'proceed', packet: survey!.id })
  })

  it('grants every lease one whole lease of grace after it comes back', async () => {
    const object = await withPackets('grace', 1)
    const agent = await toMigration('grace')
    await agent.hello('a')
    const packets = await agent.lease()
    await evictDurableObject(object, { webSockets: 'close' })
    await agent.closed
    passTime(60_000)
    await runDurableObjectAlarm(object)
    const back = await toMigration('grace')
    expect((await back.hello('a', 'a-1', heldOf(packets))).lost).toEqual([])
    expect((await back.ask(outcomeOf(packets[0]!))).t).toBe('ack')
  })

  it('answers pings without waking', async () => {
    const object = await begin('ping')
    const agent = await toMigration('ping')
    await agent.hello('a')
    await evictDurableObject(object)
    agent.raw('ping')
    await agent.settled()
    expect(await runInDurableObject(object, (_: Migration, state) => state.getWebSockets().length)).toBe(1)
  })

  it('changes nothing when a transaction fails, and closes the sockets that were in it', async () => {
    const object = await withPackets('broken', 2)
    const agent = await toMigration('broken')
    await agent.hello('a')
    const [packet] = await agent.lease()
    await runInDurableObject(object, (_: Migration, state) => {
      state.storage.sql.exec(
        `CREATE TRIGGER broken BEFORE UPDATE ON pass BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`,
      )
    })
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    agent.say({ ...outcomeOf(packet!), seq: 77 } as never)
    expect((await agent.closed).code).toBe(closeCodes.failed)
    expect(log.mock.calls.join()).toContain('the disk is full')
    log.mockRestore()
    await runInDurableObject(object, (_: Migration, state) => {
      state.storage.sql.exec('DROP TRIGGER broken')
    })
    expect(await status('broken')).toMatchObject({
      packets: { leased: 1 },
      counts: { objects: { listed: 0 } },
    })
    const again = await toMigration('broken')
    expect((await again.hello('a', 'a-1', heldOf([packet!]))).lost).toEqual([])
    expect((await again.ask(outcomeOf(packet!))).t).toBe('ack')
    expect((await status('broken')).counts.objects.listed).toBe(2)
  })
})
