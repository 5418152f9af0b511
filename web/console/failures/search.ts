/** What of the failures' page is in its address; what makes no sense is dropped. */
import type { FailureState } from '../../../shared/api/failures.ts'

/** Which failures: those for which all of this holds. */
export interface Filter {
  readonly cause?: number | undefined
  readonly prefix?: string | undefined
  readonly text?: string | undefined
  readonly state?: FailureState | undefined
}

export interface FailuresSearch extends Filter {
  /** Absent: the last one. */
  readonly pass?: number | undefined
}

/** Written out: the page that is shown first needs none of their schemas. */
const states = ['open', 'retried', 'waived'] as const satisfies readonly FailureState[]

const number = (value: unknown) => {
  const given = typeof value === 'string' ? Number(value) : value
  return Number.isSafeInteger(given) && (given as number) >= 0 ? (given as number) : undefined
}
/** What somebody typed and looks like a number has become one. */
const text = (value: unknown, most: number) =>
  typeof value === 'string' || typeof value === 'number' ? String(value).slice(0, most) : ''

export function failuresIn(search: Record<string, unknown>): FailuresSearch {
  const pass = number(search.pass)
  const cause = number(search.cause)
  const prefix = text(search.prefix, 1024)
  const holds = text(search.text, 200)
  const state = states.find((one) => one === search.state)
  return {
    ...(pass && { pass }),
    ...(cause !== undefined && { cause }),
    ...(prefix !== '' && { prefix }),
    ...(holds !== '' && { text: holds }),
    ...(state && { state }),
  }
}

/** Which two passes are compared. */
export interface PassesSearch {
  readonly compare?: readonly [from: number, to: number] | undefined
}

export function passesIn({ compare }: Record<string, unknown>): PassesSearch {
  if (!Array.isArray(compare) || compare.length !== 2) return {}
  const [a, b] = compare.map(number)
  return a && b && a !== b ? { compare: [Math.min(a, b), Math.max(a, b)] } : {}
}
