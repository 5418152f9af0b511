/**
 * Decides from two listing lines, and from what was known before, whether an object is the same on both sides. No
 * request is made here. Two objects of different sizes differ; for equal sizes, in this order:
 *
 *   a copy                                          a verification (the baseline is no evidence)
 *   both MD5, or multipart in as many parts:        the same, but
 *     equal → same (etag)                             equal → same (etag)
 *     unequal → baseline, else differs                unequal → unknown: multipart may only be cut elsewhere, and
 *                                                     what looks like an MD5 is none under SSE-KMS. MD5s at depth
 *                                                     `listing` differ, since no body is to be read there for that
 *   incomparable tokens:                            incomparable tokens:
 *     unchanged since the baseline → same             two files of one mtime, depth `listing` → same (size+mtime)
 *     two files: mtime decides                        else unknown
 *     file and S3 → unknown                         depth `full`: always unknown
 *     S3 and S3 → differs (copying again is right)
 *
 * "Unchanged since the baseline" is a fact about both sides: each is what it was when they were last made equal. A
 * file's mtime that equals an S3 object's LastModified proves nothing, since every upload makes a new one.
 */
import type { Evidence } from '../../shared/counts.ts'
import type { Depth } from '../../shared/policy.ts'
import type { BaselineRow, Side } from '../baseline/baseline.ts'
import type { Entry, Storage } from '../storage/storage.ts'
import { type EtagKind, etagKind } from './etag.ts'
import { sameMtime } from './mtime.ts'

/**
 * `unknown`: only a HEAD or a hash can tell (prove.ts). `touched`: by the baseline, something was done to one of the two since
 * they were equal, so that equal times are no proof.
 */
export type Verdict =
  | { is: 'same'; evidence: Evidence }
  | { is: 'differs' }
  | { is: 'unknown'; touched?: true }

export interface Sides {
  source: Storage['tokens']
  destination: Storage['tokens']
  /** What the pass is for; `copy` where absent. */
  depth?: 'copy' | Depth
}

const same = (evidence: Evidence): Verdict => ({ is: 'same', evidence })
const differs: Verdict = { is: 'differs' }
const unknown: Verdict = { is: 'unknown' }

/** `source` is an object; whatever else stands at the destination (a link, a device) differs from it. */
export function judge(
  source: Entry,
  destination: Entry,
  baseline: BaselineRow | null,
  sides: Sides,
): Verdict {
  if (source.size !== destination.size || destination.kind !== 'object') return differs
  const depth = sides.depth ?? 'copy'
  if (depth === 'full') return unknown

  const comparable = compareTokens(source, destination, sides)
  if (comparable === 'equal') return same('etag')
  if (depth !== 'copy') return verified(source, destination, comparable, sides, depth)

  if (baseline !== null && isUnchanged(source, baseline.source, sides.source)) {
    if (isUnchanged(destination, baseline.destination, sides.destination)) return same('baseline')
  }
  if (comparable !== 'incomparable') return differs
  const touched =
    baseline !== null &&
    (baseline.source.token !== source.token || baseline.destination.token !== destination.token)
  if (sides.source !== sides.destination) return touched ? { is: 'unknown', touched } : unknown
  if (sides.source === 'md5') return differs
  if (!sameMtime(source.mtime, destination.mtime)) return differs
  // Size and mtime say equal, but something was done to one of the two since they were: a closer look is due.
  return touched ? { is: 'unknown', touched } : same('size+mtime')
}

function verified(
  source: Entry,
  destination: Entry,
  comparable: Comparison,
  sides: Sides,
  depth: Depth,
): Verdict {
  if (comparable === 'unequal' && depth === 'listing') return differs
  const files = sides.source === 'none' && sides.destination === 'none'
  if (depth === 'listing' && files && sameMtime(source.mtime, destination.mtime)) return same('size+mtime')
  return unknown
}

/** `cut`: multipart tokens of as many parts, unequal, which may mean no more than that the parts were cut elsewhere. */
type Comparison = 'equal' | 'unequal' | 'cut' | 'incomparable'

function compareTokens(source: Entry, destination: Entry, sides: Sides): Comparison {
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
