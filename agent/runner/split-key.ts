/**
 * Where to divide what is left of a survey among several. Nobody knows how its keys are spread, and a store lists only
 * upwards, so places are felt for: listing pages are asked for behind guesses, some at a time, since a page takes a round trip and costs little.
 *
 *   1. The guesses are successors of the position: what follows everything that shares its first n bytes. The longer the shared
 *      part, the lower the guess, and the more lies above it. The widest step that still leaves enough above tells the byte
 *      by which the keys ahead differ: with paths a folder's, with names that of a high digit.
 *   2. The greatest byte there that has enough above it tells how far they go.
 *   3. The bytes between, each followed by every letter and digit that keys were seen to have next, are a ruler; its evenly spread marks are
 *      asked for, and the keys that follow them are where to divide.
 *
 * Keys may lie unevenly between the marks; a piece that turns out long is divided again. The answers are always keys that exist,
 * so that any store can be asked to list after them.
 */
import type { Key } from '../../shared/key.ts'
import type { Storage } from '../storage/storage.ts'

/** Keys that each piece has to have at least, for a split to be worth a survey of its own. */
const worthwhile = 1_000
/** Pages asked for at a time, while one answer decides on the next question. */
const atOnce = 5
const highest = 0x7e
/** Of so many keys that are listed, one is looked at closely. */
const sampled = 7

export interface SplitOptions {
  /** Where the survey is: the last key that it has seen, or the start of its range. */
  position: Key
  through: Key | null
  /** How many pieces to make of what is left, the survey's own included; fewer where there is too little. */
  parts: number
  signal: AbortSignal
  worthwhile?: number
}

/** What a listing behind a guess begins with. */
interface Page {
  readonly first: Key
  /** The last of as many keys as are enough. */
  readonly enough: Key
}

/** In rising order; none where it cannot be done, or is not worth it. A store that walks is not asked: each guess would cost it a walk. */
export async function chooseSplits(storage: Storage, options: SplitOptions): Promise<Key[]> {
  if (storage.walks) return []
  const { position, through, parts, signal } = options
  const enough = options.worthwhile ?? worthwhile
  const samples: Key[] = []

  /** Null where too little lies above. */
  async function above(guess: Key): Promise<Page | null> {
    if (through !== null && guess >= through) return null
    const own = new AbortController()
    let count = 0
    let first: Key | null = null
    try {
      const both = AbortSignal.any([signal, own.signal])
      for await (const page of storage.list({ after: guess, through }, { signal: both, fresh: true })) {
        first ??= page[0]?.key ?? null
        for (const { key } of page) {
          if (count % sampled === 0) samples.push(key)
          if (++count === enough) return { first: first!, enough: key }
        }
      }
    } finally {
      own.abort()
    }
    return null
  }

  // Only ASCII bytes are raised: half of a character is nothing that a store can be asked for.
  const places = [...position].flatMap((c, i) => (c.charCodeAt(0) < highest ? [i] : []))
  const raised = (at: number, by: number) =>
    (position.slice(0, at) + String.fromCharCode(position.charCodeAt(at) + by)) as Key

  const widest = await least(0, places.length, async (i) => (await above(raised(places[i]!, 1))) !== null)
  if (widest === null) return []
  const place = places[widest]!
  const beyond = highest - position.charCodeAt(place) + 1
  const reach = (await least(2, beyond, async (by) => (await above(raised(place, by))) === null)) ?? beyond

  const bytes = alphabet(samples, place + 1)
  const marks: Key[] = []
  for (let by = 0; by < reach; by++) {
    if (by > 0) marks.push(raised(place, by))
    for (const byte of bytes) marks.push((raised(place, by) + byte) as Key)
  }
  const guesses = evenly(
    marks.filter((mark) => mark > position && (through === null || mark < through)),
    2 * parts,
  )
  const [own, ...pages] = await Promise.all([position, ...guesses].map(above))
  return own ? evenly(apart(own, pages, through), parts - 1) : []
}

/**
 * The alphabet of whatever names or numbers are in `keys` at `from`: the digits, small or capital letters that they have from there on, of the
 * kinds that stand there first. (What only follows later, such as a file name's ending, is of no use there.)
 */
function alphabet(keys: readonly Key[], from: number): string[] {
  const tails = keys.map((key) => key.slice(from))
  const first = tails.map((tail) => /^[0-9A-Za-z]*/.exec(tail)![0]).join('')
  const kinds = [/[0-9]/, /[A-Z]/, /[a-z]/].filter((kind) => kind.test(first))
  const found = [...new Set(tails.join(''))].filter((byte) => kinds.some((kind) => kind.test(byte)))
  return found.sort()
}

/** The keys that leave enough between each other, and before the first and after the last of them. */
function apart(own: Page, pages: readonly (Page | null)[], through: Key | null): Key[] {
  const kept: Key[] = []
  let next = through
  for (const page of pages.toReversed()) {
    if (page === null || page.first <= own.enough) continue
    if (next !== null && page.enough > next) continue
    if (page.first === next) continue
    kept.unshift(page.first)
    next = page.first
  }
  return kept
}

/** The least n of `low` to `high` (exclusive) of which `holds` is true, as it must be of all above that; null where there is none. */
async function least(
  low: number,
  high: number,
  holds: (n: number) => Promise<boolean>,
): Promise<number | null> {
  let from = low
  let to = high
  while (from < to) {
    const tries = evenly(
      Array.from({ length: to - from }, (_, i) => from + i),
      atOnce,
    )
    const answers = await Promise.all(tries.map(holds))
    const found = answers.indexOf(true)
    if (found > 0) from = tries[found - 1]! + 1
    if (found >= 0) to = tries[found]!
    else from = tries.at(-1)! + 1
  }
  return to < high ? to : null
}

/** At most `count` of them, evenly spread, without the ends where there are more. */
function evenly<T>(all: readonly T[], count: number): T[] {
  if (all.length <= count) return [...all]
  return Array.from({ length: count }, (_, i) => all[Math.floor(((i + 1) * all.length) / (count + 1))]!)
}
