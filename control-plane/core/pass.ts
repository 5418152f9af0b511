/**
 * The life of a pass.
 *
 *   running    → complete     no packet is left to do, nothing failed or differs but what is waived
 *              → incomplete   no packet is left to do, but some failed, differ or are parked
 *              → cancelled    the operator said so
 *   incomplete → complete     all that failed was waived since
 *   complete   → incomplete   a waiver was taken back
 *
 * What is left of an incomplete one is the work of a retry, or of the next pass. A retry is complete where that is true of all passes that it
 * goes back to, too.
 */
import type { PassState } from '../../shared/api/migrations.ts'
import type { PassOptions } from '../../shared/policy.ts'
import type { Counters } from './counters.ts'

export type PassEnd = Exclude<PassState, 'running'>

/** What is known besides its counters: `waived` of its own failures; `isClean`: nothing is left of the passes that it goes back to. */
export interface Earlier {
  readonly waived: number
  readonly isClean: boolean
}
const nothing: Earlier = { waived: 0, isClean: true }

/** How a running pass ends now, or null while there is something to do. */
export function passEnd(
  counters: Counters,
  options: PassOptions,
  { waived, isClean }: Earlier = nothing,
): PassEnd | null {
  const { packets, counts } = counters
  if (packets.ready > 0 || packets.leased > 0) return null
  const extra = options.kind === 'verify' && !options.oneWay ? counts.objects.extra : 0
  const isDone = packets.parked === 0 && counts.objects.failed <= waived && extra === 0
  return isDone && isClean ? 'complete' : 'incomplete'
}

export function equalOptions(a: PassOptions, b: PassOptions): boolean {
  const names = Object.keys(a) as (keyof PassOptions)[]
  return names.every((name) => JSON.stringify(a[name]) === JSON.stringify(b[name]))
}
