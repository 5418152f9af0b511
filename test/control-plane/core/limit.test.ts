/** Limits by the clock on the wall, across the days on which clocks are changed. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isSame, limitAt, nextChange } from '../../../control-plane/core/limit.ts'
import { instantOf, wallAt } from '../../../control-plane/core/wall-clock.ts'
import { days, endpointName, isZone, type Limit, limitSchema } from '../../../shared/limit.ts'

const at = (text: string) => Date.parse(text)
const limit = (zone: string, ...windows: Limit['windows']): Limit =>
  limitSchema.parse({ bandwidth: 1_000_000, requests: 100, zone, windows })
const all = [...days]
const slow = { days: all, bandwidth: 50_000 }

/** The minutes of a day (UTC) in which the window is open, as spans. */
function openSpans(of: Limit, from: string, to: string): string[] {
  const spans: string[] = []
  let began: number | null = null
  for (let now = at(from); now <= at(to); now += 60_000) {
    const isOpen = limitAt(of, now).bandwidth === 50_000
    if (isOpen && began === null) began = now
    if (!isOpen && began !== null) {
      spans.push(
        `${new Date(began).toISOString().slice(11, 16)}-${new Date(now).toISOString().slice(11, 16)}`,
      )
      began = null
    }
  }
  return spans
}

