import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  afterSlowdown,
  afterWindow,
  least,
  longestClosed,
  type Pace,
  startPace,
} from '../../agent/core/pace.ts'

/** What a link and the store behind it give, at a limit. */
interface Link {
  /** Milliseconds from request to answer while nothing queues. */
  rtt: number
  /** Requests that go at once before they queue, each `bytes` long. */
  takes: number
  bytes: number
  /** Beyond it the store refuses; never where absent. */
  refusesAbove?: number
}

/** So many seconds on a link, with windows of a quarter of one. `share`: of the limit, what is asked. */
function drive(link: Link, seconds: number, from = startPace(256), noise = () => 1): Pace[] {
  const ms = 250
  const seen: Pace[] = []
  let pace = from
  let sentAt = 0
  for (let now = 0; now < seconds * 1000; now += ms) {
    const goes = Math.min(pace.limit, link.takes)
    const mean = (link.rtt * pace.limit) / goes
    const bytes = (goes / link.rtt) * ms * link.bytes * noise()
    pace = afterWindow(pace, { now, ms, bytes, latency: { least: link.rtt, mean }, blocked: true })
    if (pace.limit > (link.refusesAbove ?? Number.POSITIVE_INFINITY)) {
      pace = afterSlowdown(pace, { now, sentAt: now - link.rtt, retryAfter: null })
      sentAt = now
    }
    seen.push(pace)
  }
  expect(sentAt).toBeLessThanOrEqual(seconds * 1000)
  return seen
}

/** A generator that gives the same each time. */
function wobble(share: number): () => number {
  let state = 1
  return () => {
    state = (state * 16_807) % 2_147_483_647
    return 1 - share + (2 * share * state) / 2_147_483_647
  }
}

const end = (seen: Pace[]) => seen.at(-1)!.limit
const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!

describe('the pace of an endpoint', () => {
  it('learns nothing from a while in which a limit held it back', () => {
    const seen = drive({ rtt: 20, takes: 64, bytes: 4_096 }, 3)
    const before = seen.find(({ trial }) => trial !== null)!
    const latency = { least: 20, mean: 20 }
    const held = { now: before.settled, ms: 250, bytes: 10, latency, blocked: true, held: true }
    expect(afterWindow(before, held)).toMatchObject({ limit: before.limit, trial: before.trial })
    expect(afterWindow(before, { ...held, held: false, latency: null }).limit).toBeLessThan(before.limit)
  })

  it('fills a wide link within seconds', () => {
    const wide = { rtt: 80, takes: 1_000, bytes: 4_096 }
    expect(end(drive(wide, 4))).toBe(256)
    expect(end(drive(wide, 10, startPace(1_000)))).toBe(1_000)
    expect(end(drive(wide, 10, startPace(256), wobble(0.1)))).toBe(256)
  })

  it('stays where more brings nothing, and does not creep', () => {
    for (const noise of [() => 1, wobble(0.05)]) {
      const seen = drive({ rtt: 1, takes: 8, bytes: 4_096 }, 300, startPace(256), noise)
      expect(median(seen.map((pace) => pace.limit))).toBeLessThanOrEqual(40)
      expect(end(seen)).toBeLessThanOrEqual(50)
    }
  })

  it('finds about what a link takes', () => {
    const seen = drive({ rtt: 80, takes: 120, bytes: 1_000_000 }, 60)
    expect(median(seen.slice(-100).map((pace) => pace.limit))).toBeGreaterThanOrEqual(110)
    expect(end(seen)).toBeLessThan(200)
  })

  it('keeps under what a store refuses, most of the time, and comes back when it takes more', () => {
    const narrow = { rtt: 20, takes: 1_000, bytes: 4_096, refusesAbove: 40 }
    const seen = drive(narrow, 120)
    expect(seen.filter((pace, i) => i > 0 && pace.slowedAt > seen[i - 1]!.slowedAt).length).toBeLessThan(30)
    expect(median(seen.map((pace) => pace.limit))).toBeGreaterThan(20)
    expect(
      end(drive({ rtt: 20, takes: 1_000, bytes: 4_096 }, 60, { ...seen.at(-1)!, settled: 0, nextTrial: 0 })),
    ).toBe(256)
  })

  it('halves once for all requests that were under way, and again for those that came after', () => {
    let pace = startPace(64)
    for (const sentAt of [90, 95, 99]) pace = afterSlowdown(pace, { now: 100, sentAt, retryAfter: null })
    expect(pace.limit).toBe(8)
    pace = afterSlowdown(pace, { now: 200, sentAt: 150, retryAfter: null })
    expect(pace.limit).toBe(4)
    for (let now = 300; now < 2_000; now += 100)
      pace = afterSlowdown(pace, { now, sentAt: now - 1, retryAfter: null })
    expect(pace.limit).toBe(least)
  })

  it('waits as long as a store asks, within reason, and all are told', () => {
    const sentAt = 0
    let pace = afterSlowdown(startPace(64), { now: 100, sentAt, retryAfter: 5_000 })
    expect(pace.closedUntil).toBe(5_100)
    // One that was sent earlier asks for more.
    pace = afterSlowdown(pace, { now: 200, sentAt, retryAfter: 7_000 })
    expect(pace).toMatchObject({ limit: 8, closedUntil: 7_200 })
    expect(afterSlowdown(pace, { now: 300, sentAt, retryAfter: 10 ** 9 }).closedUntil).toBe(
      300 + longestClosed,
    )
  })

  it('is a whole number between one and its bound, whatever is seen', () => {
    const time = { ms: fc.double({ min: 1, max: 5_000, noNaN: true }) }
    const window = fc.record({
      ...time,
      bytes: fc.nat(10 ** 9),
      latency: fc.option(fc.record({ least: fc.nat(1_000), mean: fc.nat(5_000) })),
      blocked: fc.boolean(),
    })
    const slow = fc.record({ ...time, ago: fc.nat(1_000), retryAfter: fc.option(fc.nat(10 ** 7)) })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_024 }), fc.array(fc.oneof(window, slow)), (most, events) => {
        let pace = startPace(most)
        let now = 0
        for (const event of events) {
          now += event.ms
          pace =
            'ago' in event
              ? afterSlowdown(pace, { now, sentAt: now - event.ago, retryAfter: event.retryAfter })
              : afterWindow(pace, { now, ...event })
          expect(Number.isSafeInteger(pace.limit)).toBe(true)
          expect(pace.limit).toBeGreaterThanOrEqual(1)
          expect(pace.limit).toBeLessThanOrEqual(most)
        }
      }),
    )
  })
})
