/** What a limit allows in a usual week (one in which no clock is changed), by the clocks of its zone. Pure. */
import { type Day, days, type Limit, type LimitValues, minutesOf } from '../../../shared/limit.ts'

/** Minutes since midnight; `to` is not in it any more. */
export interface Stretch extends LimitValues {
  readonly from: number
  readonly to: number
}

const day = 24 * 60
const week = 7 * day

/** In the order of time, without a gap, for each day; neighbours differ. */
export function weekOf(limit: Pick<Limit, 'windows' | keyof LimitValues>): Record<Day, Stretch[]> {
  const { bandwidth, requests, concurrency, windows } = limit
  const spans = windows.flatMap((window) => {
    const begins = minutesOf(window.from)!
    const ends = minutesOf(window.to)!
    const length = ends > begins ? ends - begins : ends - begins + day
    return window.days.map((on) => {
      const from = days.indexOf(on) * day + begins
      return { window, from, to: from + length }
    })
  })
  /** The end of Sunday is the beginning of Monday. */
  const isIn = ({ from, to }: { from: number; to: number }, minute: number) =>
    (from <= minute && minute < to) || (from <= minute + week && minute + week < to)
  const at = (minute: number): LimitValues => {
    const values = { bandwidth, requests, concurrency }
    for (const span of spans.filter((one) => isIn(one, minute))) {
      const { window } = span
      if (window.bandwidth !== undefined) values.bandwidth = window.bandwidth
      if (window.requests !== undefined) values.requests = window.requests
      if (window.concurrency !== undefined) values.concurrency = window.concurrency
    }
    return values
  }
  const bounds = spans.flatMap(({ from, to }) => [from % week, to % week])
  const of = (on: Day): Stretch[] => {
    const start = days.indexOf(on) * day
    const inside = bounds.filter((bound) => bound > start && bound < start + day)
    const marks = [...new Set([start, ...inside, start + day])].toSorted((a, b) => a - b)
    const stretches: Stretch[] = []
    for (const [i, from] of marks.slice(0, -1).entries()) {
      const values = at(from)
      const last = stretches.at(-1)
      const to = marks[i + 1]! - start
      if (last && isSame(last, values)) stretches[stretches.length - 1] = { ...last, to }
      else stretches.push({ ...values, from: from - start, to })
    }
    return stretches
  }
  return Object.fromEntries(days.map((on) => [on, of(on)])) as Record<Day, Stretch[]>
}

const isSame = (a: LimitValues, b: LimitValues) =>
  a.bandwidth === b.bandwidth && a.requests === b.requests && a.concurrency === b.concurrency

/** `HH:MM`; the end of a day is 24:00. */
export const clockOf = (minutes: number): string =>
  `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`
