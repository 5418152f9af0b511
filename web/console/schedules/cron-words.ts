/** A cron expression as a sentence; null where it is none that there are words for (it may still be right: the control plane decides). */
const dayNames = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] as const
const monthNames = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
] as const

type Part = { from: number; to: number; step: number }

const list = new Intl.ListFormat('en', { type: 'conjunction' })
const two = (n: number) => String(n).padStart(2, '0')

export function cronWords(cron: string): string | null {
  const fields = cron.trim().toLowerCase().split(/\s+/)
  if (fields.length !== 5) return null
  const [minute = '', hour = '', date = '', month = '', weekday = ''] = fields
  const time = timeWords(minute, hour)
  const days = dayWords(date, weekday)
  const months = month === '*' ? '' : namedWords(month, monthNames, 1)
  if (time === null || days === null || months === null) return null
  return `${time}${days}${months && ` in ${months}`}.`
}

function timeWords(minute: string, hour: string): string | null {
  const minutes = partsOf(minute, 0, 59)
  const hours = partsOf(hour, 0, 23)
  if (!minutes || !hours) return null
  const one = single(minutes)
  const at = hours.every(isOne) && minutes.every(isOne)
  if (at) {
    const times = hours.flatMap((h) => minutes.map((m) => `${two(h.from)}:${two(m.from)}`))
    return `At ${list.format(times)}`
  }
  const every = minute === '*' ? 'Every minute' : stepOf(minutes, 59, 'minute', minute)
  if (hour === '*') return one === null ? every : `Every hour at minute ${one}`
  const span = single(hours) === null && hours.length === 1 ? hours[0]! : null
  if (one !== null && span) {
    const between =
      span.from === 0 && span.to === 23
        ? ''
        : ` from ${two(span.from)}:${two(one)} to ${two(span.to)}:${two(one)}`
    const pace = span.step === 1 ? 'Every hour' : `Every ${span.step} hours`
    return `${pace}${between || (one === 0 ? '' : ` at minute ${one}`)}`
  }
  if (every === null || !span || span.step !== 1) return null
  return `${every} from ${two(span.from)}:00 to ${two(span.to)}:59`
}

function stepOf(parts: readonly Part[], last: number, unit: string, text: string): string | null {
  const [part] = parts
  if (parts.length === 1 && part && part.from === 0 && part.to === last && part.step > 1)
    return `Every ${part.step} ${unit}s`
  return parts.every(isOne) ? `At ${unit}s ${list.format(text.split(','))} of every hour` : null
}

/** Both a date and a day of the week: on either. */
function dayWords(date: string, weekday: string): string | null {
  if (date === '*' && weekday === '*') return ', every day'
  const dates = date === '*' ? '' : dateWords(date)
  const days = weekday === '*' ? '' : namedWords(weekday, dayNames, 0)
  if (dates === null || days === null) return null
  return `, on ${[dates, days].filter(Boolean).join(', and on ')}`
}

function dateWords(text: string): string | null {
  if (text === 'l') return 'the last day of the month'
  const parts = partsOf(text, 1, 31)
  if (!parts?.every(({ step }) => step === 1)) return null
  const named = parts.map((part) => (isOne(part) ? String(part.from) : `${part.from} to ${part.to}`))
  return `${parts.length === 1 && isOne(parts[0]!) ? 'day' : 'days'} ${list.format(named)} of the month`
}

/** `first`: the number of the first name. Of the days of a week, 7 is Sunday, too. */
function namedWords(text: string, names: readonly string[], first: number): string | null {
  const numbered = text.replace(/[a-z]{3}/g, (name) => {
    const at = names.findIndex((full) => full.slice(0, 3).toLowerCase() === name)
    return at < 0 ? name : String(at + first)
  })
  const parts = partsOf(numbered, first, first === 0 ? 7 : names.length)
  if (!parts?.every(({ step }) => step === 1)) return null
  const name = (n: number) => names[(n - first) % names.length]!
  return list.format(
    parts.map((part) => (isOne(part) ? name(part.from) : `${name(part.from)} to ${name(part.to)}`)),
  )
}

function partsOf(text: string, least: number, most: number): Part[] | null {
  const parts: Part[] = []
  for (const one of text.split(',')) {
    const [, all, from, to, step] = /^(?:(\*)|(\d{1,2})(?:-(\d{1,2}))?)(?:\/(\d{1,2}))?$/.exec(one) ?? []
    if (all === undefined && from === undefined) return null
    const part = {
      from: all ? least : Number(from),
      to: all ? most : Number(to ?? (step ? most : from)),
      step: Number(step ?? 1),
    }
    if (part.from < least || part.to > most || part.from > part.to || part.step < 1) return null
    parts.push(part)
  }
  return parts
}

const isOne = ({ from, to }: Part) => from === to
const single = (parts: readonly Part[]): number | null =>
  parts.length === 1 && isOne(parts[0]!) ? parts[0]!.from : null