describe('a limit', () => {
  test('is what its windows say on their days, by the clock of its zone', () => {
    const office = limit('Europe/Berlin', {
      days: ['mon', 'tue', 'wed', 'thu', 'fri'],
      from: '08:00',
      to: '18:00',
      bandwidth: 50_000,
    })
    // Summer is two hours ahead of UTC, winter one. 2026-07-06 is a Monday.
    expect(limitAt(office, at('2026-07-06T05:59:59Z')).bandwidth).toBe(1_000_000)
    expect(limitAt(office, at('2026-07-06T06:00:00Z'))).toEqual({
      bandwidth: 50_000,
      requests: 100,
      concurrency: null,
    })
    expect(limitAt(office, at('2026-07-06T15:59:59Z')).bandwidth).toBe(50_000)
    expect(limitAt(office, at('2026-07-06T16:00:00Z')).bandwidth).toBe(1_000_000)
    expect(limitAt(office, at('2026-12-07T06:30:00Z')).bandwidth).toBe(1_000_000)
    expect(limitAt(office, at('2026-12-07T07:00:00Z')).bandwidth).toBe(50_000)
    expect(limitAt(office, at('2026-07-11T10:00:00Z')).bandwidth).toBe(1_000_000)
    expect(nextChange(office, at('2026-07-10T16:00:00Z'))).toBe(at('2026-07-13T06:00:00Z'))
    // The night in which clocks are put back is an hour longer.
    expect(nextChange(office, at('2026-10-23T16:00:00Z'))).toBe(at('2026-10-26T07:00:00Z'))
  })

  test('has windows across midnight, which belong to the day on which they begin', () => {
    const night = limit('Asia/Kolkata', { days: ['fri'], from: '22:00', to: '06:00', bandwidth: 50_000 })
    // 2026-07-10 is a Friday; Kolkata is five and a half hours ahead.
    expect(limitAt(night, at('2026-07-10T16:29:00Z')).bandwidth).toBe(1_000_000)
    expect(limitAt(night, at('2026-07-10T16:30:00Z')).bandwidth).toBe(50_000)
    expect(limitAt(night, at('2026-07-11T00:29:00Z')).bandwidth).toBe(50_000)
    expect(limitAt(night, at('2026-07-11T00:30:00Z')).bandwidth).toBe(1_000_000)
    expect(limitAt(night, at('2026-07-10T00:00:00Z')).bandwidth).toBe(1_000_000)
  })

  test('lets the later of two windows have the last word on each value', () => {
    const both = limit(
      'UTC',
      { days: all, from: '00:00', to: '24:00', bandwidth: 50_000, requests: 10 },
      { days: all, from: '12:00', to: '13:00', bandwidth: null },
    )
    expect(limitAt(both, at('2026-07-06T12:30:00Z'))).toMatchObject({ bandwidth: null, requests: 10 })
    expect(limitAt(both, at('2026-07-06T13:00:00Z'))).toMatchObject({ bandwidth: 50_000, requests: 10 })
  })

  // Berlin, 2026-03-29: 02:00 becomes 03:00 at 01:00 UTC. 2026-10-25: 03:00 becomes 02:00 at 01:00 UTC.
  const spring: [string, string] = ['2026-03-28T23:00:00Z', '2026-03-29T10:00:00Z']
  const autumn: [string, string] = ['2026-10-24T22:00:00Z', '2026-10-25T10:00:00Z']
  test.each([
    ['begins when its hour is skipped', '02:30', '04:00', spring, ['01:00-02:00']],
    ['ends when its hour is skipped', '01:00', '02:30', spring, ['00:00-01:00']],
    ['that lies in the skipped hour does not come', '02:10', '02:50', spring, []],
    ['around the skipped hour is an hour shorter', '01:00', '04:00', spring, ['00:00-02:00']],
    ['begins with the first of an hour that comes twice', '02:30', '04:00', autumn, ['00:30-03:00']],
    ['ends with the second of an hour that comes twice', '01:00', '02:30', autumn, ['23:00-01:30']],
    ['is not torn by an hour that comes twice', '02:15', '02:45', autumn, ['00:15-01:45']],
    ['ends at the end of the hour that comes twice', '01:00', '03:00', autumn, ['23:00-02:00']],
  ])('a window %s', (_, from, to, [begin, end], spans) => {
    expect(openSpans(limit('Europe/Berlin', { ...slow, from, to }), begin, end)).toEqual(spans)
  })

  test('knows zones that shift by half an hour, at midnight, or over a whole day', () => {
    // Lord Howe: half an hour back at 02:00 on 2026-04-05 (15:00 UTC the day before).
    const howe = limit('Australia/Lord_Howe', { ...slow, from: '01:45', to: '02:15' })
    expect(openSpans(howe, '2026-04-04T13:00:00Z', '2026-04-04T18:00:00Z')).toEqual(['14:45-15:45'])
    // Cairo: forward at midnight on 2026-04-24.
    const cairo = limit('Africa/Cairo', { ...slow, from: '00:00', to: '02:00' })
    expect(openSpans(cairo, '2026-04-23T20:00:00Z', '2026-04-24T04:00:00Z')).toEqual(['22:00-23:00'])
    // Apia left out the 30th of December 2011, a Friday.
    const apia = limit('Pacific/Apia', { days: ['fri'], from: '08:00', to: '10:00', bandwidth: 50_000 })
    expect(openSpans(apia, '2011-12-29T00:00:00Z', '2011-12-31T09:00:00Z')).toEqual([])
  })

  const zones = [
    'Europe/Berlin',
    'America/New_York',
    'Australia/Lord_Howe',
    'America/Sao_Paulo',
    'Asia/Kathmandu',
    'Africa/Casablanca',
    'Pacific/Chatham',
    'UTC',
  ]
  const quarter = fc.integer({ min: 0, max: 95 }).map((n) => n * 15)
  const text = (minutes: number) =>
    `${`${Math.floor(minutes / 60)}`.padStart(2, '0')}:${`${minutes % 60}`.padStart(2, '0')}`
  const window = fc
    .record({
      days: fc.subarray(all, { minLength: 1 }),
      from: quarter,
      length: fc.integer({ min: 1, max: 95 }).map((n) => n * 15),
      bandwidth: fc.constantFrom(10_000, 20_000, null),
    })
    .map(({ days, from, length, bandwidth }) => ({
      days,
      from: text(from),
      to: text((from + length) % 1440),
      bandwidth,
    }))
  const random = fc
    .record({ zone: fc.constantFrom(...zones), windows: fc.array(window, { minLength: 1, maxLength: 3 }) })
    .map(({ zone, windows }) => limit(zone, ...windows))
  // Around the days on which clocks change, of 2024 to 2027.
  const instant = fc
    .record({
      year: fc.integer({ min: 2024, max: 2027 }),
      near: fc.constantFrom('03-10', '03-31', '04-05', '10-05', '10-27', '11-02', '02-18'),
      minutes: fc.integer({ min: -5 * 1440, max: 5 * 1440 }),
    })
    .map(({ year, near, minutes }) => at(`${year}-${near}T00:00:00Z`) + minutes * 60_000)

  test('stays what it is until `nextChange`, and is another then', () => {
    fc.assert(
      fc.property(random, instant, fc.double({ min: 0, max: 1, noNaN: true }), (of, now, share) => {
        const next = nextChange(of, now)
        const values = limitAt(of, now)
        const until = next ?? now + 14 * 24 * 3600_000
        expect(until).toBeGreaterThan(now)
        expect(isSame(limitAt(of, now + Math.floor((until - now - 1) * share)), values)).toBe(true)
        expect(isSame(limitAt(of, until - 1), values)).toBe(true)
        if (next !== null) expect(isSame(limitAt(of, next), values)).toBe(false)
      }),
      { numRuns: 300 },
    )
  })

  test('is open where the wall says so, but for the hours that are skipped or come twice', () => {
    fc.assert(
      fc.property(random, instant, (of, now) => {
        const { zone } = of
        const offsets = [-26, 0, 26].map((hours) => {
          const when = now + hours * 3600_000
          return wallAt(zone, when) - when
        })
        fc.pre(new Set(offsets).size === 1)
        const wall = new Date(wallAt(zone, now))
        const minutes = wall.getUTCHours() * 60 + wall.getUTCMinutes()
        const today = days[(wall.getUTCDay() + 6) % 7]!
        const yesterday = days[(wall.getUTCDay() + 5) % 7]!
        let bandwidth: number | null | undefined = 1_000_000
        for (const each of of.windows) {
          const [from, to] = [each.from, each.to].map((time) => {
            const [hours, rest] = time.split(':').map(Number)
            return hours! * 60 + rest!
          }) as [number, number]
          const wraps = to <= from
          const opened = each.days.includes(today) && minutes >= from && (wraps || minutes < to)
          const goesOn = wraps && each.days.includes(yesterday) && minutes < to
          if (opened || goesOn) bandwidth = each.bandwidth
        }
        expect(limitAt(of, now).bandwidth).toBe(bandwidth)
      }),
      { numRuns: 300 },
    )
  })

  test('finds back what the wall showed', () => {
    fc.assert(
      fc.property(fc.constantFrom(...zones), instant, (zone, now) => {
        const wall = wallAt(zone, now)
        const [first, last] = [instantOf(zone, wall, 'first'), instantOf(zone, wall, 'last')]
        expect([first, last]).toContain(now)
        expect(first).toBeLessThanOrEqual(last)
      }),
    )
  })
})

