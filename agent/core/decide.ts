/** What a pass makes of a pair of listing lines: pure, and the same for a survey and for the packets that it cuts. */
import type { Evidence } from '../../shared/counts.ts'
import type { Key } from '../../shared/key.ts'
import type { PassOptions } from '../../shared/policy.ts'
import { type BaselineRow, knowsEqual } from '../baseline/row.ts'
import type { Pair } from '../march.ts'
import type { Entry, Storage } from '../storage/storage.ts'
import type { KeyWork } from './cutter.ts'
import { deletes, isDue } from './due.ts'
import { compareTokens, judge, mayBeTouched, type Sides } from './judge.ts'
import { conflictMessage, threeWay } from './three-way.ts'

export type Decision =
  /** No object of the source, and nothing to do: counts for nothing. */
  | { is: 'left' }
  | { is: 'same'; source: Entry; destination: Entry; evidence: Evidence }
  /** Only a HEAD or a hash can tell. `conflict`: what it is called where they are not equal (three-way.ts); nothing is written then. */
  | { is: 'unknown'; untimely?: true; isSampled?: true; source: Entry; destination: Entry; conflict?: string }
  /** Equal in content; only two HEADs can tell whether in metadata too. `evidence`: of the content. `conflict`: as of `unknown`. */
  | { is: 'touched'; source: Entry; destination: Entry; evidence: Evidence; conflict?: string }
  | { is: 'differs'; source: Entry; destination: Entry }
  | { is: 'source-only'; source: Entry }
  /** Only at the destination, and for too short a time to be deleted. */
  | { is: 'kept'; destination: Entry }
  /** To be deleted, or told as extra. */
  | { is: 'destination-only'; destination: Entry }
  /** A link or a device at the source: said and skipped. */
  | { is: 'no-object'; source: Entry }
  /** Known to go nowhere (`Entry.refused`); what is at the destination under that key stays. */
  | { is: 'refused'; source: Entry }
  /** Both sides stay as they are, for a person to look at. `entry`: of either. `row`: what the baseline has of them. */
  | { is: 'conflict'; entry: Entry; row: BaselineRow | null; message: string }

export interface Sight {
  options: PassOptions
  source: Storage['tokens']
  destination: Storage['tokens']
  /** When the pass began (ms); absent: nothing has been missing for long. */
  startedAt?: number
  /** Of a verification by sample: which objects are read in full. */
  isSampled?: (key: Key) => boolean
}

const left: Decision = { is: 'left' }

/**
 * `row` is what the baseline has of the key, null where it was not asked (`needsRow`). A verification never asks. What Dray would not copy (links, devices) it does not delete either.
 */
export function decide(pair: Pair, row: BaselineRow | null, sight: Sight): Decision {
  const decision = decideTwoWays(pair, row, sight)
  return parks(sight.options) ? parked(decision, pair, row, sight) : decision
}

/** Whether what somebody else wrote at the side that follows is left as it is. A verification changes nothing, and says `differs`. */
export const parks = ({ kind, conflicts }: PassOptions): boolean => kind === 'copy' && conflicts === 'park'

/** The decision, or what the third side makes of it. */
function parked(
  decision: Decision,
  { source, destination }: Pair,
  told: BaselineRow | null,
  sight: Sight,
): Decision {
  const row = told && knowsEqual(told) ? told : null
  // What goes nowhere touches nothing; what is no object at the side that follows is not deleted either.
  if (decision.is === 'refused' || decision.is === 'no-object') return decision
  if (!source && destination?.kind !== 'object') return left
  const found = threeWay({ leading: source, following: destination, row, tokens: sight.destination })
  if (found === 'usual') return decision
  if (found === 'nothing') return left
  const message = conflictMessage({ leading: source, following: destination, row }, namesOf(sight.options))
  if (found === 'equal-or-conflict' && source && destination) {
    if (decision.is === 'touched') return { ...decision, conflict: message }
    const isEqual = decision.is === 'same' && decision.evidence !== 'size+mtime'
    if (isEqual) return decision
    // Times are no proof here, and what a copy had better do again may not be done.
    const mayBe = source.size === destination.size && compareTokens(source, destination, sight) !== 'unequal'
    if (mayBe) return { is: 'unknown', untimely: true, source, destination, conflict: message }
  }
  return { is: 'conflict', entry: (source ?? destination)!, row, message }
}

/** What is told of a decision that is a conflict, or may turn out to be one; null: it is none. */
export function conflictIn(decision: Decision): string | null {
  if (decision.is === 'conflict') return decision.message
  return decision.is === 'unknown' || decision.is === 'touched' ? (decision.conflict ?? null) : null
}

/** What both sides are called where the migration is defined. */
export const namesOf = ({ direction }: PassOptions) =>
  direction === 'back'
    ? { leading: 'destination', following: 'source' }
    : { leading: 'source', following: 'destination' }

function decideTwoWays(pair: Pair, row: BaselineRow | null, sight: Sight): Decision {
  const { source, destination } = pair
  const { options } = sight
  if (!source) {
    const wanted = options.kind === 'verify' ? !options.oneWay : options.delete
    // What cannot be listed at the destination is not known to be only there.
    const isThere = destination?.kind === 'object' && !destination.refused
    if (!isThere || !wanted) return left
    return { is: isDue(row, sight) ? 'destination-only' : 'kept', destination }
  }
  if (source.refused) return { is: 'refused', source }
  if (source.kind !== 'object') return { is: 'no-object', source }
  if (!destination) return { is: 'source-only', source }
  if (destination.kind !== 'object') return { is: 'differs', source, destination }
  const depth: NonNullable<Sides['depth']> = options.kind === 'verify' ? options.depth : 'copy'
  const { compare } = options
  const sides = { source: sight.source, destination: sight.destination, depth, compare }
  const verdict = judge(source, destination, row, sides)
  if (sight.isSampled?.(pair.key) && (verdict.is === 'same' || verdict.is === 'unknown'))
    return { is: 'unknown', isSampled: true, source, destination }
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
    case 'kept':
      return true
    default:
      return false
  }
}

/** Whether the baseline is to be complete when the pass is done: who compares three ways needs a row of every object. */
export const remembersAll = (options: PassOptions): boolean => options.remember === 'all' || parks(options)

/** What the cap of deletes is about: whether it is to be deleted, and whether the destination has it. */
export function workAt(decision: Decision, options: PassOptions): KeyWork {
  const isThere = 'destination' in decision && decision.destination.kind === 'object'
  return { deletes: deletes(options) && decision.is === 'destination-only' ? 1 : 0, found: isThere ? 1 : 0 }
}

/** Bytes of expected work, or null where there is none. */
export function workOf(decision: Decision, options: PassOptions): number | null {
  switch (decision.is) {
    case 'left':
    case 'same':
    case 'kept':
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
    case 'conflict':
      return 0
    default:
      return decision satisfies never
  }
}
