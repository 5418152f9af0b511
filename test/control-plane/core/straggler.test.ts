import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  lateAfterMs,
  lateFactor,
  lateUnknownMs,
  mostYields,
  pleaseYield,
  type Running,
  type Worker,
  yieldPauseMs,
} from '../../../control-plane/core/straggler.ts'

const now = 1_000_000
/** Of one usual packet's work, held by session 1 for `ms`. */
const running = (ms: number, over: Partial<Running> = {}): Running => ({
  ...{ packet: 7, session: 1, work: { objects: 1_000, bytes: 0 }, since: now - ms, asked: 0, times: 0 },
  ...over,
})
const worker = (session: number, free: number, rate: number | null): Worker => ({ session, free, rate })
/** One that takes ten seconds for a packet. */
const usual = 0.1
const late = lateFactor * 10_000

describe('a straggler', () => {
  it('is asked for when it takes much longer than an idle agent would', () => {
    const workers = [worker(1, 0, usual), worker(2, 1, usual)]
    expect(pleaseYield([running(late)], workers, now)).toEqual({
      ask: [{ packet: 7, to: 2 }],
      again: now + yieldPauseMs,
    })
    expect(pleaseYield([running(late - 1)], workers, now)).toEqual({ ask: [], again: now + 1 })
  })

  it('is none before some seconds have passed, however fast the others are', () => {
    const workers = [worker(1, 0, 1), worker(2, 1, 1_000)]
    expect(pleaseYield([running(lateAfterMs - 1)], workers, now).ask).toEqual([])
    expect(pleaseYield([running(lateAfterMs)], workers, now).ask).toHaveLength(1)
  })

  it('is late by the clock alone where nobody has been measured', () => {
    const workers = [worker(1, 0, null), worker(2, 1, null)]
    expect(pleaseYield([running(lateUnknownMs - 1)], workers, now).ask).toEqual([])
    expect(pleaseYield([running(lateUnknownMs)], workers, now).ask).toHaveLength(1)
  })

  it.each<[string, Worker[]]>([
    ['nobody else is idle', [worker(1, 3, usual), worker(2, 0, usual)]],
    ['only slower agents are idle', [worker(1, 0, 10 * usual), worker(2, 4, usual)]],
  ])('keeps what it has where %s', (_, workers) => {
    expect(pleaseYield([running(100 * late)], workers, now)).toEqual({ ask: [], again: null })
  })

  it('gives to the fastest, and the latest gives first', () => {
    const workers = [worker(1, 0, 0.01), worker(2, 1, usual), worker(3, 1, 10 * usual)]
    const packets = [running(late, { packet: 1 }), running(3 * late, { packet: 2 })]
    expect(pleaseYield(packets, workers, now).ask).toEqual([{ packet: 2, to: 3 }])
  })

  it('is asked again after a pause, and not for ever', () => {
    const workers = [worker(1, 0, usual), worker(2, 1, usual)]
    const asked = (ago: number, times: number) =>
      pleaseYield([running(10 * late, { asked: now - ago, times })], workers, now)
    expect(asked(1_000, 1)).toEqual({ ask: [], again: now - 1_000 + yieldPauseMs })
    expect(asked(yieldPauseMs, 1).ask).toHaveLength(1)
    expect(asked(yieldPauseMs, mostYields)).toEqual({ ask: [], again: null })
  })

  it('is never asked for itself, and no more are asked than there are idle slots', () => {
    const rate = fc.option(fc.double({ min: 0.001, max: 10, noNaN: true }))
    const workers = fc.array(fc.record({ free: fc.nat(3), rate }), { minLength: 1, maxLength: 5 })
    const packets = fc.array(
      fc.record({
        session: fc.integer({ min: 1, max: 5 }),
        age: fc.nat(200_000),
        asked: fc.option(fc.nat(100_000)),
        times: fc.nat(mostYields),
      }),
      { maxLength: 20 },
    )
    fc.assert(
      fc.property(workers, packets, (made, held) => {
        const all = made.map(({ free, rate }, i) => worker(i + 1, free, rate))
        const leased = held.map(({ session, age, asked, times }, packet) =>
          running(age, { packet, session, asked: asked === null ? 0 : now - asked, times }),
        )
        const { ask } = pleaseYield(leased, all, now)
        expect(new Set(ask.map(({ packet }) => packet)).size).toBe(ask.length)
        for (const { packet, to } of ask) {
          const { session, since, asked, times } = leased[packet]!
          expect(to).not.toBe(session)
          expect(times).toBeLessThan(mostYields)
          expect(now - since).toBeGreaterThanOrEqual(lateAfterMs)
          if (asked > 0) expect(now - asked).toBeGreaterThanOrEqual(yieldPauseMs)
        }
        for (const { session, free } of all) {
          expect(ask.filter(({ to }) => to === session).length).toBeLessThanOrEqual(free)
        }
      }),
      { numRuns: 500, seed: 12 },
    )
  })
})
