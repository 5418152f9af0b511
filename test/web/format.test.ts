import { expect, it } from 'vitest'
import { bits, bytes, exactly, rate } from '../../web/console/format.ts'

it('tells bytes in steps of 1,024 from bits in steps of 1,000', () => {
  expect(bytes(50 * 2 ** 20)).toBe('50 MiB')
  expect(rate(50_000_000)).toBe('47.7 MiB/s')
  expect(rate(119.792)).toBe('120 B/s')
  expect(bits(50_000_000)).toBe('400 Mbit/s')
})

it('names the zone of an exact time', () => {
  expect(exactly(0, 'Europe/Paris')).toMatch(/1:00:00.*\(Europe\/Paris\)$/)
})
