/** The strip as a list of buckets: what is in each, how wide it is, what is said of it. */
import type { BucketRow } from '../../../shared/api/watch.ts'
import { displayKey, unescapeKey } from '../../../shared/key.ts'
import { bytes, count } from '../format.ts'
import type { Span } from '../search.ts'

export const states = ['survey', 'ready', 'leased', 'done', 'parked'] as const
export type StripState = (typeof states)[number]
export const stateNames: Readonly<Record<StripState, string>> = {
  survey: 'not listed yet',
  ready: 'ready',
  leased: 'being worked on',
  done: 'done',
  parked: 'parked',
}

export const figureOf = (row: BucketRow, state: StripState): number =>
  row[1 + states.indexOf(state)] as number
export const failedOf = (row: BucketRow): number => row[6]
const objectsOf = (row: BucketRow): number => row[7]
const bytesOf = (row: BucketRow): number => row[8]
export const packetsOf = (row: BucketRow): number =>
  states.reduce((sum, state) => sum + figureOf(row, state), 0)
export const hasTrouble = (row: BucketRow): boolean => failedOf(row) > 0 || figureOf(row, 'parked') > 0

/** In all of the strip. */
export const packetsIn = (strip: readonly BucketRow[]): Record<StripState, number> =>
  Object.fromEntries(
    states.map((state) => [state, strip.reduce((sum, row) => sum + figureOf(row, state), 0)]),
  ) as Record<StripState, number>

/** What a bucket is as wide as: packets, in the order of keys, or bytes. What is not listed yet has an eighth, since nobody knows. */
export function edges(strip: readonly BucketRow[], by: 'keys' | 'bytes', width: number): number[] {
  const weigh = (row: BucketRow) => (by === 'keys' ? packetsOf(row) - figureOf(row, 'survey') : bytesOf(row))
  const known = strip.reduce((sum, row) => sum + weigh(row), 0)
  const surveys = strip.reduce((sum, row) => sum + figureOf(row, 'survey'), 0)
  const each = surveys === 0 ? 0 : Math.max(known / 7 / surveys, known === 0 ? 1 : 0)
  const least = (known + each * surveys) / (strip.length * 20) || 1
  const weights = strip.map((row) => Math.max(least, weigh(row) + each * figureOf(row, 'survey')))
  const all = weights.reduce((sum, weight) => sum + weight, 0)
  const at = [0]
  for (const weight of weights) at.push(at.at(-1)! + (weight / all) * width)
  return at
}

const longest = 120
/** A key as people read it; the middle of a long one is left out. */
export function keyName(escaped: string): string {
  const name = displayKey(unescapeKey(escaped))
  if (name.length <= longest) return name
  return `${name.slice(0, longest / 2)}…${name.slice(-longest / 2)}`
}
export const nameOf = (escaped: string | null | undefined, end: string) =>
  escaped == null ? end : `“${keyName(escaped)}”`

export const startOf = (strip: readonly BucketRow[], i: number): string | null =>
  i === 0 ? null : strip[i - 1]![0]

/** One bucket in a sentence. */
export function sentence(strip: readonly BucketRow[], i: number, first: string | null = null): string {
  const row = strip[i]
  if (!row) return ''
  const packets = packetsOf(row)
  const parts = states.flatMap((state) => {
    const n = figureOf(row, state)
    return n > 0 ? [packets === 1 ? stateNames[state] : `${count(n)} ${stateNames[state]}`] : []
  })
  const n = failedOf(row)
  const failed = n > 0 ? `, ${count(n)} ${n === 1 ? 'object' : 'objects'} failed` : ''
  return `After ${nameOf(i === 0 ? first : startOf(strip, i), 'the beginning')} through ${nameOf(row[0], 'the end')}: ${count(packets)} ${packets === 1 ? 'packet' : 'packets'}, ${parts.join(', ')}; ${count(objectsOf(row))} objects, ${bytes(bytesOf(row))}${failed}.`
}

/** Which buckets lie, at least in part, after one key and through another: their figures as a text, to see whether they changed. */
export function figuresIn(strip: readonly BucketRow[], span: Span): string {
  const key = (escaped: string | null) => (escaped === null ? null : unescapeKey(escaped))
  const [after, through] = [key(span.after), key(span.through)]
  const isIn = (_: BucketRow, i: number) => {
    const [start, end] = [key(startOf(strip, i)), key(strip[i]![0])]
    return (
      (after === null || end === null || end > after) &&
      (through === null || start === null || start < through)
    )
  }
  return JSON.stringify(strip.filter(isIn))
}

/** Where a bucket is now that was at `at` and ended at `through`: others may have come before it. */
export function placeOf(strip: readonly BucketRow[], at: number, through: string | null): number {
  if (strip[at]?.[0] === through) return at
  const found = strip.findIndex((row) => row[0] === through)
  return found >= 0 ? found : Math.min(at, strip.length - 1)
}

/** The next bucket with failures from `i` on in a direction; `i` where there is none. */
export function nextTrouble(strip: readonly BucketRow[], i: number, step: 1 | -1): number {
  for (let at = i + step; at >= 0 && at < strip.length; at += step) if (hasTrouble(strip[at]!)) return at
  return i
}

/** Neighbours added up, to `most` rows, for who reads a table. */
export function condensed(strip: readonly BucketRow[], most: number): BucketRow[] {
  const size = Math.ceil(strip.length / most)
  const rows: BucketRow[] = []
  for (let i = 0; i < strip.length; i += size) {
    const run = strip.slice(i, i + size)
    const sums = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => run.reduce((sum, row) => sum + (row[n] as number), 0))
    rows.push([run.at(-1)![0], ...sums] as BucketRow)
  }
  return rows
}
