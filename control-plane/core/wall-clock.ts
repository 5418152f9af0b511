/**
 * Clocks on the wall of a time zone, by the rules that the runtime has (Intl). Milliseconds since 1970 in and out.
 *
 * Where clocks are put forward, times in the gap never come: what is set for one happens when the gap is jumped. Where they
 * are put back, times come twice; the caller says whether it means the first or the last of the two.
 */

const formats = new Map<string, Intl.DateTimeFormat>()

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone)
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
    formats.set(zone, format)
  }
  return format
}

/** What the wall shows at `instant`, as if it were UTC; whole seconds. */
export function wallAt(zone: string, instant: number): number {
  const part: Record<string, number> = {}
  for (const { type, value } of formatOf(zone).formatToParts(instant)) part[type] = Number(value)
  return Date.UTC(part.year!, part.month! - 1, part.day!, part.hour!, part.minute!, part.second!)
}

const day = 24 * 60 * 60_000

const offsetAt = (zone: string, instant: number): number =>
  wallAt(zone, instant) - Math.floor(instant / 1000) * 1000

/** When the wall shows `wall` (as `wallAt` gives it). */
export function instantOf(zone: string, wall: number, which: 'first' | 'last'): number {
  const before = offsetAt(zone, wall - day)
  const after = offsetAt(zone, wall + day)
  if (before === after) return wall - before
  const fits = [wall - before, wall - after]
    .filter((instant) => wallAt(zone, instant) === wall)
    .toSorted((a, b) => a - b)
  const found = which === 'first' ? fits[0] : fits.at(-1)
  return found ?? changeBetween(zone, wall - Math.max(before, after), wall - Math.min(before, after))
}

/** When the zone's clocks are changed: the first whole second with the offset of `to`. */
function changeBetween(zone: string, from: number, to: number): number {
  const offset = offsetAt(zone, to)
  let low = Math.floor(from / 1000)
  let high = Math.ceil(to / 1000)
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (offsetAt(zone, middle * 1000) === offset) high = middle
    else low = middle
  }
  return high * 1000
}
