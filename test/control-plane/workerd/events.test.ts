import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Migration } from '../../../control-plane/migration.ts'
import type { PassStatus } from '../../../shared/api/migrations.ts'
import { zeroCounts } from '../../../shared/counts.ts'
import { type Key, keyFromText } from '../../../shared/key.ts'
import type { Mapping } from '../../../shared/mapping.ts'
import { defaultPassOptions } from '../../../shared/policy.ts'
import type { LeasedPacket } from '../../../shared/protocol.ts'
import { oneKey } from '../../../shared/range.ts'
import { cutOf, outcomeOf, type ScriptedAgent } from '../../support/scripted-agent.ts'
import { begin, definition, json, objectOf, passTime, prepare, toMigration } from './inside.ts'

beforeAll(prepare)
afterEach(() => {
  vi.useRealTimers()
})

const statusOf = async (id: string, pass = 1) =>
  (await json<PassStatus>('GET', `/api/workspaces/local/migrations/${id}/passes/${pass}`)).body
const changesOf = (...keys: string[]) => keys.map((key, i) => ({ key: keyFromText(key), at: i + 1 }))
const endOf = ({ kind, through }: LeasedPacket) => [kind, through]
const inAnHour = () => Date.now() + 3_600_000

/** Of one object, that was copied, or that failed. */
function followed(packet: LeasedPacket, failed = false) {
  const counts = zeroCounts()
  counts.objects.listed = 1
  counts.objects[failed ? 'failed' : 'copied'] = 1
  return { ...outcomeOf(packet), counts }
}

/** A pass that holds, of which nothing is left to do, and its agent. */
async function holding(id: string, options: object = {}) {
  const object = await begin(id, options)
  const agent = await toMigration(id)
  await agent.hello('a')
  const [survey] = await agent.lease()
  await object.holdPass(1, inAnHour())
  await agent.ask(cutOf(survey!, null, [null]))
  const [copy] = await agent.lease()
  await agent.ask(outcomeOf(copy!))
  return { object, agent }
}

const told = (agent: ScriptedAgent, side: 'source' | 'destination', ...keys: string[]) =>
  agent.ask({ t: 'changed', side, changes: changesOf(...keys) } as never)

