/**
 * What a limit allows at an instant, and when that changes next. Windows are spans between two instants, found from the wall
 * clock of the limit's zone on the day on which each begins (wall-clock.ts):
 *
 *   - across midnight, a window belongs to the day on which it begins: `Fri 22:00-06:00` ends on Saturday
 *   - a window that would begin or end in the hour that is skipped in spring does so when it is skipped
 *   - in the hour that comes twice in autumn, a window begins at the first and ends at the second: it is never torn in two
 */
import { days, type Limit, type LimitValues, type LimitWindow, minutesOf } from '../../shared/limit.ts'
import { instantOf, wallAt } from './wall-clock.ts'

const minute = 60_000
const day = 24 * 60 * minute

export interface Span {
  readonly from: number
  /** Not in it any more. */
  readonly to: number
}

/** Those of `window` that touch `[from, to]`, both instants. */
export function spansOf(
  zone: string,
  window: Pick<LimitWindow, 'days' | 'from' | 'to'>,
  from: number,
  to: number,
): Span[] {
  const begins = minutesOf(window.from)! * minute
  const ends = minutesOf(window.to)! * minute
  const length = ends > begins ? ends - begins : ends - begins + day
  const spans: Span[] = []
  // The window of yesterday may not be over yet, nor may that of a day that is not the zone's today.
  const firstDay = Math.floor(wallAt(zone, from) / day) - 2
  const lastDay = Math.floor(wallAt(zone, to) / day) + 1
  for (let date = firstDay; date <= lastDay; date++) {
    // The first of January 1970 was a Thursday.
    const weekday = days[(((date + 3) % 7) + 7) % 7]!
    if (!window.days.includes(weekday)) continue
    const wall = date * day + begins
    const span = { from: instantOf(zone, wall, 'first'), to: instantOf(zone, wall + length, 'last') }
    if (span.to > from && span.from <= to && span.from < span.to) spans.push(span)
  }
  return spans
}

const isOpen = (zone: string, window: LimitWindow, now: number): boolean =>
  spansOf(zone, window, now, now).some(({ from, to }) => from <= now && now < to)

export function limitAt(limit: Limit, now: number): LimitValues {
  const { bandwidth, requests, concurrency, zone, windows } = limit
  const values = { bandwidth, requests, concurrency }
  for (const window of windows) {
    if (!isOpen(zone, window, now)) continue
    if (window.bandwidth !== undefined) values.bandwidth = window.bandwidth
    if (window.requests !== undefined) values.requests = window.requests
    if (window.concurrency !== undefined) values.concurrency = window.concurrency
  }
  return values
}

/** Weeks repeat, but for the days on which clocks change. */
const horizon = 16 * day

/** The first instant after `now` at which `limitAt` is another; null where there is none in the next two weeks. */
export function nextChange(limit: Limit, now: number): number | null {
  const bounds = limit.windows
    .flatMap((window) => spansOf(limit.zone, window, now, now + horizon))
    .flatMap(({ from, to }) => [from, to])
    .filter((instant) => instant > now)
    .toSorted((a, b) => a - b)
  const values = limitAt(limit, now)
  return bounds.find((instant) => !isSame(limitAt(limit, instant), values)) ?? null
}

export const isSame = (a: LimitValues, b: LimitValues): boolean =>
  a.bandwidth === b.bandwidth && a.requests === b.requests && a.concurrency === b.concurrency
