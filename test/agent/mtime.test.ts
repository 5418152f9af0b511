import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { microsFromSeconds, sameMtime, secondsFromMicros } from '../../agent/core/mtime.ts'

fc.configureGlobal({ seed: 1 })

describe('modification times', () => {
  it.each([
    [0, '0'],
    [1_700_000_000_123_456, '1700000000.123456'],
    [1_700_000_000_500_000, '1700000000.5'],
    [1_700_000_000_000_000, '1700000000'],
    [1, '0.000001'],
    [-1, '-0.000001'],
    [-1_500_000, '-1.5'],
    [-1_000_000, '-1'],
  ])('writes %d µs as %s, and reads it back', (micros, text) => {
    expect(secondsFromMicros(micros)).toBe(text)
    expect(microsFromSeconds(text)).toBe(micros)
  })

  it.each([
    ['1700000000.123456789', 1_700_000_000_123_456],
    ['-1.5000005', -1_500_001],
    ['-0.0000001', -1],
    ['0.0000009', 0],
    ['1700000000.', 1_700_000_000_000_000],
    ['+5', 5_000_000],
    ['-0', 0],
  ])('reads %s, rounded down', (text, micros) => {
    expect(microsFromSeconds(text)).toBe(micros)
  })

  it.each(['', 'yesterday', '1.2.3', '.5', '1e9', '0x10', '2024-01-01', '99999999999', 'NaN', '1 2'])(
    'knows that %j is no time',
    (text) => {
      expect(microsFromSeconds(text)).toBeNull()
    },
  )

  it('reads back whatever it writes', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (micros) => {
        expect(microsFromSeconds(secondsFromMicros(micros))).toBe(micros + 0)
      }),
    )
  })

  it('forgives the microsecond that utimes loses, and no more', () => {
    expect(sameMtime(1_700_000_000_000_000, 1_700_000_000_000_001)).toBe(true)
    expect(sameMtime(1_700_000_000_000_001, 1_700_000_000_000_000)).toBe(true)
    expect(sameMtime(1_700_000_000_000_000, 1_700_000_000_000_002)).toBe(false)
  })
})
