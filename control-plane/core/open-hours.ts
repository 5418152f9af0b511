/**
 * When a schedule may start something, and when what it has started runs: in its window, and on no day of a blackout. Both are by the clocks on
 * the wall of its zone. A window, or a day, that the change of clocks would tear in two begins at the first of two equal times, and ends at
 * the last.
 */
import { blackoutDates, type NewSchedule } from '../../shared/api/schedules.ts'
import { nextTime } from '../../shared/cron.ts'
import { type Span, spansOf } from './limit.ts'
import { instantOf } from './wall-clock.ts'

export type Hours = Pick<NewSchedule, 'zone' | 'window' | 'blackouts'>

const day = 24 * 60 * 60_000
/** Windows repeat by the week, but for the days on which clocks change. */
const horizon = 16 * day
/** Times of a cron expression that are looked at for one at which something may start. */
const mostTimes = 400

/** Why it is closed; null: it is open. */
export function closedBy(hours: Hours, now: number): 'blackout' | 'window' | null {
  if (blackoutsOf(hours).some(holds(now))) return 'blackout'
  const { zone, window } = hours
  return window === null || spansOf(zone, window, now, now).some(holds(now)) ? null : 'window'
}

/** The first instant after `now` at which `closedBy` says something else; null: it never does, or not in two weeks after the last blackout. */
export function nextTurn(hours: Hours, now: number): number | null {
  const { zone, window } = hours
  const blackouts = blackoutsOf(hours)
  const starts = [now, ...blackouts.map(({ to }) => to).filter((to) => to > now)]
  const windows = window === null ? [] : starts.flatMap((at) => spansOf(zone, window, at, at + horizon))
  const was = closedBy(hours, now)
  const bounds = [...blackouts, ...windows].flatMap(({ from, to }) => [from, to])
  const later = [...new Set(bounds)].filter((at) => at > now).toSorted((a, b) => a - b)
  return later.find((at) => closedBy(hours, at) !== was) ?? null
}

/** The first instant from `now` on at which it is open; null: there is none that is known. */
export function nextOpen(hours: Hours, now: number): number | null {
  let at: number | null = now
  while (at !== null && closedBy(hours, at) !== null) at = nextTurn(hours, at)
  return at
}

/** When it is due after `after`: the next time at which something may start; null where there is none. */
export function nextStart(schedule: Hours & Pick<NewSchedule, 'cron' | 'at'>, after: number): number | null {
  const { cron, zone, at } = schedule
  if (cron === null) {
    const moment = Date.parse(at!)
    return moment > after ? moment : null
  }
  let time: number | null = after
  for (let i = 0; i < mostTimes && time !== null; i++) {
    time = nextTime(cron, zone, time)
    if (time === null || closedBy(schedule, time) === null) return time
    const open = nextOpen(schedule, time)
    // Just before it opens: that moment itself may be one of its times.
    time = open === null ? null : Math.max(time, open - 1)
  }
  return null
}

/** The next `count` of them. */
export function nextStarts(
  schedule: Hours & Pick<NewSchedule, 'cron' | 'at'>,
  after: number,
  count: number,
): number[] {
  const times: number[] = []
  for (let at = nextStart(schedule, after); at !== null; at = nextStart(schedule, at)) {
    times.push(at)
    if (times.length === count) break
  }
  return times
}

const holds =
  (now: number) =>
  ({ from, to }: Span): boolean =>
    from <= now && now < to

function blackoutsOf({ zone, blackouts }: Hours): Span[] {
  return blackouts.map((text) => {
    const { first, last } = blackoutDates(text)!
    const wall = (date: string) => Date.parse(`${date}T00:00Z`)
    return { from: instantOf(zone, wall(first), 'first'), to: instantOf(zone, wall(last) + day, 'last') }
  })
}
