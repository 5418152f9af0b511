/**
 * Deletes are counted before they are made. While anything is left to survey, packets in which something is to be deleted are held back; then
 * the sum is held against the cap, which is what saves a destination whose source was listed empty by some accident.
 *
 *   counting → making     the sum is under the cap
 *            → asks       it is not: nothing is deleted, all else goes on
 *   asks     → making     the operator allows as many as were counted, or more
 *            → leaving    the operator wants none of them: what waited goes on, and deletes nothing
 *
 * Some deletes nobody can count before: of events, and of single keys that are tried again. These have an allowance of their own, as large as
 * the cap; what is past it is left to the next pass, which counts.
 */
import type { DeleteCap, PassOptions } from '../../shared/policy.ts'

export interface Deletes {
  /** That surveys have found so far, to be made. */
  expected: number
  /** Objects that surveys have found at the destination. */
  found: number
  /** Made without having been counted, and those that may be made so under the leases that there are. */
  uncounted: number
  /** Whether it has asked, and of how many objects at the destination. */
  asked: boolean
  of: number
  answer: DeletesAnswer | null
}
export type DeletesAnswer = { readonly do: 'allow'; readonly objects: number } | { readonly do: 'leave' }

export type DeletesState = 'counting' | 'making' | 'asks' | 'leaving'

export const zeroDeletes = (): Deletes => ({
  expected: 0,
  found: 0,
  uncounted: 0,
  asked: false,
  of: 0,
  answer: null,
})

/** So many are allowed by any share. */
export const alwaysAllowed = 10

/** How many objects may be deleted where there are `found` of them. */
export function allowed({ objects, share }: DeleteCap, found: number): number {
  const byShare =
    share === null ? Number.POSITIVE_INFINITY : Math.max(alwaysAllowed, Math.floor(share * found))
  return Math.min(objects ?? Number.POSITIVE_INFINITY, byShare)
}

/** Whether a pass with these options holds packets back until it knows how many objects it would delete. */
export const counts = ({ kind, dryRun, delete: deletes }: PassOptions): boolean =>
  kind === 'copy' && !dryRun && deletes

/** `isListing`: something is left to survey. `found`: of which the cap's share is. */
export function deletesState(
  deletes: Deletes,
  cap: DeleteCap,
  found: number,
  isListing: boolean,
): DeletesState {
  if (deletes.answer?.do === 'leave') return 'leaving'
  if (isListing) return 'counting'
  const most = Math.max(allowed(cap, found), deletes.answer?.objects ?? 0)
  return deletes.expected <= most ? 'making' : 'asks'
}

/** How many of `wanted` a packet may delete that nobody has counted. */
export function uncountedAllowance(deletes: Deletes, cap: DeleteCap, found: number, wanted: number): number {
  if (deletes.answer?.do === 'leave') return 0
  return Math.max(0, Math.min(wanted, allowed(cap, found) - deletes.uncounted))
}