describe('a change that is told of', () => {
  it('is a packet of its one key, which counts for events and not for the pass', async () => {
    const { object, agent } = await holding('one')
    expect(await object.changed('source', changesOf('k', 'x/y'))).toEqual({ taken: 2, ignored: 0 })
    expect((await statusOf('one')).events).toEqual({ waiting: 2, done: 0, objects: 0, left: 0 })
    const [k, xy] = await agent.lease(2)
    expect(k).toMatchObject({ kind: 'event', ...oneKey(keyFromText('k')), generation: 1 })
    await agent.ask(followed(k!))
    await agent.ask(followed(xy!, true))
    const { events, counts, packets, failureCauses, state } = await statusOf('one')
    expect(events).toEqual({ waiting: 0, done: 2, objects: 1, left: 1 })
    expect(counts.objects).toMatchObject({ copied: 2, failed: 0 })
    expect([packets, failureCauses, state]).toEqual([
      { ready: 0, leased: 0, done: 2, parked: 0, settled: 0 },
      [],
      'running',
    ])
    expect((await object.holdPass(1, null))!.state).toBe('complete')
  })

  it('by an agent is taken too, and none of the other side', async () => {
    const { agent } = await holding('sides')
    expect(await told(agent, 'destination', 'd')).toMatchObject({ t: 'ack' })
    expect(await told(agent, 'source', 's')).toMatchObject({ t: 'ack' })
    expect((await agent.lease()).map(endOf)).toEqual([['event', 's']])
    expect((await statusOf('sides')).events?.waiting).toBe(1)
  })

  it('on the way back is one of the destination, under its own key', async () => {
    const mapping = { kind: 'prefix', from: '', to: 'new/', unmatched: 'skip' } as const
    const back = { ...definition, mapping, id: 'back', workspace: 'local' }
    await json('PUT', '/api/workspaces/local/migrations/back', { ...definition, mapping })
    const object = objectOf('back')
    await object.startPass(back, { ...defaultPassOptions, direction: 'back' })
    expect(await object.changed('source', changesOf('k'))).toEqual({ taken: 0, ignored: 1 })
    expect(await object.changed('destination', changesOf('new/k'))).toEqual({ taken: 1, ignored: 0 })
    const agent = await toMigration('back')
    await agent.hello('a')
    expect((await agent.lease(2)).map(endOf)).toEqual([
      ['event', 'new/k'],
      ['survey', null],
    ])
  })

  it('twice, is one packet while it waits; while it is at work another one comes behind it', async () => {
    const { object, agent } = await holding('twice')
    await object.changed('source', changesOf('k', 'k'))
    await object.changed('source', changesOf('k'))
    const [first] = await agent.lease()
    await object.changed('source', changesOf('k', 'k'))
    agent.free(5)
    await agent.settled()
    expect((await statusOf('twice')).events?.waiting).toBe(2)
    expect(agent.inbox.filter(({ t }) => t === 'lease')).toEqual([])
    await agent.ask(followed(first!))
    const { packets } = await agent.next('lease')
    expect(packets.map(endOf)).toEqual([['event', 'k']])
    await agent.ask(followed(packets[0]!))
    expect((await statusOf('twice')).events).toMatchObject({ waiting: 0, done: 2 })
  })

  it('waits for whoever works on its key, and goes first else', async () => {
    const object = await begin('first')
    const agent = await toMigration('first')
    await agent.hello('a')
    const [survey] = await agent.lease()
    await agent.ask(cutOf(survey!, null, ['d', 'g', 'm', null]))
    const copies = await agent.lease(2)
    expect(copies.map(endOf)).toEqual([
      ['copy', 'd'],
      ['copy', 'g'],
    ])
    await object.changed('source', changesOf('b', 'x'))
    expect((await agent.lease(2)).map(endOf)).toEqual([
      ['event', 'x'],
      ['copy', 'm'],
    ])
    await agent.ask(outcomeOf(copies[0]!))
    expect((await agent.lease()).map(endOf)).toEqual([['event', 'b']])
  })

  it('outlives the sleep of the object, waiting or at work', async () => {
    const { object, agent } = await holding('sleeps')
    await object.changed('source', changesOf('a', 'b'))
    const [leased] = await agent.lease()
    await agent.settled()
    await evictDurableObject(object)
    expect((await statusOf('sleeps')).events?.waiting).toBe(2)
    expect(await agent.ask(followed(leased!))).toMatchObject({ t: 'ack' })
    const [other] = await agent.lease()
    await agent.ask(followed(other!))
    expect([leased, other].map((packet) => packet!.through).sort()).toEqual(['a', 'b'])
    expect((await statusOf('sleeps')).events).toMatchObject({ waiting: 0, done: 2 })
  })

  it('uses the rows of those that are done, and no more', async () => {
    const { object, agent } = await holding('rows')
    const count = () =>
      runInDurableObject(object, (_, { storage }) =>
        Number(storage.sql.exec(`SELECT COUNT(*) AS n FROM packet WHERE kind = 'event'`).one().n),
      )
    let before = 0
    for (const [i, key] of ['a', 'b', 'c', 'd'].entries()) {
      await object.changed('source', changesOf(key))
      const [packet] = await agent.lease()
      expect([packet!.through, packet!.generation]).toEqual([key, i + 1])
      await agent.ask(followed(packet!))
      if (i === 0) before = await object.rowsWritten()
    }
    expect(await count()).toBe(1)
    // Told, leased and done; and the counters, once.
    expect((await object.rowsWritten()) - before).toBeLessThanOrEqual(3 * 4)
  })

  it('among thousands is part of a range', async () => {
    const { object, agent } = await holding('storm')
    const keys = Array.from({ length: 5_000 }, (_, i) => `folder-${i % 7}/${i}`)
    for (let i = 0; i < keys.length; i += 1_000) {
      await object.changed('source', changesOf(...keys.slice(i, i + 1_000)))
    }
    const before = await object.rowsWritten()
    await object.changed('source', changesOf(...keys))
    // All of it waits already.
    expect((await object.rowsWritten()) - before).toBeLessThan(10)
    const { waiting } = (await statusOf('storm')).events!
    expect(waiting).toBeLessThanOrEqual(1_000)
    const ranges: LeasedPacket[] = []
    while (ranges.length < waiting) {
      const packets = await agent.lease(Math.min(100, waiting - ranges.length))
      ranges.push(...packets)
      for (const packet of packets) await agent.ask(followed(packet))
    }
    const isIn = (key: Key) => ranges.some(({ after, through }) => key > after! && key <= through!)
    expect(keys.filter((key) => !isIn(keyFromText(key)))).toEqual([])
    expect((await statusOf('storm')).events!.waiting).toBe(0)
  })

  it('is the next pass’s where this one ends, is cancelled, or copies nothing', async () => {
    const { object } = await holding('next')
    await object.changed('source', changesOf('a'))
    await object.holdPass(1, null)
    expect((await statusOf('next')).state).toBe('complete')
    await object.changed('source', changesOf('b', 'a'))
    const path = '/api/workspaces/local/migrations/next/passes'
    await json('POST', path, { kind: 'verify' })
    expect(await object.changed('source', changesOf('c'))).toEqual({ taken: 1, ignored: 0 })
    expect((await statusOf('next', 2)).events).toBeUndefined()
    await evictDurableObject(object)
    await json('POST', `${path}/2/cancel`)
    await json('POST', path, {})
    expect((await statusOf('next', 3)).events?.waiting).toBe(3)
    await json('POST', `${path}/3/cancel`)
    await json('POST', path, {})
    expect((await statusOf('next', 4)).events?.waiting).toBe(3)
  })

  it('is remembered by its time alone where too many are kept', async () => {
    const { object } = await holding('kept')
    await object.holdPass(1, null)
    for (let i = 0; i < 3; i++) {
      const keys = Array.from({ length: 500 }, (_, k) => `${i}-${String(k).padStart(4, '0')}`)
      await object.changed('source', changesOf(...keys))
    }
    const kept = await runInDurableObject(object, (_, { storage }) => [
      Number(storage.sql.exec('SELECT COUNT(*) AS n FROM change').one().n),
      storage.sql.exec('SELECT side, told FROM missed').toArray(),
    ])
    expect(kept[0]).toBeLessThanOrEqual(1_000)
    expect(kept[1]).toEqual([{ side: 'source', told: 1 }])
  })

  it('before the first pass, or of a mapping that only a listing can follow, is ignored', async () => {
    await json('PUT', '/api/workspaces/local/migrations/unborn', definition)
    const mapping: Mapping = { kind: 'template', pattern: '(?<all>.*)', to: '{all}', unmatched: 'skip' }
    const object = await begin('mapped', {}, { ...definition, mapping })
    expect(await object.changed('source', changesOf('k'))).toEqual({ taken: 0, ignored: 1 })
  })

  it('is worked on while its pass is not settled, and keeps it open no longer than it holds', async () => {
    const object = await begin('ending')
    const agent = await toMigration('ending')
    await agent.hello('a')
    const [survey] = await agent.lease()
    await object.changed('source', changesOf('a'))
    const [a] = await agent.lease()
    await agent.ask(cutOf(survey!, null, [null]))
    // One of its two slots is for what is no event.
    const [copy] = await agent.lease()
    expect([a!.kind, copy!.kind]).toEqual(['event', 'copy'])
    await agent.ask(outcomeOf(copy!))
    // Nothing is left but what is at work.
    await object.changed('source', changesOf('c'))
    agent.free(1)
    await agent.settled()
    expect(agent.inbox.filter(({ t }) => t === 'lease')).toEqual([])
    expect((await statusOf('ending')).state).toBe('running')
    agent.say({ ...followed(a!), seq: 1_000 } as never)
    expect(await agent.next('end')).toMatchObject({ state: 'complete' })
  })
})

