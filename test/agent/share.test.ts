import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { divide, type Flow, Shares } from '../../agent/core/share.ts'

interface Load {
  readonly weight: number
  /** Packets at work: each asks for one slot at a time, as eachInSlot does. */
  readonly packets: number
  /** Milliseconds that a slot is held, on average. */
  readonly ms: number
}

/** Runs the slots for `turns` turns, all loads having work all the time. What each had, in slot-milliseconds, and the longest wait of any. */
function simulate(loads: readonly Load[], slots: number, turns: number, seed: number) {
  const random = randomOf(seed)
  const shares = new Shares()
  const flows = loads.map((load) => ({ ...shares.add(load.weight), load, waiting: load.packets, since: 0 }))
  const had = loads.map(() => 0)
  const gone = loads.map(() => 0)
  let longest = 0
  let now = 0
  const busy: { until: number; from: number; flow: (typeof flows)[number]; charge: number }[] = []
  for (let turn = 0; turn < turns; turn++) {
    while (busy.length < slots) {
      const flow = shares.next(flows.filter(({ waiting }) => waiting > 0))
      if (!flow) break
      flow.waiting--
      longest = Math.max(longest, now - flow.since)
      flow.since = now
      const charge = shares.begin(flow, 1)
      const ms = flow.load.ms * (0.2 + 1.6 * random())
      busy.push({ until: now + ms, from: now, flow, charge })
      gone[loads.indexOf(flow.load)]!++
    }
    // Whoever was admitted asks for the next only now.
    for (const flow of flows) {
      const wanted = flow.load.packets - flow.waiting
      if (wanted === 0) continue
      flow.waiting += wanted
      shares.wait(flow)
    }
    busy.sort((a, b) => b.until - a.until)
    const { until, from, flow, charge } = busy.pop()!
    now = until
    shares.end(flow, 1, charge, until - from)
    had[loads.indexOf(flow.load)]! += until - from
  }
  return { had, gone, longest }
}

/** mulberry32 */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0)
const weight = fc.constantFrom(1, 4, 16)
const load = fc.record({
  weight,
  packets: fc.integer({ min: 1, max: 8 }),
  ms: fc.integer({ min: 1, max: 400 }),
})

describe('slots that migrations share', () => {
  it('are theirs by weight, however long each of their objects takes, and nobody starves', () => {
    fc.assert(
      fc.property(
        fc.array(load, { minLength: 2, maxLength: 4 }),
        fc.integer({ min: 1, max: 48 }),
        fc.nat(),
        (loads, slots, seed) => {
          const { had, longest } = simulate(loads, slots, 6_000, seed)
          const all = sum(loads.map((one) => one.weight))
          for (const [i, one] of loads.entries()) {
            const share = had[i]! / sum(had)
            expect(Math.abs(share - one.weight / all)).toBeLessThan(0.05)
          }
          // The least gets a turn in every round of all weights.
          const slowest = Math.max(...loads.map(({ ms }) => ms))
          expect(longest).toBeLessThan(4 * all * slowest)
        },
      ),
      { numRuns: 60, seed: 21 },
    )
  })

  it('are all its own while a migration is alone', () => {
    const { gone } = simulate([{ weight: 1, packets: 4, ms: 10 }], 8, 100, 1)
    expect(gone[0]).toBeGreaterThanOrEqual(100)
  })

  it('are not saved up by one that has no work', () => {
    const shares = new Shares()
    const [idle, busy] = [shares.add(16), shares.add(1)] as [Flow, Flow]
    for (let i = 0; i < 1_000; i++) shares.end(busy, 1, shares.begin(busy, 1), 10)
    shares.wait(idle)
    let turns = 0
    while (shares.next([idle, busy]) === idle) {
      shares.end(idle, 1, shares.begin(idle, 1), 10)
      turns++
    }
    expect(turns).toBeLessThan(40)
  })

  it('follow a weight that is changed', () => {
    const shares = new Shares()
    const [a, b] = [shares.add(4), shares.add(4)] as [Flow, Flow]
    const served = (turns: number) => {
      let ofA = 0
      for (let i = 0; i < turns; i++) {
        const flow = shares.next([a, b])!
        if (flow === a) ofA++
        shares.end(flow, 1, shares.begin(flow, 1), 10)
      }
      return ofA / turns
    }
    expect(served(1_000)).toBeCloseTo(0.5, 1)
    a.weight = 16
    expect(served(1_000)).toBeCloseTo(0.8, 1)
  })
})

const one = (weight: number, wants = true, used = 0) => ({ weight, wants, used })

describe('places that migrations share', () => {
  it.each([
    ['one alone', 8, [one(4)], [8]],
    ['two alike', 8, [one(4), one(4)], [4, 4]],
    ['a high and a normal one', 10, [one(16), one(4)], [8, 2]],
    ['one of which nothing is ready', 8, [one(16, false, 2), one(1)], [3, 5]],
    ['two of which one is idle', 8, [one(16, false), one(1)], [1, 7]],
    ['more migrations than places', 2, [one(1), one(16), one(4)], [1, 1, 1]],
    ['nobody who wants more', 8, [one(4, false, 1), one(4, false)], [4, 4]],
  ])('are divided for %s', (_, places, sharers, shares) => {
    expect(divide(places, sharers)).toEqual(shares)
  })

  it('are all given while anybody wants them, by weight within one place, and one to each', () => {
    const sharer = fc.record({ weight, wants: fc.boolean(), used: fc.nat(10) })
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.array(sharer, { minLength: 1, maxLength: 8 }),
        (places, sharers) => {
          const shares = divide(places, sharers)
          expect(Math.min(...shares)).toBeGreaterThanOrEqual(1)
          expect(sum(shares)).toBe(Math.max(places, sharers.length))
          const hungry = sharers.flatMap(({ weight, wants }, i) =>
            wants ? [{ weight, share: shares[i]! }] : [],
          )
          for (const a of hungry) {
            for (const b of hungry) {
              if (a.share > 1)
                expect((a.share - 0.5) / a.weight).toBeLessThanOrEqual((b.share + 0.5) / b.weight + 1e-9)
            }
          }
        },
      ),
      { numRuns: 500, seed: 22 },
    )
  })
})
