import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dispatch, type Slots } from '../../../control-plane/core/dispatch.ts'
import { newPacket, type Packet, workDone } from '../../../control-plane/core/packet.ts'
import { ReadyQueue } from '../../../control-plane/core/queue.ts'
import {
  bySpeed,
  isSlower,
  measured,
  packetsOf,
  rateOf,
  type Speed,
  timeFor,
  unmeasured,
} from '../../../control-plane/core/speed.ts'
import { zeroCounts } from '../../../shared/counts.ts'
import type { PacketKind, Work } from '../../../shared/protocol.ts'
import { everything } from '../../../shared/range.ts'

const packet = { objects: 1_000, bytes: 0 }

describe('the speed of a session', () => {
  it('is unknown before the first packet', () => expect(rateOf(unmeasured)).toBe(null))

  it('is packets a second and slot, whether they are of many objects or of many bytes', () => {
    expect(rateOf(measured(unmeasured, packet, 2_000))).toBeCloseTo(0.5)
    expect(rateOf(measured(unmeasured, { objects: 0, bytes: 200_000_000 }, 2_000))).toBeCloseTo(0.5)
    expect(timeFor({ objects: 500, bytes: 0 }, 0.5)).toBeCloseTo(1_000)
    expect(packetsOf({ objects: 0, bytes: 0 })).toBeGreaterThan(0)
  })

  it('follows what has changed, and not every packet', () => {
    const often = (speed: Speed, ms: number, times: number) =>
      Array.from({ length: times }).reduce<Speed>((one) => measured(one, packet, ms), speed)
    const steady = often(unmeasured, 1_000, 200)
    expect(rateOf(measured(steady, packet, 10_000))!).toBeGreaterThan(0.85)
    expect(rateOf(often(steady, 10_000, 60))!).toBeLessThan(0.11)
  })

  it('is compared with a margin', () => {
    expect([isSlower(1, 1.4), isSlower(1, 1.6), isSlower(null, 9), isSlower(1, null)]).toEqual([
      false,
      true,
      false,
      false,
    ])
    const groups = bySpeed([1, null, 10, 1.2, 9].map((rate) => ({ rate })))
    expect(groups.map((group) => group.map(({ rate }) => rate))).toEqual([[10, 9], [null], [1.2, 1]])
    expect(bySpeed([])).toEqual([])
  })
})

const slots = (session: number, free: number, rate: number | null): Slots => ({
  ...{ session, free, held: 0, surveys: 0, events: 0, rate },
})
function queueOf(...prefers: (number | null)[]): ReadyQueue {
  const queue = new ReadyQueue()
  for (const [i, prefer] of prefers.entries()) queue.add({ id: i + 1, kind: 'copy', prefer, notBefore: 0 }, 0)
  return queue
}
const whose = (queue: ReadyQueue, agents: Slots[]) => dispatch(queue, agents, 0).map(({ session }) => session)

