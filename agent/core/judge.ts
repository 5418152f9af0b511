/**
 * Decides from two listing lines, and from what was known before, whether an object is the same on both sides. No
 * request is made here. Two objects of different sizes differ; for equal sizes, in this order:
 *
 *   a copy (`auto`)                                 a verification (the baseline is no evidence)
 *   both MD5, or multipart in as many parts:        the same, but
 *     equal → same (etag), or touched                 equal → same (etag)
 *     unequal → baseline, else differs                unequal → unknown: multipart may only be cut elsewhere, and
 *                                                     what looks like an MD5 is none under SSE-KMS. MD5s at depth
 *                                                     `listing` differ, since no body is to be read there for that
 *   incomparable tokens:                            incomparable tokens:
 *     unchanged since the baseline → same, touched    two files of one mtime, depth `listing` → same (size+mtime)
 *     two files: mtime decides                        else unknown
 *     file and S3 → unknown                         depth `full`: always unknown
 *     S3 and S3 → differs (copying again is right)
 *
 * "Unchanged since the baseline" is a fact about both sides: each is what it was when they were last made equal. A
 * file's mtime that equals an S3 object's LastModified proves nothing, since every upload makes a new one.
 *
 * `touched`: the content is equal, but the source was written after that was so, with other metadata perhaps. The baseline
 * knows by the source's LastModified; without a row, one that is newer than the destination's is suspicious.
 *
 * A copy that is asked for more or less (`compare`): `checksum` believes no baseline and no time, so what `auto` would take for
 * the same by those is unknown; `full`: always unknown; `mtime` minds no unequal tokens: two stores are equal where the
 * source's LastModified is not newer than the destination's, two files where their mtimes are equal.
 */
import type { Evidence } from '../../shared/counts.ts'
import type { Compare, Depth } from '../../shared/policy.ts'
import type { BaselineRow, Side } from '../baseline/baseline.ts'
import type { Entry, Storage } from '../storage/storage.ts'
import { type EtagKind, etagKind } from './etag.ts'
import { isKeptMtime, sameMtime } from './mtime.ts'

/**
 * `unknown`: only a HEAD or a hash can tell (prove.ts). `untimely`: equal times are no proof here, since by the baseline something
 * was done to one of the two since they were equal, or since times are not asked for. `touched`: only the two HEADs can tell.
 */
export type Verdict =
  | { is: 'same'; evidence: Evidence }
  | { is: 'touched'; evidence: Evidence }
  | { is: 'differs' }
  | { is: 'unknown'; untimely?: true }

export interface Sides {
  source: Storage['tokens']
  destination: Storage['tokens']
  /** What the pass is for; `copy` where absent. */
  depth?: 'copy' | Depth
  /** Of a copy; `auto` where absent. */
  compare?: Compare
}

const same = (evidence: Evidence): Verdict => ({ is: 'same', evidence })
const touched = (evidence: Evidence): Verdict => ({ is: 'touched', evidence })
const differs: Verdict = { is: 'differs' }
const unknown: Verdict = { is: 'unknown' }
const untimely: Verdict = { is: 'unknown', untimely: true }

/** `source` is an object; whatever else stands at the destination (a link, a device) differs from it. */
export function judge(source: Entry, destination: Entry, row: BaselineRow | null, sides: Sides): Verdict {
  if (source.size !== destination.size || destination.kind !== 'object') return differs
  const { depth = 'copy', compare = 'auto' } = sides
  if (depth === 'full' || (depth === 'copy' && compare === 'full')) return unknown

  const comparison = compareTokens(source, destination, sides)
  if (depth !== 'copy') {
    return comparison === 'equal' ? same('etag') : verified(source, destination, comparison, sides, depth)
  }
  if (comparison === 'equal') return isTouched(source, destination, row) ? touched('etag') : same('etag')

  const isKnown =
    row !== null &&
    isUnchanged(source, row.source, sides.source) &&
    isUnchanged(destination, row.destination, sides.destination)
  if (compare === 'checksum') return isKnown || comparison === 'incomparable' ? untimely : differs
  if (isKnown) {
    const areStores = sides.source === 'md5' && sides.destination === 'md5'
    return areStores && isTouched(source, destination, row) ? touched('baseline') : same('baseline')
  }
  if (sides.source !== sides.destination)
    return wasChanged(source, destination, row) && compare === 'auto' ? untimely : unknown
  if (compare === 'mtime' && sides.source === 'md5')
    return source.mtime > destination.mtime ? differs : same('size+mtime')
  if (comparison !== 'incomparable' || sides.source === 'md5') return differs
  if (!isKeptMtime(source.mtime, destination.mtime)) return differs
  // Size and mtime say equal, but something was done to one of the two since they were: a closer look is due.
  return wasChanged(source, destination, row) && compare === 'auto' ? untimely : same('size+mtime')
}

/** Whether, by the baseline, one of the two is another than it was when they were equal. */
const wasChanged = (source: Entry, destination: Entry, row: BaselineRow | null) =>
  row !== null && (row.source.token !== source.token || row.destination.token !== destination.token)

/**
 * Of two stores whose contents are equal: whether the source was written since. Where the baseline does not know this content, the two
 * stores' clocks are compared, and a metadata change in the second of the copy, or within the difference of the clocks, is not seen.
 */
function isTouched(source: Entry, destination: Entry, row: BaselineRow | null): boolean {
  if (row !== null && row.source.token === source.token && row.source.mtime !== null)
    return row.source.mtime !== source.mtime
  return source.mtime > destination.mtime
}

/** Microseconds. Two stores that both take this machine's signatures are never further apart. */
const clocksApart = 30 * 60_000_000

/** Whether the baseline may know of a change of metadata that the times alone do not show: the source was written about when the destination was. */
export const mayBeTouched = (source: Entry, destination: Entry): boolean =>
  source.mtime > destination.mtime - clocksApart

function verified(
  source: Entry,
  destination: Entry,
  comparable: Comparison,
  sides: Sides,
  depth: Depth,
): Verdict {
  if (comparable === 'unequal' && depth === 'listing') return differs
  const files = sides.source === 'none' && sides.destination === 'none'
  if (depth === 'listing' && files && isKeptMtime(source.mtime, destination.mtime)) return same('size+mtime')
  return unknown
}

/** `cut`: multipart tokens of as many parts, unequal, which may mean no more than that the parts were cut elsewhere. */
type Comparison = 'equal' | 'unequal' | 'cut' | 'incomparable'

/** What tokens alone say of two objects of one size. */
export function compareTokens(source: Entry, destination: Entry, sides: Sides): Comparison {
  if (sides.source !== 'md5' || sides.destination !== 'md5') return 'incomparable'
  const a = etagKind(source.token)
  if (source.token === destination.token) return a.kind === 'opaque' ? 'incomparable' : 'equal'
  if (!sameForm(a, etagKind(destination.token))) return 'incomparable'
  return a.kind === 'md5' ? 'unequal' : 'cut'
}

function sameForm(a: EtagKind, b: EtagKind): boolean {
  if (a.kind === 'multipart') return b.kind === 'multipart' && a.parts === b.parts
  return a.kind === 'md5' && b.kind === 'md5'
}

/** A file's token changes with whatever is done to it; its mtime is looked at besides, for file systems without inodes worth the name. */
function isUnchanged(entry: Entry, was: Side, tokens: Storage['tokens']): boolean {
  if (entry.token !== was.token || entry.size !== was.size) return false
  return tokens === 'md5' || was.mtime === null || sameMtime(entry.mtime, was.mtime)
}
