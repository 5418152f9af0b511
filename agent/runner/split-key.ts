/**
 * Where to divide what is left of a survey between two agents. Nobody knows how its keys are spread, and a store lists only
 * upwards, so the place is felt for: a listing page is asked for behind a guess, and the guess is moved by bisection.
 *
 * The guesses are successors of the position: what follows everything that shares its first n bytes. The longer the
 * shared part, the lower the guess, and the more lies above it; so bisection finds the widest step that still leaves enough above,
 * and then the middle of the bytes that can stand there. With paths that is a folder's end, with names their first
 * digit that differs. The answer is always a key that exists, so that any store can be asked to list after it.
 */
import type { Key } from '../../shared/key.ts'
import type { Range } from '../../shared/range.ts'
import type { Storage } from '../storage/storage.ts'

/** Keys that each half has to have at least, for a split to be worth a survey of its own. */
const worthwhile = 1_000
/** Listing pages that may be spent on it. */
const mostProbes = 24
const highest = 0x7e

export interface SplitOptions {
  /** Where the survey is: the last key that it has seen, or the start of its range. */
  position: Key
  through: Key | null
  signal: AbortSignal
  worthwhile?: number
}

/** Null where it cannot be done, or is not worth it. A store that walks is not asked: each probe would cost it a walk. */
export async function chooseSplit(storage: Storage, options: SplitOptions): Promise<Key | null> {
  if (storage.walks) return null
  const { position, through, signal } = options
  const enough = options.worthwhile ?? worthwhile
  let probes = 0

  /** The first key of the range, if it has enough keys. */
  async function firstOf(range: Range): Promise<Key | null> {
    if (++probes > mostProbes) return null
    const own = new AbortController()
    let count = 0
    let first: Key | null = null
    try {
      const both = AbortSignal.any([signal, own.signal])
      for await (const page of storage.list(range, { signal: both, fresh: true })) {
        first ??= page[0]?.key ?? null
        count += page.length
        if (count >= enough) return first
      }
    } finally {
      own.abort()
    }
    return null
  }

  const above = (guess: Key) =>
    through !== null && guess >= through ? Promise.resolve(null) : firstOf({ after: guess, through })

  // Only ASCII bytes are raised: half of a character is nothing that a store can be asked for.
  const places = [...position].flatMap((c, i) => (c.charCodeAt(0) < highest ? [i] : []))
  const raised = (place: number, by: number) =>
    (position.slice(0, place) + String.fromCharCode(position.charCodeAt(place) + by)) as Key

  /** The least index of `places` (the widest step) with enough above it. */
  let low = 0
  let high = places.length
  let best: Key | null = null
  while (low < high) {
    const middle = (low + high) >> 1
    const found = await above(raised(places[middle]!, 1))
    if (found) {
      best = found
      high = middle
    } else {
      low = middle + 1
    }
  }
  if (!best) return null

  /** The greatest byte there with enough above it; half of the way to it is where to split. */
  const place = places[high]!
  let reach = 1
  let beyond = highest - position.charCodeAt(place) + 1
  while (beyond - reach > 1) {
    const middle = (reach + beyond) >> 1
    if (await above(raised(place, middle))) reach = middle
    else beyond = middle
  }
  const halfway = reach > 1 ? await above(raised(place, (reach + 1) >> 1)) : best
  const at = halfway ?? best
  const isWorthIt = (await firstOf({ after: position, through: at })) !== null
  return isWorthIt ? at : null
}
