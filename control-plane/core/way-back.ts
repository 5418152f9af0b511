/** Whether a migration can be rolled back without losing what is written after its cut-over. Asked before, so that nobody finds out too late. */
import type { Location } from '../../shared/location.ts'
import type { Arrangement } from '../../shared/mapping.ts'
import type { Policy } from '../../shared/policy.ts'
import { wayBack } from '../../shared/way-back.ts'
import { overlap } from './overlap.ts'

export interface NoWayBack {
  /** A sentence. */
  readonly message: string
  readonly hint: string
}

/**
 * Null where there is a way back. A roll-back of anything else is refused with it; a cut-over is possible, once the operator was told.
 */
export function refuseNoWayBack(
  definition: Arrangement & {
    readonly source: Location
    readonly destination: Location
    readonly policy: Policy
  },
): NoWayBack | null {
  const way = wayBack(definition, definition.policy)
  if ('why' in way) {
    return {
      message: `There is no way back for this migration: the source cannot follow the destination. ${way.why}`,
      hint: 'Keep the source as it is until the destination has proved itself: what is written after the cut-over is only there.',
    }
  }
  if (overlap(definition.source, definition.destination) !== 'apart') {
    return {
      message: 'There is no way back for this migration: one side lies inside the other.',
      hint: 'What is written after the cut-over is only at the destination.',
    }
  }
  return null
}
