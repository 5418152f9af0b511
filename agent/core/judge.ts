/** Decides from two listing lines, and what was known before, whether an object is the same on both sides. */
import type { Evidence } from '../../shared/counts.ts'
import type { Depth } from '../../shared/policy.ts'
import type { BaselineRow } from '../baseline/baseline.ts'
import type { Entry, Storage } from '../storage/storage.ts'

/** `unknown`: only a HEAD or a hash can tell (prove.ts). */
export type Verdict = { is: 'same'; evidence: Evidence } | { is: 'differs' } | { is: 'unknown' }

export interface Sides {
  source: Storage['tokens']
  destination: Storage['tokens']
  /** What a pass wants to know; `copy` where absent. */
  depth?: 'copy' | Depth
}

export function judge(
  _source: Entry,
  _destination: Entry,
  _baseline: BaselineRow | null,
  _sides: Sides,
): Verdict {
  throw new Error('not yet')
}
