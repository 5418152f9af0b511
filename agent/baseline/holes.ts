/**
 * Keys that nothing was learnt of, within a range of which all else was: what was known of them stays, and is as old as it was. So what another
 * packet finds out of such a key meanwhile is not taken back by this one.
 */
import type { Key } from '../../shared/key.ts'
import { oneKey, type Range } from '../../shared/range.ts'

/** A range around each of `keys`, with no key of `rows` in it; both rise, and have none in common. Rising, disjoint. */
export function holesAt(keys: readonly Key[], rows: readonly { readonly key: Key }[]): Range[] {
  let next = 0
  let before: Key | null = null
  return keys.map((key) => {
    for (; next < rows.length && rows[next]!.key < key; next++) before = later(before, rows[next]!.key)
    const after = later(oneKey(key).after, before)
    before = key
    return { after, through: key }
  })
}

/** Null stands before every key. */
const later = (a: Key | null, b: Key | null): Key | null => (a === null || (b !== null && b > a) ? b : a)
