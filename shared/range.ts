/**
 * A range of keys, `(after, through]` in byte order. `after: null` begins before every key, the empty one included
 * (an S3 "folder marker" equal to its location's prefix has the empty key); `through: null` ends after every key.
 * Invariant of a pass: the ranges of its packets tile the key space without gap or overlap.
 */
import type { Key } from './key.ts'

export interface Range {
  readonly after: Key | null
  readonly through: Key | null
}

export const everything: Range = { after: null, through: null }

export function contains(range: Range, key: Key): boolean {
  return (range.after === null || key > range.after) && (range.through === null || key <= range.through)
}

/** Whether no key at all can be in it. */
export function isEmpty(range: Range): boolean {
  return range.after !== null && range.through !== null && range.through <= range.after
}

/** Whether `cut` may be the upper end of a piece of `range` that begins at its start: in it, or its very end. */
export function mayEndAt(range: Range, cut: Key | null): boolean {
  if (cut === null) return range.through === null
  return contains(range, cut)
}

/** Whether `ranges`, in this order, tile `whole` exactly. */
export function tiles(ranges: readonly Range[], whole: Range): boolean {
  let at = whole.after
  for (const [i, range] of ranges.entries()) {
    if (range.after !== at || isEmpty(range)) return false
    if (range.through === null && i !== ranges.length - 1) return false
    at = range.through
  }
  return ranges.length > 0 && at === whole.through
}

/** In the order of their starts, which is their order in the key space where they do not overlap. */
export function compareRanges(a: Range, b: Range): number {
  if (a.after === b.after) return 0
  if (a.after === null) return -1
  if (b.after === null) return 1
  return a.after < b.after ? -1 : 1
}

/** The greatest key text that S3 can be asked to start after: U+10FFFF, repeated past any key's 1,024 bytes in effect. */
const topCharacter = '\xf4\x8f\xbf\xbf'

/**
 * A range that holds every key with `prefix` and hardly any other. It may hold a few neighbours, which the filter
 * leaves out again. Its `after` is UTF-8 wherever the prefix is, since S3 takes only that as `start-after`.
 */
export function prefixRange(prefix: Key): Range {
  const last = prefix.charCodeAt(prefix.length - 1)
  const head = prefix.slice(0, -1)
  if (prefix === '' || last === 0xff) return everything
  const after = (
    last === 0
      ? head
      : last < 0x80
        ? head + String.fromCharCode(last - 1) + topCharacter
        : head.replace(/[\x80-\xff]*$/, '')
  ) as Key
  return { after: after === '' ? null : after, through: (head + String.fromCharCode(last + 1)) as Key }
}

/** A range with `key` and hardly any other. */
export function oneKey(key: Key): Range {
  const last = key.charCodeAt(key.length - 1)
  const head = key.slice(0, -1)
  const after = key === '' ? null : last === 0 ? head : `${head}${String.fromCharCode(last - 1)}\xff`
  return { after: after as Key | null, through: key }
}
