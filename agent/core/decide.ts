/** What a pass makes of a pair of listing lines: pure, and the same for a survey and for the packets that it cuts. */
import type { Evidence } from '../../shared/counts.ts'
import type { PassOptions } from '../../shared/policy.ts'
import type { BaselineRow } from '../baseline/baseline.ts'
import type { Pair } from '../march.ts'
import type { Entry, Storage } from '../storage/storage.ts'
import { judge, type Sides } from './judge.ts'

export type Decision =
  /** No object of the source, and nothing to do: counts for nothing. */
  | { is: 'left' }
  | { is: 'same'; source: Entry; destination: Entry; evidence: Evidence }
  /** Only a HEAD or a hash can tell. */
  | { is: 'unknown'; touched?: true; source: Entry; destination: Entry }
  | { is: 'differs'; source: Entry; destination: Entry }
  | { is: 'source-only'; source: Entry }
  /** To be deleted, or told as extra. */
  | { is: 'destination-only'; destination: Entry }
  /** A link or a device at the source: said and skipped. */
  | { is: 'no-object'; source: Entry }

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
    return destination?.kind === 'object' && wanted ? { is: 'destination-only', destination } : left
  }
  if (source.kind !== 'object') return { is: 'no-object', source }
  if (!destination) return { is: 'source-only', source }
  if (destination.kind !== 'object') return { is: 'differs', source, destination }
  const depth: NonNullable<Sides['depth']> = options.kind === 'verify' ? options.depth : 'copy'
  const sides = { source: sight.source, destination: sight.destination, depth }
  const verdict = judge(source, destination, row, sides)
  return verdict.is === 'same'
    ? { is: 'same', source, destination, evidence: verdict.evidence }
    : { ...verdict, source, destination }
}

/**
 * Whether the baseline can change a decision made without it. An equal ETag needs no second opinion; an equal size and
 * mtime does, since the baseline remembers tokens that tell whether anything was done to a file since.
 */
export function needsRow(decision: Decision): boolean {
  return (
    decision.is === 'unknown' ||
    decision.is === 'differs' ||
    (decision.is === 'same' && decision.evidence === 'size+mtime')
  )
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
    case 'destination-only':
    case 'no-object':
      return 0
    default:
      return decision satisfies never
  }
}
