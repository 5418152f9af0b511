import { expect, it } from 'vitest'
import { nextTime, nextTimes } from '../../shared/cron.ts'

const times = (cron: string, zone: string, after: string, count = 3) =>
  nextTimes(cron, zone, Date.parse(after), count).map((at) => new Date(at).toISOString())

it('goes by the clocks of the zone, also when they are set forward and back', () => {
  expect(times('0 3 * * *', 'Europe/Berlin', '2026-03-28T00:00:00Z')).toEqual([
    '2026-03-28T02:00:00.000Z',
    '2026-03-29T01:00:00.000Z',
    '2026-03-30T01:00:00.000Z',
  ])
})

it('is due once on the day that has an hour twice, and also on the day that leaves it out', () => {
  expect(times('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', 2)).toEqual([
    '2026-10-25T00:30:00.000Z',
    '2026-10-26T01:30:00.000Z',
  ])
  expect(times('30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', 2)).toEqual([
    '2026-03-29T01:00:00.000Z',
    '2026-03-30T00:30:00.000Z',
  ])
})

it('is due strictly after the moment that is given', () => {
  const at = Date.parse('2026-05-01T00:00:00Z')
  expect(nextTime('0 0 1 * *', 'UTC', at)).toBe(Date.parse('2026-06-01T00:00:00Z'))
})

it('knows what is never due, and what is no expression', () => {
  expect(nextTime('0 0 30 2 *', 'UTC', 0)).toBeNull()
  expect(() => nextTime('61 * * * *', 'UTC', 0)).toThrow('minute')
  expect(() => nextTime('* * * * * *', 'UTC', 0)).toThrow()
})
