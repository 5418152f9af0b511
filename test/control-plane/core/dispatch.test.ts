import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  dispatch,
  fewReady,
  holds,
  manyReady,
  maxHeld,
  pleaseSplit,
  proceeds,
  splitAfterMs,
  splitPauseMs,
} from '../../../control-plane/core/dispatch.ts'
import { Heap } from '../../../control-plane/core/heap.ts'
import { type Ready, ReadyQueue } from '../../../control-plane/core/queue.ts'

const work = (id: number, prefer: number | null = null, notBefore = 0): Ready => ({
  id,
  kind: 'copy',
  prefer,
  notBefore,
})
const survey = (id: number): Ready => ({ id, kind: 'survey', prefer: null, notBefore: 0 })
const event = (id: number): Ready => ({ id, kind: 'event', prefer: null, notBefore: 0 })
const agent = (session: number, free: number, held = 0, surveys = 0, events = 0) => ({
  session,
  free,
  held,
  surveys,
  events,
  rate: null,
})

function queueOf(...packets: Ready[]): ReadyQueue {
  const queue = new ReadyQueue()
  for (const packet of packets) queue.add(packet, 0)
  return queue
}
const manyOf = (n: number, from = 100) => Array.from({ length: n }, (_, i) => work(from + i))

describe('dispatch', () => {
  it('spreads little work over all agents, in the order of ids', () => {
    const grants = dispatch(queueOf(work(3), work(1), work(2)), [agent(1, 5), agent(2, 5)], 0)
    expect(grants).toEqual([
      { session: 1, packet: 1 },
      { session: 2, packet: 2 },
      { session: 1, packet: 3 },
    ])
  })

  it('gives nobody more than it can take, or may hold', () => {
    expect(dispatch(queueOf(...manyOf(10)), [agent(1, 2), agent(2, 0)], 0)).toHaveLength(2)
    expect(dispatch(queueOf(...manyOf(10)), [agent(1, 100, maxHeld - 3)], 0)).toHaveLength(3)
  })

  it('gives a packet to the agent that surveyed it, even when another asks first', () => {
    const grants = dispatch(queueOf(work(1, 2), work(2, 2)), [agent(1, 4), agent(2, 4)], 0)
    expect(grants.map((grant) => grant.session)).toEqual([2, 2])
  })

  it.each([
    ['has no free slot', [agent(1, 4), agent(2, 0)]],
    ['is not connected', [agent(1, 4)]],
  ])('gives it to another when that agent %s', (_, agents) => {
    expect(dispatch(queueOf(work(1, 2)), agents, 0)).toEqual([{ session: 1, packet: 1 }])
  })

  it('keeps one survey going before anything else', () => {
    const grants = dispatch(queueOf(...manyOf(fewReady + 1), survey(1), survey(2)), [agent(1, 2)], 0)
    expect(grants.map((grant) => grant.packet)).toEqual([1, 100])
  })

  it('surveys more while few packets are ready, but not in every slot of an agent', () => {
    const queue = queueOf(work(100), ...Array.from({ length: 16 }, (_, i) => survey(i + 1)))
    const packets = dispatch(queue, [agent(1, 8)], 0).map((grant) => grant.packet)
    expect(packets.filter((id) => id < 100)).toHaveLength(6)
    expect(packets).toContain(100)
  })

  it('gives events first, in the order in which they came, but not in every slot of an agent', () => {
    const queue = queueOf(...manyOf(9), survey(1), ...[8, 7, 6, 5, 4, 3, 2].map(event))
    const packets = dispatch(queue, [agent(1, 8)], 0).map((grant) => grant.packet)
    expect(packets).toEqual([8, 7, 6, 5, 4, 3, 1, 100])
    expect(dispatch(queue, [agent(1, 1, 7, 1, 6)], 1).map((grant) => grant.packet)).toEqual([101])
  })

  it('gives nothing but events where there is nothing else, and none that was taken out', () => {
    const queue = queueOf(event(1), event(2), event(3), event(2))
    queue.drop(1)
    expect(dispatch(queue, [agent(1, 4)], 0).map((grant) => grant.packet)).toEqual([2, 3])
  })

  it('surveys with the only slot there is', () => {
    expect(dispatch(queueOf(survey(1)), [agent(1, 1)], 0)).toHaveLength(1)
  })

  it('begins no survey while more is ready than anybody will do soon', () => {
    const grants = dispatch(queueOf(...manyOf(manyReady), survey(1)), [agent(1, 1)], 0)
    expect(grants.map((grant) => grant.packet)).toEqual([100])
  })

  it('never grants a packet twice, and grants all that fits', () => {
    const packets = fc.array(
      fc.record({
        kind: fc.constantFrom('copy' as const, 'survey' as const),
        prefer: fc.option(fc.integer({ min: 1, max: 4 })),
      }),
      { maxLength: 50 },
    )
    const agents = fc.array(fc.nat(8), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(packets, agents, (ready, free) => {
        const queue = queueOf(...ready.map((packet, i) => ({ ...packet, id: i + 1, notBefore: 0 })))
        const slots = free.map((n, i) => agent(i + 1, n))
        const grants = dispatch(queue, slots, 0)
        expect(new Set(grants.map((grant) => grant.packet)).size).toBe(grants.length)
        expect(queue.work + queue.surveys + grants.length).toBe(ready.length)
        expect(slots.every((slot) => slot.free >= 0)).toBe(true)
        // Copies are left over only when nobody has a free slot.
        if (queue.work > 0) expect(slots.every((slot) => slot.free === 0)).toBe(true)
      }),
      { numRuns: 500, seed: 5 },
    )
  })
})