describe('what is taken for a limit', () => {
  test('an endpoint has one name', () => {
    expect(endpointName('HTTPS://S3.Example.com:443/')).toBe('https://s3.example.com')
    expect(endpointName('s3.eu-central-1.amazonaws.com')).toBe('https://s3.eu-central-1.amazonaws.com')
    expect(endpointName('http://127.0.0.1:9000')).toBe('http://127.0.0.1:9000')
    expect(endpointName('file:paris')).toBe('file:paris')
    for (const none of [
      'https://a/b',
      'ftp://a',
      'https://u:p@a',
      'file:',
      'file:/srv',
      'a b',
      '',
      'https://a?x',
    ])
      expect(endpointName(none), none).toBeNull()
  })

  test('a zone is one of IANA’s', () => {
    expect(isZone('Europe/Berlin')).toBe(true)
    expect(isZone('Europe/Berlim')).toBe(false)
    expect(isZone('+02:00')).toBe(false)
  })

  test.each([
    [{}, ''],
    [{ bandwidth: 0 }, 'bandwidth'],
    [{ requests: 1.5 }, 'requests'],
    [{ concurrency: 1, zone: 'Mars/Base' }, 'zone'],
    [{ windows: [{ days: ['mon'], from: '8:00', to: '09:00', requests: 1 }] }, 'windows.0.from'],
    [{ windows: [{ days: ['mon'], from: '08:00', to: '08:00', requests: 1 }] }, 'windows.0.to'],
    [{ windows: [{ days: ['mon'], from: '24:00', to: '08:00', requests: 1 }] }, 'windows.0.from'],
    [{ windows: [{ days: [], from: '07:00', to: '08:00', requests: 1 }] }, 'windows.0.days'],
    [{ windows: [{ days: ['mon'], from: '07:00', to: '08:00' }] }, 'windows.0'],
  ])('what is wrong is named: %j', (given, path) => {
    const parsed = limitSchema.safeParse(given)
    expect(parsed.error?.issues[0]?.path.join('.')).toBe(path)
  })
})