describe('the oldest event', () => {
  const oldest = (object: DurableObjectStub<Migration>) => object.oldestEvent()

  it('is the oldest change that is not carried over, wherever it waits', async () => {
    const { object, agent } = await holding('oldest')
    expect(await oldest(object)).toBeNull()
    await object.changed('source', [
      { key: keyFromText('a'), at: 70 },
      { key: keyFromText('b'), at: 40 },
    ])
    expect(await oldest(object)).toBe(40)
    const [a, b] = await agent.lease(2)
    expect(await oldest(object)).toBe(40)
    await agent.ask(followed(b!))
    expect(await oldest(object)).toBe(70)
    // What could not be done is not done.
    await agent.ask(followed(a!, true))
    expect(await oldest(object)).toBe(70)
    await evictDurableObject(object)
    await object.holdPass(1, null)
    expect(await oldest(object)).toBe(70)
    await json('POST', '/api/workspaces/local/migrations/oldest/passes', {})
    expect(await oldest(object)).toBe(70)
    // The next pass has listed it.
    const next = await toMigration('oldest')
    await next.hello('a')
    for (let left = 1; left > 0; ) {
      const [packet] = await next.lease()
      if (packet!.kind === 'survey') await next.ask(cutOf(packet!, packet!.after, [packet!.through]))
      else {
        await next.ask(outcomeOf(packet!))
        left--
      }
    }
    expect((await statusOf('oldest', 2)).state).toBe('complete')
    expect(await oldest(object)).toBeNull()
  })

  it('was not in the future, whatever a clock says', async () => {
    passTime(0)
    const { object } = await holding('clocks')
    await object.changed('source', [{ key: keyFromText('a'), at: Date.now() + 1e9 }])
    expect(await oldest(object)).toBe(Date.now())
  })
})