describe('dispatch, where little is ready', () => {
  it('gives it to the fastest', () => {
    expect(whose(queueOf(null, null, null), [slots(1, 4, 1), slots(2, 4, 10)])).toEqual([2, 2, 2])
  })

  it('gives the rest to the others', () => {
    const agents = [slots(1, 4, 1), slots(2, 2, 10), slots(3, 1, 5)]
    expect(whose(queueOf(null, null, null, null, null), agents)).toEqual([2, 2, 3, 1, 1])
  })

  it('shares it among agents that are alike', () => {
    const agents = [slots(1, 4, 1), slots(2, 4, 1.2), slots(3, 4, null)]
    expect(whose(queueOf(null, null, null), agents)).toEqual([2, 3, 1])
  })

  it('gives a faster agent what a slow one has surveyed, but not one that is alike', () => {
    expect(whose(queueOf(1), [slots(1, 1, 1), slots(2, 1, 10)])).toEqual([2])
    expect(whose(queueOf(1), [slots(1, 1, 1), slots(2, 1, 1.2)])).toEqual([1])
  })

  it('fills all slots where there is enough, each with what its agent surveyed', () => {
    const agents = [slots(1, 2, 1), slots(2, 1, 10)]
    const grants = dispatch(queueOf(1, 1, 2, null), agents, 0)
    expect(grants.filter(({ session }) => session === 1).map(({ packet }) => packet)).toEqual([1, 2])
    expect(grants.filter(({ session }) => session === 2).map(({ packet }) => packet)).toEqual([3])
  })

  it('never gives a slow agent what a faster idle one could have', () => {
    const agents = fc.array(
      fc.record({ free: fc.nat(6), rate: fc.option(fc.double({ min: 0.01, max: 100, noNaN: true })) }),
      { minLength: 1, maxLength: 6 },
    )
    const ready = fc.array(fc.option(fc.integer({ min: 1, max: 6 })), { maxLength: 30 })
    fc.assert(
      fc.property(agents, ready, (made, prefers) => {
        const all = made.map(({ free, rate }, i) => slots(i + 1, free, rate))
        const queue = queueOf(...prefers)
        const grants = dispatch(queue, all, 0)
        expect(grants.length).toBe(
          Math.min(
            prefers.length,
            made.reduce((sum, { free }) => sum + free, 0),
          ),
        )
        for (const { session } of grants) {
          const taker = all[session - 1]!
          expect(all.some((other) => other.free > 0 && isSlower(taker.rate, other.rate))).toBe(false)
        }
      }),
      { numRuns: 1_000, seed: 11 },
    )
  })
})

describe('the work that an outcome tells of', () => {
  const leased = (kind: PacketKind, over: Partial<Packet> = {}) =>
    ({
      ...{ ...newPacket(kind, everything, { objects: 10, bytes: 1_000 }), id: 1, generation: 1 },
      ...{ state: 'leased', session: 1, since: 5, ...over },
    }) as Packet & { state: 'leased' }
  function done(kind: PacketKind, counted: { listed: number; same: number; bytes: number }): Packet {
    const counts = zeroCounts()
    Object.assign(counts.objects, { listed: counted.listed, same: counted.same })
    counts.bytes = { listed: counted.bytes, copied: kind === 'copy' ? counted.bytes : 0 }
    return { ...leased(kind), state: 'done', counts, report: false } as Packet
  }

  it.each<[string, PacketKind, { listed: number; same: number; bytes: number }, Work | null]>([
    ['all of a copy', 'copy', { listed: 10, same: 0, bytes: 1_000 }, { objects: 10, bytes: 1_000 }],
    [
      'no more than was expected',
      'copy',
      { listed: 99, same: 0, bytes: 9_000 },
      { objects: 10, bytes: 1_000 },
    ],
    ['what of it was not equal', 'copy', { listed: 10, same: 4, bytes: 600 }, { objects: 6, bytes: 600 }],
    ['nothing, where all was equal', 'copy', { listed: 10, same: 10, bytes: 0 }, null],
    [
      'that it was slow, where nothing was done',
      'copy',
      { listed: 0, same: 0, bytes: 0 },
      { objects: 0, bytes: 0 },
    ],
    [
      'what a verification has read',
      'verify',
      { listed: 8, same: 8, bytes: 800 },
      { objects: 8, bytes: 800 },
    ],
  ])('is %s', (_, kind, counted, work) => {
    expect(workDone(leased(kind), done(kind, counted))).toEqual(work)
  })

  it('is that of parts, but for those of an upload that was given up, and nothing of the object that they are of', () => {
    const parts = { ...leased('parts'), state: 'done', counts: null, report: false } as Packet
    expect(workDone(leased('parts'), { ...parts, md5s: null } as Packet)).toEqual({
      objects: 10,
      bytes: 1_000,
    })
    expect(workDone(leased('parts'), parts)).toBe(null)
    const object = leased('copy', { upload: 3 })
    expect(workDone(object, done('copy', { listed: 1, same: 0, bytes: 1_000 }))).toBe(null)
    expect(workDone(leased('copy'), { ...leased('copy'), state: 'parked' } as Packet)).toBe(null)
  })
})
