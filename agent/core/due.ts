/** When an object that the source has no more is deleted: at once, or when it has been missing for as long as the policy says. */
import type { PassOptions } from '../../shared/policy.ts'
import type { BaselineRow } from '../baseline/row.ts'

export interface DueSight {
  readonly options: PassOptions
  /** When the pass began (ms); absent: nothing has been missing for long. */
  readonly startedAt?: number
}

/** Whether the pass deletes anything, or counts what it would delete. */
export const deletes = ({ kind, delete: wanted }: PassOptions): boolean => kind === 'copy' && wanted

/** Whether the baseline is asked since when an object is missing. */
export const hasGrace = (options: PassOptions): boolean => deletes(options) && options.deleteAfter > 0

/** `row`: what the baseline has of it. Where it has nothing, that it is missing is news. */
export function isDue(row: BaselineRow | null, { options, startedAt = 0 }: DueSight): boolean {
  if (!hasGrace(options)) return true
  const since = row?.source.missing
  return since !== undefined && since + options.deleteAfter * 1_000 <= startedAt
}
