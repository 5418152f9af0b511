import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  closedBy,
  type Hours,
  nextOpen,
  nextStart,
  nextStarts,
  nextTurn,
} from '../../../control-plane/core/open-hours.ts'
import { newScheduleSchema, type Window, windowSchema } from '../../../shared/api/schedules.ts'

const berlin = 'Europe/Berlin'
const ms = (text: string) => Date.parse(text)
const iso = (at: number | null) => (at === null ? null : new Date(at).toISOString().replace(':00.000Z', 'Z'))
const nights: Window = windowSchema.parse({ from: '22:00', to: '06:00' })
const hours = (over: Partial<Hours> = {}): Hours => ({ zone: berlin, window: nights, blackouts: [], ...over })
/** When it opens and closes from then on. */
function turns(of: Hours, from: string, n: number): (string | null)[] {
  const found: (string | null)[] = []
  for (let at: number | null = ms(from); found.length < n && at !== null; ) {
    at = nextTurn(of, at)
    found.push(iso(at))
  }
  return found
}

describe('hours', () => {
  it.each([
    ['2026-11-20T21:00Z', null],
    ['2026-11-20T20:59:59Z', 'window'],
    ['2026-11-21T04:59:59Z', null],
    ['2026-11-21T05:00Z', 'window'],
  ])('at %s: closed by %s', (at, why) => expect(closedBy(hours(), ms(at))).toBe(why))

  it('belong to the day on which they begin', () => {
    const friday = hours({ window: { ...nights, days: ['fri'] } })
    expect(turns(friday, '2026-11-19T12:00Z', 3)).toEqual([
      '2026-11-20T21:00Z',
      '2026-11-21T05:00Z',
      '2026-11-27T21:00Z',
    ])
  })

  it('begin and end by the clocks on the wall, also on the days on which those are changed', () => {
    // In spring the night is an hour shorter, in autumn an hour longer.
    expect(turns(hours(), '2026-03-28T12:00Z', 2)).toEqual(['2026-03-28T21:00Z', '2026-03-29T04:00Z'])
    expect(turns(hours(), '2026-10-24T12:00Z', 2)).toEqual(['2026-10-24T20:00Z', '2026-10-25T05:00Z'])
    // 02:30 does not come on the one day, and comes twice on the other: no window is torn in two.
    const early = hours({ window: windowSchema.parse({ from: '02:30', to: '03:30' }) })
    expect(turns(early, '2026-03-28T22:00Z', 2)).toEqual(['2026-03-29T01:00Z', '2026-03-29T01:30Z'])
    expect(turns(early, '2026-10-24T22:00Z', 2)).toEqual(['2026-10-25T00:30Z', '2026-10-25T02:30Z'])
  })

  it('have no window on the days of a blackout, which begin and end there', () => {
    const quiet = hours({ blackouts: ['2026-12-24..2026-12-26', '2026-12-31'] })
    expect(turns(quiet, '2026-12-23T12:00Z', 6)).toEqual([
      '2026-12-23T21:00Z',
      '2026-12-23T23:00Z',
      // On the 27th the window of the 26th is open, as if it had not been a blackout.
      '2026-12-26T23:00Z',
      '2026-12-27T05:00Z',
      '2026-12-27T21:00Z',
      '2026-12-28T05:00Z',
    ])
    expect(closedBy(quiet, ms('2026-12-25T22:00Z'))).toBe('blackout')
    expect(closedBy(quiet, ms('2026-12-25T12:00Z'))).toBe('blackout')
  })

  it('are always open, where nothing is said', () => {
    const any = hours({ window: null })
    expect([closedBy(any, 0), nextTurn(any, 0), nextOpen(any, 5)]).toEqual([null, null, 5])
  })

  it('turn exactly where they are other than just before', () => {
    const time = fc
      .tuple(fc.nat(23), fc.nat(59))
      .map((parts) => parts.map((n) => `${n}`.padStart(2, '0')).join(':'))
    const date = fc.integer({ min: ms('2026-03-20'), max: ms('2026-11-10') })
    const dates = date.map((at) => new Date(at).toISOString().slice(0, 10))
    const zones = fc.constantFrom(berlin, 'UTC', 'America/New_York', 'Australia/Lord_Howe', 'Pacific/Apia')
    const window = fc.option(fc.record({ from: time, to: time }), { freq: 5 })
    fc.assert(
      fc.property(zones, window, fc.array(dates, { maxLength: 3 }), date, (zone, between, blackouts, at) => {
        fc.pre(between?.from !== between?.to || between === null)
        const of: Hours = { zone, window: between && windowSchema.parse(between), blackouts }
        const turn = nextTurn(of, at)
        const was = closedBy(of, at)
        const open = nextOpen(of, at)
        if (open !== null) expect(closedBy(of, open)).toBe(null)
        if (turn === null) return
        expect(turn).toBeGreaterThan(at)
        expect(closedBy(of, turn)).not.toBe(was)
        expect(closedBy(of, turn - 1_000)).toBe(was)
      }),
      { numRuns: 150 },
    )
  })
})

describe('a start', () => {
  const schedule = (over: object) =>
    newScheduleSchema.parse({ migration: 'm', cron: '0 * * * *', zone: berlin, ...over })

  it('is at the times of the expression at which something may start', () => {
    const nightly = schedule({ window: { from: '22:00', to: '01:00' }, blackouts: ['2026-11-21'] })
    expect(nextStarts(nightly, ms('2026-11-19T12:00Z'), 6).map(iso)).toEqual([
      '2026-11-19T21:00Z',
      '2026-11-19T22:00Z',
      '2026-11-19T23:00Z',
      '2026-11-20T21:00Z',
      '2026-11-20T22:00Z',
      '2026-11-21T23:00Z',
    ])
  })

  it('is never, where the two do not meet', () => {
    expect(nextStart(schedule({ cron: '0 12 * * *', window: { from: '22:00', to: '06:00' } }), 0)).toBe(null)
  })

  it('is once, at a moment', () => {
    const once = schedule({ cron: null, at: '2026-12-01T22:00:00+01:00' })
    expect(iso(nextStart(once, 0))).toBe('2026-12-01T21:00Z')
    expect(nextStart(once, ms('2026-12-01T21:00Z'))).toBe(null)
  })

  it.each([
    [{ cron: null }, 'again and again (cron) or once (at)'],
    [{ at: '2026-12-01T22:00:00Z' }, 'again and again (cron) or once (at)'],
    [{ cron: null, at: '2026-12-01' }, 'a moment such as'],
    [{ window: { from: '22:00', to: '22:00' } }, 'lasts a minute at least'],
    [{ window: { from: '24:00', to: '06:00' } }, 'begins the next day'],
    [{ window: { from: '22:00', to: '25:00' } }, 'HH:MM'],
    [{ window: { from: '22:00', to: '06:00', days: [] } }, 'days'],
    [{ blackouts: ['2026-02-30'] }, 'a date such as'],
    [{ blackouts: ['2026-12-26..2026-12-24'] }, 'ends before it begins'],
    [{ starts: 'life', options: { delete: true } }, 'the migration’s policy'],
  ])('is refused as %o', (over, message) => {
    const parsed = newScheduleSchema.safeParse({ migration: 'm', cron: '0 * * * *', ...over })
    expect(JSON.stringify(parsed.error?.issues ?? '')).toContain(message)
  })
})
