/** Rates and windows as people write them: 50MB/s, 50MiB/s and 400Mbit/s are three things, and none is guessed. */
import { DrayError } from '../../shared/error.ts'
import { type Day, days, type LimitValues, type LimitWindow, leastBandwidth } from '../../shared/limit.ts'
import { count } from './figures.ts'

const usage = (message: string, hint: string) =>
  new DrayError('usage', 'read the arguments', message, { hint })

const decimal: Record<string, number> = { '': 1, k: 1e3, K: 1e3, M: 1e6, G: 1e9, T: 1e12 }
const binary: Record<string, number> = { Ki: 1024, Mi: 1024 ** 2, Gi: 1024 ** 3, Ti: 1024 ** 4 }

/** Bytes a second; null for `none`. `name`: what is asked for, such as `--bandwidth`. */
export function parseBandwidth(text: string, name: string): number | null {
  if (text === 'none') return null
  const [, digits, prefix = '', unit] =
    /^(\d{1,12}(?:\.\d{1,6})?) ?([kKMGT]?i?)(B|bit)(?:\/s|ps)$/.exec(text.replace(/bps$/, 'bitps')) ?? []
  const factor = decimal[prefix] ?? binary[prefix]
  const rate = Math.round((Number(digits) * (factor ?? Number.NaN)) / (unit === 'bit' ? 8 : 1))
  const hint = 'Write it as 50MB/s (millions of bytes), 50MiB/s (of 1,048,576 bytes) or 400Mbit/s.'
  if (!Number.isSafeInteger(rate)) throw usage(`${name} is no rate: ${text}`, hint)
  if (rate < leastBandwidth) throw usage(`${name} is too little: ${text}`, 'It must be at least 64kbit/s.')
  return rate
}

/** Requests a second. */
export function parseRequests(text: string, name: string): number | null {
  if (text === 'none') return null
  const [, digits] = /^(\d{1,7})(?:\/s)?$/.exec(text) ?? []
  const rate = Number(digits ?? Number.NaN)
  if (rate >= 1 && rate <= 1e6) return rate
  throw usage(`${name} is no number of requests a second: ${text}`, 'Write it as 500/s, from 1 to 1,000,000.')
}

/** Requests at once. */
export function parseConcurrency(text: string, name: string): number | null {
  if (text === 'none') return null
  const most = /^\d{1,7}$/.test(text) ? Number(text) : Number.NaN
  if (most >= 1 && most <= 1e6) return most
  throw usage(`${name} is no number of requests: ${text}`, 'Write it as 64, from 1 to 1,000,000.')
}

const parsers = { bandwidth: parseBandwidth, requests: parseRequests, concurrency: parseConcurrency }
const kinds = Object.keys(parsers) as (keyof typeof parsers)[]

/** `Mon-Fri 08:00-18:00 bandwidth=50Mbit/s`; without times the whole day. */
export function parseWindow(text: string): LimitWindow {
  const hint =
    "Write it as 'Mon-Fri 08:00-18:00 bandwidth=50Mbit/s requests=100/s', with days as in Sat,Sun or daily."
  const [first = '', ...rest] = text.trim().split(/\s+/)
  const on = daysOf(first)
  if (on === null) throw usage(`--window begins with no days: ${text}`, hint)
  const [, from = null, to = null] = /^(\d{1,2}:\d{2})-(\d{1,2}:\d{2})$/.exec(rest[0] ?? '') ?? []
  if (from !== null) rest.shift()
  const window: LimitWindow = {
    days: on,
    from: from === null ? '00:00' : padded(from),
    to: to === null ? '24:00' : padded(to),
  }
  if (rest.length === 0) throw usage(`--window says nothing of what is different in it: ${text}`, hint)
  for (const each of rest) {
    const [, name, value] = /^([a-z]+)=(\S+)$/.exec(each) ?? []
    const kind = kinds.find((one) => one === name)
    if (kind === undefined) throw usage(`--window holds what is no value: ${each}`, hint)
    window[kind] = parsers[kind](value!, `--window ${kind}`)
  }
  return window
}

/** `22:00-06:00`, `Mon-Fri 22:00-06:00`. */
export function parseHours(text: string): { days: Day[]; from: string; to: string } {
  const [first = '', ...rest] = text.trim().split(/\s+/)
  const [hours = '', ...more] = /^\d/.test(first) ? [first, ...rest] : rest
  const on = /^\d/.test(first) ? [...days] : daysOf(first)
  const [, from, to] = /^(\d{1,2}:\d{2})-(\d{1,2}:\d{2})$/.exec(hours) ?? []
  if (on !== null && from !== undefined && to !== undefined && more.length === 0)
    return { days: on, from: padded(from), to: padded(to) }
  throw usage(`--window is no window: ${text}`, "Write it as 22:00-06:00, or as 'Mon-Fri 22:00-06:00'.")
}

const padded = (time: string) => time.padStart(5, '0')

function daysOf(text: string): Day[] | null {
  if (/^(daily|every ?day)$/i.test(text)) return [...days]
  const found = new Set<Day>()
  for (const part of text.toLowerCase().split(',')) {
    const [from, to, ...more] = part.split('-').map((name) => days.indexOf(name.slice(0, 3) as Day))
    const isNamed = part.split('-').every((name) => /^[a-z]{3,9}$/.test(name))
    if (!isNamed || from === undefined || from < 0 || (to !== undefined && to < 0) || more.length > 0)
      return null
    for (let at = from; ; at = (at + 1) % 7) {
      found.add(days[at]!)
      if (at === (to ?? from)) break
    }
  }
  return days.filter((day) => found.has(day))
}

/** As `parseWindow` takes it. */
export function formatWindow({ days: on, from, to, ...values }: LimitWindow): string {
  const names = on.map((day) => `${day[0]!.toUpperCase()}${day.slice(1)}`)
  const first = days.indexOf(on[0]!)
  const isRun = on.length > 2 && on.every((day, i) => days[first + i] === day)
  const when = on.length === 7 ? 'daily' : isRun ? `${names[0]}-${names.at(-1)}` : names.join(',')
  const what = kinds.flatMap((kind) => {
    const value = values[kind]
    return value === undefined ? [] : [`${kind}=${formatValue(kind, value).replace(/[ ,]/g, '')}`]
  })
  return [when, `${from}-${to}`, ...what].join(' ')
}

export function formatValue(kind: keyof LimitValues, value: number | null): string {
  if (value === null) return 'none'
  if (kind === 'bandwidth') return formatBandwidth(value)
  return kind === 'requests' ? `${count(value)}/s` : count(value)
}

/** In the first unit of which it is a whole number. */
const formatBandwidth = (rate: number): string => {
  const units: [string, number][] = [
    ['GiB/s', binary.Gi!],
    ['MiB/s', binary.Mi!],
    ['MB/s', 1e6],
    ['Mbit/s', 1e6 / 8],
    ['KiB/s', binary.Ki!],
    ['kB/s', 1e3],
    ['kbit/s', 1e3 / 8],
    ['B/s', 1],
  ]
  const [unit, of] = units.find(([, of]) => rate % of === 0) ?? ['B/s', 1]
  return `${count(rate / of)} ${unit}`
}
