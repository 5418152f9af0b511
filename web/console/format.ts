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
  return `${unit === 0 ? whole.format(value) : precise.format(value)} ${units[unit]}`
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
