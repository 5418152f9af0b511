/** What a pass makes of a pair of listing lines: pure, and the same for a survey and for the packets that it cuts. */
import type { Evidence } from '../../shared/counts.ts'
import type { PassOptions } from '../../shared/policy.ts'
import type { BaselineRow } from '../baseline/baseline.ts'
import type { Pair } from '../march.ts'
import type { Entry, Storage } from '../storage/storage.ts'
import { judge, mayBeTouched, type Sides } from './judge.ts'

export type Decision =
  /** No object of the source, and nothing to do: counts for nothing. */
  | { is: 'left' }
  | { is: 'same'; source: Entry; destination: Entry; evidence: Evidence }
  /** Only a HEAD or a hash can tell. */
  | { is: 'unknown'; untimely?: true; source: Entry; destination: Entry }
  /** Equal in content; only two HEADs can tell whether in metadata too. `evidence`: of the content. */
  | { is: 'touched'; source: Entry; destination: Entry; evidence: Evidence }
  | { is: 'differs'; source: Entry; destination: Entry }
  | { is: 'source-only'; source: Entry }
  /** To be deleted, or told as extra. */
  | { is: 'destination-only'; destination: Entry }
  /** A link or a device at the source: said and skipped. */
  | { is: 'no-object'; source: Entry }
  /** Known to go nowhere (`Entry.refused`); what is at the destination under that key stays. */
  | { is: 'refused'; source: Entry }

export interface Sight {
  options: PassOptions
  source: Storage['tokens']
  destination: Storage['tokens']
}

const left: Decision = { is: 'left' }

/**
 * `row` is what the baseline has of the key, null where it was not asked (`needsRow`). A verification never asks. What Dray would not copy (links, devices) it does not delete either.
 */
export function decide(pair: Pair, row: BaselineRow | null, sight: Sight): Decision {
  const { source, destination } = pair
  const { options } = sight
  if (!source) {
    const wanted = options.kind === 'verify' ? !options.oneWay : options.delete
    // What cannot be listed at the destination is not known to be only there.
    const isThere = destination?.kind === 'object' && !destination.refused
    return isThere && wanted ? { is: 'destination-only', destination } : left
  }
  if (source.refused) return { is: 'refused', source }
  if (source.kind !== 'object') return { is: 'no-object', source }
  if (!destination) return { is: 'source-only', source }
  if (destination.kind !== 'object') return { is: 'differs', source, destination }
  const depth: NonNullable<Sides['depth']> = options.kind === 'verify' ? options.depth : 'copy'
  const { compare } = options
  const sides = { source: sight.source, destination: sight.destination, depth, compare }
  const verdict = judge(source, destination, row, sides)
  // Hot: spreading would cost more than all the rest.
  return verdict.is === 'same'
    ? { is: 'same', source, destination, evidence: verdict.evidence }
    : { ...verdict, source, destination }
}

/**
 * Whether the baseline can change a decision made without it. An equal size and mtime needs a second opinion, since the
 * baseline remembers tokens that tell whether anything was done to a file since; an equal ETag only where the source may have
 * been written after the destination.
 */
export function needsRow(decision: Decision): boolean {
  switch (decision.is) {
    case 'same':
      return decision.evidence === 'size+mtime' || mayBeTouched(decision.source, decision.destination)
    case 'unknown':
    case 'touched':
    case 'differs':
      return true
    default:
      return false
  }
}

/** Bytes of expected work, or null where there is none. */
export function workOf(decision: Decision, options: PassOptions): number | null {
  switch (decision.is) {
    case 'left':
    case 'same':
      return null
    case 'unknown':
    case 'differs':
      return decision.source.size
    case 'source-only':
      return options.kind === 'copy' ? decision.source.size : 0
    case 'touched':
    case 'destination-only':
    case 'no-object':
    case 'refused':
      return 0
    default:
      return decision satisfies never
  }
}
