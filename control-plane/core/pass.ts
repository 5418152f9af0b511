/**
 * The life of a pass.
 *
 *   running    → complete     no packet is left to do, nothing failed or differs
 *              → incomplete   no packet is left to do, but some failed, differ or are parked
 *              → cancelled    the operator said so
 *
 * The three are final: what is left of an incomplete one is the next pass's work.
 */
import type { PassState } from '../../shared/api/migrations.ts'
import type { PassOptions } from '../../shared/policy.ts'
import type { Counters } from './counters.ts'

export type PassEnd = Exclude<PassState, 'running'>

/** How a running pass ends now, or null while there is something to do. */
export function passEnd(counters: Counters, options: PassOptions): PassEnd | null {
  const { packets, counts } = counters
  if (packets.ready > 0 || packets.leased > 0) return null
  const extra = options.kind === 'verify' && !options.oneWay ? counts.objects.extra : 0
  return packets.parked === 0 && counts.objects.failed === 0 && extra === 0 ? 'complete' : 'incomplete'
}

export function equalOptions(a: PassOptions, b: PassOptions): boolean {
  const names = Object.keys(a) as (keyof PassOptions)[]
  return names.every((name) => JSON.stringify(a[name]) === JSON.stringify(b[name]))
}
