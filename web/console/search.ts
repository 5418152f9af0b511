/** What of a page is in its address, so that it can be sent to somebody; what makes no sense is dropped. */
import type { PassState } from '../../shared/api/migrations.ts'

/** A part of the key space: after one key, through another (percent-escaped; null: no bound). */
export interface Span {
  readonly after: string | null
  readonly through: string | null
}

type Bounds = readonly [after: string | null, through: string | null]

/** What is looked at closer, shared by the strip, the chart and the lanes. */
export interface Looking {
  /** Parts of the key space, each within the one before it. */
  readonly zoom?: readonly Bounds[]
  /** The packet that begins after this key; empty: the first one. */
  readonly packet?: string
  readonly agent?: string
  /** Milliseconds since the epoch. */
  readonly since?: number
  readonly until?: number
}

const mostZooms = 12
const mostText = 6_000
const end = (value: unknown): value is string | null => value === null || typeof value === 'string'
const isBounds = (value: unknown): value is Bounds =>
  Array.isArray(value) && value.length === 2 && value.every(end)

export function lookingIn(search: Record<string, unknown>): Looking {
  const { zoom, packet, agent, since, until } = search
  const isRange = typeof since === 'number' && typeof until === 'number' && since < until
  return {
    ...(Array.isArray(zoom) && zoom.length > 0 && zoom.every(isBounds) && { zoom: bounded(zoom) }),
    ...(typeof packet === 'string' && { packet }),
    ...(typeof agent === 'string' && { agent }),
    ...(isRange && { since, until }),
  }
}

/** Keys may be long, and addresses may not: the innermost part stays. */
const bounded = (zoom: readonly Bounds[]): readonly Bounds[] =>
  JSON.stringify(zoom).length > mostText ? zoom.slice(-1) : zoom.slice(-mostZooms)

/** Which migrations are listed, and in which order. */
export interface Listing {
  readonly state?: 'new' | PassState
  readonly text?: string
  readonly order?: 'name' | 'failed' | 'bytes'
}

/** Written out: the first page to be shown needs none of their schemas. */
const states = ['new', 'running', 'complete', 'incomplete', 'cancelled'] as const satisfies readonly (
  | 'new'
  | PassState
)[]

export function listingIn({ state, text, order }: Record<string, unknown>): Listing {
  const known = states.find((one) => one === state)
  const ordered = (['name', 'failed', 'bytes'] as const).find((one) => one === order)
  return {
    ...(known && { state: known }),
    ...(typeof text === 'string' && text !== '' && { text: text.slice(0, 64) }),
    ...(ordered && { order: ordered }),
  }
}
