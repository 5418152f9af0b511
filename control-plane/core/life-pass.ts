/** What the passes of a life do, and which passes may be begun beside them. */
import { type PassOptions, type Policy, passOptions } from '../../shared/policy.ts'
import { inChecklist, type Life, type Purpose, type Refused } from './life-state.ts'

/**
 * All follow `direction`. Copies leave the baseline complete, and once the application was at the destination, what somebody else has changed
 * at the side that follows is a conflict and left alone. After the freeze nothing that is missing comes back: deletes, where they are
 * followed, wait no longer. Where deletes are not followed, a verification does not mind what is at one side alone; that which is certified
 * minds no conflict either that was waived: the listings before it have counted those.
 */
export function optionsOf(life: Life, purpose: Purpose, policy: Policy): PassOptions {
  const { direction, follow, verify, checklist } = life
  const verification = { kind: 'verify', direction, oneWay: !passOptions(policy).delete } as const
  switch (purpose) {
    case 'follow':
    case 'last-pass': {
      const conflicts = life.wasOver ? ({ conflicts: 'park' } as const) : {}
      const copy = { kind: 'copy', direction, remember: 'all', ...conflicts } as const
      if (purpose === 'follow') return passOptions(policy, copy)
      const compare = checklist?.compare ?? null
      return passOptions(policy, copy, { deleteAfter: 0, ...(compare && { compare }) })
    }
    case 'verify':
      return passOptions(policy, verification, verify ?? {})
    case 'quiet':
      return passOptions(policy, verification, { depth: 'listing' })
    case 'verification':
      return passOptions(policy, verification, {
        ...{ depth: follow.depth, sample: follow.sample },
        ...((checklist?.conflicts ?? 0) > 0 && { oneWay: true }),
      })
    default:
      return purpose satisfies never
  }
}

/**
 * Why a pass may not be begun by hand, or by a schedule, as the life stands; null: it may. A pass that changes nothing may, unless it is paused, while no other
 * runs. One that copies may not where it could write over what the application, or the checklist, relies upon.
 */
export function refusesPass(life: Life, { kind, dryRun }: PassOptions): Refused | null {
  if (life.paused) return { message: 'the migration is paused', hint: 'Resume it first: POST /life/resume.' }
  if (kind === 'verify' || dryRun) return null
  const { state, direction, wasOver } = life
  if (direction === 'back') {
    return {
      message: `the application is at the destination (${state}): a copy would write the old side’s objects over its own`,
      hint: 'Passes back begin by themselves. To return to the source, roll back: POST /life/roll-back.',
    }
  }
  if (inChecklist(life)) {
    return {
      message: `the checklist of a cut-over is worked through (${state}), and begins its passes by itself`,
      hint: 'Retry a step of it (POST /life/steps/:step), or leave it: POST /life/abandon.',
    }
  }
  if (state === 'rolled-back') {
    return {
      message: wasOver
        ? 'after the roll-back passes begin by themselves, which leave alone what was changed at the destination'
        : 'the migration was rolled back',
      hint: wasOver
        ? 'Let them, or close it first: POST /life/close.'
        : 'Start it again (POST /life/start), or close it: POST /life/close.',
    }
  }
  return null
}
