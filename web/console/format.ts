/** Figures and times as people read them. Bytes are IEC's (KiB, MiB), times are in the viewer's zone. */
const whole = new Intl.NumberFormat('en')
const precise = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 })
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' })
const percents = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 1 })

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

export const count = (n: number): string => whole.format(n)

export function bytes(n: number): string {
  let unit = 0
  let value = n
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 ? whole.format(Math.round(value)) : precise.format(value)} ${units[unit]}`
}

/** Never 100 % before all is done. */
export function percent(part: number, all: number): string {
  if (all === 0) return '–'
  const share = part / all
  return percents.format(share < 1 ? Math.min(share, 0.999) : 1)
}

/** Ms since the epoch. */
export const when = (at: number): string =>
  new Date(at).toDateString() === new Date().toDateString() ? `today, ${clock.format(at)}` : moment.format(at)

/** The viewer's own: an IANA name. */
export const viewerZone = (): string => new Intl.DateTimeFormat().resolvedOptions().timeZone

/** Ms since the epoch, by the clocks on the wall of a zone, to the second and with the zone's name. */
export function exactly(at: number, zone = viewerZone()): string {
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long', timeZone: zone })
  return `${format.format(at)} (${zone})`
}

/** Ms since the epoch: the day and the minute by the clocks on the wall of a zone. */
export const wallTime = (at: number, zone: string): string =>
  new Intl.DateTimeFormat(undefined, {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    timeZone: zone,
  }).format(at)

/** Of today. */
export const time = (at: number): string => clock.format(at)

/** Of milliseconds: `3 h 5 min`. */
export function duration(ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return `${hours} h ${minutes % 60} min`
  return `${Math.floor(hours / 24)} days ${hours % 24} h`
}

/** A guess in milliseconds, no finer than it can be: `14 min`. */
export function roughly(ms: number): string {
  const [minute, hour] = [60_000, 3_600_000]
  const step = ms < 3 * minute ? 10_000 : ms < 2 * hour ? minute : ms < 24 * hour ? 10 * minute : hour
  const rounded = Math.max(1, Math.round(ms / step)) * step
  return duration(rounded).replace(/ 0 (s|min|h)$/, '')
}

/** Bytes a second, as disks and stores count them. */
export const rate = (perSecond: number): string => `${bytes(perSecond)}/s`

const bitUnits = ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s', 'Tbit/s']

/** The same as networks count it: bits, and steps of a thousand. Of bytes a second. */
export function bits(perSecond: number): string {
  let unit = 0
  let value = perSecond * 8
  while (value >= 1000 && unit < bitUnits.length - 1) {
    value /= 1000
    unit++
  }
  return `${precise.format(value)} ${bitUnits[unit]}`
}
