import { expect, it } from 'vitest'
import { bits, bytes, exactly, rate, roughly } from '../../web/console/format.ts'

it('tells bytes in steps of 1,024 from bits in steps of 1,000', () => {
  expect(bytes(50 * 2 ** 20)).toBe('50 MiB')
  expect(rate(50_000_000)).toBe('47.7 MiB/s')
  expect(rate(119.792)).toBe('120 B/s')
  expect(bits(50_000_000)).toBe('400 Mbit/s')
})

it('names the zone of an exact time', () => {
  expect(exactly(0, 'Europe/Paris')).toMatch(/1:00:00.*\(Europe\/Paris\)$/)
})

it('guesses no finer than a guess can be', () => {
  const minute = 60_000
  const guesses = [3_000, 45_000, 2.1 * minute, 7.4 * minute, 65 * minute, 200 * minute, 30.2 * 60 * minute]
  expect(guesses.map(roughly)).toEqual([
    ...['10 s', '50 s', '2 min 10 s', '7 min', '1 h 5 min', '3 h 20 min', '30 h'],
  ])
})
