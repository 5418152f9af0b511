/** A schedule as it is typed, and as it is set. */
import { expect, it } from 'vitest'
import { newScheduleSchema, type ScheduleView } from '../../shared/api/schedules.ts'
import { blackoutsFault, bodyOf, draftOf, hoursFault } from '../../web/console/schedules/draft.ts'

const whole: ScheduleView = {
  ...{
    id: 'nightly',
    migration: 'photos',
    starts: 'pass',
    cron: '0 3 * * *',
    at: null,
    zone: 'Europe/Paris',
  },
  window: { from: '22:00', to: '06:00', days: ['mon', 'fri'] },
  blackouts: ['2026-12-24..2026-12-26', '2027-01-01'],
  ...{ options: { kind: 'verify', depth: 'full' }, enabled: true, next: [], closedUntil: null, last: null },
  ...{ createdAt: 1, updatedAt: 1, revision: 1 },
}
const {
  id: _,
  next: _n,
  closedUntil: _c,
  last: _l,
  createdAt: _a,
  updatedAt: _u,
  revision: _r,
  ...set
} = whole

it('is set again as it was', () => {
  expect(newScheduleSchema.parse(bodyOf(draftOf(whole)))).toEqual(set)
  const once: ScheduleView = { ...whole, cron: null, at: '2026-12-01T21:00:00.000Z', window: null }
  expect(bodyOf(draftOf(once))).toEqual({ ...set, cron: null, at: once.at, window: null })
  const lived: ScheduleView = { ...whole, starts: 'life', options: {} }
  expect(bodyOf(draftOf(lived))).toEqual({ ...set, starts: 'life', options: {} })
})

it('says nothing of its passes where it starts a life, and keeps what else it said of them where not', () => {
  const draft = draftOf(whole)
  expect(bodyOf({ ...draft, kind: 'life' })).toMatchObject({ starts: 'life', options: {} })
  expect(bodyOf({ ...draft, kind: 'dryRun' })).toMatchObject({ options: { depth: 'full', dryRun: true } })
})

it('says what is wrong with hours and days', () => {
  const draft = draftOf(whole)
  expect([hoursFault(draft), blackoutsFault(draft)]).toEqual([null, null])
  expect(hoursFault({ ...draft, from: '25:00' })).toMatch(/time of day/)
  expect(hoursFault({ ...draft, keeps: false, from: '25:00' })).toBeNull()
  expect(blackoutsFault({ ...draft, blackouts: '2026-12-24\n24 December' })).toMatch(/a date such as/)
  expect(newScheduleSchema.safeParse(bodyOf({ ...draft, repeats: false, at: '' })).success).toBe(false)
})