describe('the queue', () => {
  it('holds a failed packet back until its time', () => {
    const queue = queueOf(work(1, null, 500), work(2, null, 300), work(3))
    expect([queue.work, queue.nextDue]).toEqual([1, 300])
    queue.wake(300)
    expect([queue.work, queue.nextDue]).toEqual([2, 500])
    queue.wake(10_000)
    expect([queue.work, queue.nextDue]).toEqual([3, null])
  })

  it('gives what came back first', () => {
    const queue = queueOf(work(8), work(9))
    expect(queue.takeWork(1, () => true)).toBe(8)
    queue.add(work(2), 0)
    expect(queue.takeWork(1, () => true)).toBe(2)
  })
})

it('a heap pops in order', () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), (items) => {
      const heap = new Heap<number>((a, b) => a - b)
      for (const item of items) heap.push(item)
      expect(items.map(() => heap.pop())).toEqual(items.toSorted((a, b) => a - b))
      expect([heap.size, heap.pop(), heap.peek()]).toEqual([0, undefined, undefined])
    }),
    { seed: 6 },
  )
})

describe('the survey’s bound', () => {
  it('holds a survey that is far ahead, until half is done', () => {
    expect([holds(manyReady, 1), holds(manyReady + 1, 1)]).toEqual([false, true])
    expect([proceeds(manyReady / 2, 1), proceeds(manyReady / 2 - 1, 1)]).toEqual([false, true])
  })

  it('holds nothing while nobody works on what it found', () => {
    expect(holds(10 * manyReady, 0)).toBe(false)
    expect(proceeds(10 * manyReady, 0)).toBe(true)
  })
})

describe('asking for a split', () => {
  const now = 100_000

  it('asks the surveys that have run a while, for as many pieces as there are idle slots', () => {
    const old = [1, 2, 3].map((packet) => ({ packet, since: now - splitAfterMs, asked: 0 }))
    const asked = (idle: number, count = 3) => pleaseSplit(old.slice(0, count), idle, now)
    const pieces = (...parts: number[]) => parts.map((n, i) => ({ packet: i + 1, parts: n }))
    expect(asked(2)).toEqual({ ask: pieces(2, 2), again: now + splitPauseMs })
    expect(asked(7).ask).toEqual(pieces(4, 3, 3))
    expect(asked(7, 1).ask).toEqual(pieces(8))
  })

  it('waits for a survey that has only begun, and after asking', () => {
    expect(pleaseSplit([{ packet: 1, since: now - 100, asked: 0 }], 1, now)).toEqual({
      ask: [],
      again: now - 100 + splitAfterMs,
    })
    expect(pleaseSplit([{ packet: 1, since: 0, asked: now - 1 }], 1, now)).toEqual({
      ask: [],
      again: now - 1 + splitPauseMs,
    })
  })

  it('asks nobody when nobody is idle', () => {
    expect(pleaseSplit([{ packet: 1, since: 0, asked: 0 }], 0, now)).toEqual({ ask: [], again: null })
  })
})
