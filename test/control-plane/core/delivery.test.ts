import { describe, expect, it } from 'vitest'
import { type Attempt, maxAttempts, pauses, settle } from '../../../control-plane/core/delivery.ts'

const answered = (status: number | null, retryAfter: number | null = null): Attempt => ({
  status,
  duration: 1,
  answer: '',
  retryAfter,
})
const hour = 3_600_000

describe('a delivery', () => {
  it.each([200, 201, 204, 299])('is delivered by %i', (status) => {
    expect(settle(1, answered(status), 0, 0.5)).toEqual({ state: 'delivered', due: null })
  })

  it.each([null, 100, 301, 400, 401, 404, 429, 500, 503])('is tried again after %s', (status) => {
    expect(settle(1, answered(status), 1_000, 0.5)).toEqual({ state: 'waiting', due: 6_000 })
  })

  it('is tried for about a day, with pauses that grow, and is then given up', () => {
    let at = 0
    for (let attempts = 1; attempts < maxAttempts; attempts++) {
      const { due } = settle(attempts, answered(null), at, 0.5)
      expect(due! - at).toBe(pauses[attempts - 1])
      at = due!
    }
    expect(at / hour).toBeGreaterThan(23)
    expect(at / hour).toBeLessThan(25)
    expect([...pauses].sort((a, b) => a - b)).toEqual([...pauses])
    expect(settle(maxAttempts, answered(500), at, 0.5)).toEqual({ state: 'given-up', due: null })
  })

  it('spreads its pauses by a tenth either way', () => {
    const due = (random: number) => settle(6, answered(null), 0, random).due
    expect([due(0), due(0.5), due(1)]).toEqual([54, 60, 66].map((minutes) => minutes * 60_000))
  })

  it('is given up at once where the receiver is gone for good', () => {
    expect(settle(1, answered(410), 0, 0)).toEqual({ state: 'given-up', due: null })
  })

  it('waits as long as the receiver asks for, within a bound, and never less than its pause', () => {
    expect(settle(1, answered(503, 60_000), 0, 0.5).due).toBe(60_000)
    expect(settle(1, answered(503, 1), 0, 0.5).due).toBe(5_000)
    expect(settle(1, answered(503, 1_000 * hour), 0, 0.5).due).toBe(8 * hour)
  })
})
