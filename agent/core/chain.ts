/**
 * Whether a destination has all that a source has of one key: every version and delete marker, in order, and the same
 * newest one. Only what is missing is ever appended, and nothing is taken away, so the destination may have more: versions that the
 * source no longer has (a lifecycle rule ended them, or `null` was written over), or a history of its own. These
 * stay where they are, below.
 *
 * The source's versions are looked for from the oldest on, each behind the one before it. A destination that was
 * filled in order and was interrupted has a head of the source's chain, so exactly the rest of it is missing; the
 * property tests hold that, and that a chain which was completed is complete.
 */
import type { Evidence } from '../../shared/counts.ts'
import type { Version } from '../storage/versions.ts'
import { judge, type Sides } from './judge.ts'

/** Of a pair: what proves it equal (null: two delete markers, where there is nothing to prove), or that it is not. */
export type Match = { readonly same: Evidence | null } | 'differs'

export interface Fit {
  /** Of the source's first versions, that many, in order: what proves each to be there. */
  readonly proofs: readonly (Evidence | null)[]
  /** The source's other versions, to be appended in this order; none where the destination is complete. */
  readonly missing: readonly Version[]
  /** The destination's versions that stand for none of the source's; of those behind `known`. */
  readonly extra: readonly Version[]
}

/** Of the two chains, how much is known to fit without looking: the baseline's word. */
export interface Known {
  readonly source: number
  readonly destination: number
}

export const nothingKnown: Known = { source: 0, destination: 0 }

/** What two versions' listing lines say; null where only a request can tell. */
export function compareVersions(source: Version, destination: Version, sides: Sides): Match | null {
  if (source.kind !== destination.kind) return 'differs'
  if (source.kind === 'delete-marker') return { same: null }
  const verdict = judge(source, destination, null, sides)
  if (verdict.is === 'same') return { same: verdict.evidence }
  return verdict.is === 'differs' ? 'differs' : null
}

/**
 * Fits two chains, both oldest first. Yields each pair of versions that listings do not settle, and is to be told what they are.
 * Steps: at most as many as both chains have versions.
 */
export function* fitChains(
  source: readonly Version[],
  destination: readonly Version[],
  sides: Sides,
  known: Known = nothingKnown,
): Generator<readonly [Version, Version], Fit, Match> {
  function* match(a: Version, b: Version): Generator<readonly [Version, Version], Match, Match> {
    return compareVersions(a, b, sides) ?? (yield [a, b])
  }

  const proofs = source
    .slice(0, known.source)
    .map(({ kind }): Evidence | null => (kind === 'object' ? 'baseline' : null))
  const extra: Version[] = []
  let at = known.destination
  for (; at < destination.length && proofs.length < source.length; at++) {
    const found = yield* match(source[proofs.length]!, destination[at]!)
    if (found === 'differs') extra.push(destination[at]!)
    else proofs.push(found.same)
  }
  if (at < destination.length && source.length > 0) {
    // All is there, but something lies on top of it. Only where that ends as the source does is the key what it is at the source.
    const newest = yield* match(source.at(-1)!, destination.at(-1)!)
    const isSame = newest !== 'differs'
    proofs[proofs.length - 1] = isSame ? newest.same : null
    if (!isSame) proofs.pop()
    extra.push(...destination.slice(at - 1, isSame ? -1 : undefined))
  } else {
    extra.push(...destination.slice(at))
  }
  return { proofs, missing: source.slice(proofs.length), extra }
}
