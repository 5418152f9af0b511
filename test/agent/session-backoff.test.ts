import { describe, expect, it } from 'vitest'
import { failuresAfter, longestPause, pauseAfter, slowPause } from '../../agent/session/backoff.ts'
import { startLeaseClock } from '../../agent/session/lease-clock.ts'

describe('the pause before a socket is opened again', () => {
  it('grows from 250 ms to 15 s, and is drawn from all below', () => {
    const caps = [1, 2, 3, 4, 7, 8, 100].map((failures) => pauseAfter(failures, 1))
    expect(caps).toEqual([250, 500, 1000, 2000, 15_000, 15_000, 15_000])
    expect(pauseAfter(3, 0)).toBe(0)
    expect(pauseAfter(3, 0.5)).toBe(500)
  })

  it('is long where the next try will end the same way', () => {
    expect([slowPause(0), slowPause(1)]).toEqual([longestPause / 2, longestPause])
  })

  it('begins anew after a connection that lived for 10 s', () => {
    expect(failuresAfter(5, 9_999)).toBe(6)
    expect(failuresAfter(5, 10_000)).toBe(1)
  })
})

describe('the lease clock', () => {
  it('counts from what is known to have arrived', () => {
    const clock = startLeaseClock(1000, 50)
    expect(clock.expired(1049)).toBe(false)
    expect(clock.expired(1050)).toBe(true)
    clock.confirm(200)
    expect(clock.expired(1199)).toBe(false)
    clock.confirm(100)
    expect(clock.expired(1200)).toBe(true)
  })
})
