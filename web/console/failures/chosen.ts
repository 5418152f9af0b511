/** Which failures somebody has ticked: these very ones, or all that the filter shows. */
import type { Failure, Selection } from '../../../shared/api/failures.ts'
import type { Filter } from './search.ts'

export type Chosen =
  | { readonly all: true }
  | { readonly all: false; readonly some: ReadonlyMap<number, Failure['state']> }

export const nothing: Chosen = { all: false, some: new Map() }

/** One by one, as the control plane takes them. */
export const mostChosen = 1_000

export const isChosen = (chosen: Chosen, { id }: Failure): boolean => chosen.all || chosen.some.has(id)

/** Null where they would be too many. */
export function withThese(chosen: Chosen, failures: readonly Failure[], isOn: boolean): Chosen | null {
  const some = new Map(chosen.all ? [] : chosen.some)
  for (const { id, state } of failures) {
    if (isOn) some.set(id, state)
    else some.delete(id)
  }
  return some.size > mostChosen ? null : { all: false, some }
}

/** As the control plane is told; the filter's state is no part of it: what is done is done to those that it can be done to. */
export function selectionOf(chosen: Chosen, { cause, prefix, text }: Filter): Selection {
  if (!chosen.all) return { ids: [...chosen.some.keys()] }
  return {
    ...(cause !== undefined && { cause: String(cause) }),
    ...(prefix !== undefined && { prefix }),
    ...(text !== undefined && { text }),
  }
}

export interface Tally {
  readonly open: number
  readonly waived: number
  /** There are more than these. */
  readonly isMore: boolean
}

export function tallyOf(some: ReadonlyMap<number, Failure['state']>): Tally {
  const states = [...some.values()]
  const of = (state: Failure['state']) => states.filter((one) => one === state).length
  return { open: of('open'), waived: of('waived'), isMore: false }
}
