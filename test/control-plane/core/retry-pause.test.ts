import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { maxFailures, retryPause } from '../../../control-plane/core/retry-pause.ts'
import { DrayError, type ErrorCode, errorBodySchema, errorCodes } from '../../../shared/error.ts'

const error = (code: ErrorCode, retryAfter: number | null = null) =>
  new DrayError(code, 'GET', 'no', { retry: 'later', retryAfter }).toBody()

describe('the pause before a packet is tried again', () => {
  it.each([
    ['throttled', 1, [1_000, 4_000]],
    ['throttled', 9, [1_000, 300_000]],
    ['unreachable', 1, [1_000, 2_000]],
    ['server-error', 3, [1_000, 8_000]],
    ['timeout', 30, [1_000, 60_000]],
    ['interrupted', 1, [0, 500]],
    ['interrupted', 30, [0, 5_000]],
    ['io', 1, [0, 2_000]],
    ['access-denied', 30, [0, 60_000]],
  ] as const)('after %s, the %i. time, is anything of %o ms', (code, failures, [least, most]) => {
    expect(retryPause(error(code), failures, 0)).toBe(least)
    expect(retryPause(error(code), failures, 1)).toBe(most)
  })

  it('grows with each failure in a row, and is bounded', () => {
    const code = fc.constantFrom(...errorCodes)
    const random = fc.double({ min: 0, max: 1, noNaN: true })
    fc.assert(
      fc.property(code, random, fc.integer({ min: 1, max: 40 }), (code, random, failures) => {
        const pause = retryPause(error(code), failures, random)
        expect(retryPause(error(code), failures + 1, random)).toBeGreaterThanOrEqual(pause)
        expect(pause).toBeLessThanOrEqual(300_000)
      }),
    )
  })

  it('is as long as the store asked for, and not the same for all that it asked; within an hour', () => {
    expect(retryPause(error('throttled', 120_000), 1, 0)).toBe(120_000)
    expect(retryPause(error('throttled', 120_000), 1, 0.5)).toBe(122_000)
    expect(retryPause(error('throttled', 1), 1, 0.5)).toBe(2_500)
    expect(error('throttled', 1e9).retryAfter).toBe(3_600_000)
    expect(errorBodySchema.parse(error('throttled', 0.5))).toMatchObject({ retryAfter: 1 })
    expect(error('throttled')).not.toHaveProperty('retryAfter')
  })

  it('is made a bounded number of times, more often where a store only wants less', () => {
    for (const code of errorCodes) expect(maxFailures(code)).toBe(code === 'throttled' ? 10 : 5)
  })
})
