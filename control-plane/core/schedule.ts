/** When an object has to wake by itself. An alarm costs a row whenever it is set, so it moves only when it must. */

export interface Reasons {
  /** Ms since the epoch at which each session with leases was last heard of. */
  readonly seen: Iterable<number>
  readonly leaseMs: number
  /** The first packet that waits to be tried again. */
  readonly retry: number | null
  /** Nothing is left to do, and the pass stays open: until when. */
  readonly hold?: number | null
  /** When the migration's life goes on by itself. */
  readonly life?: number | null
  /** What others have to be told and were not: when to try again. */
  readonly tell: number | null
  /** When to look whether those who watch still may. */
  readonly check?: number | null
}

/** The earliest moment at which there is something to do, or null. */
export function nextAlarm({ seen, leaseMs, ...others }: Reasons): number | null {
  const { retry, hold, life, tell, check } = others
  let at = Math.min(...[retry, hold, life, tell, check].map((moment) => moment ?? Number.POSITIVE_INFINITY))
  for (const moment of seen) at = Math.min(at, moment + leaseMs)
  return at === Number.POSITIVE_INFINITY ? null : at
}

/**
 * Where to set an alarm that stands at `set`. One that is too early is left alone: it fires, finds nothing, and is set
 * anew then, once in a lease instead of once in a heartbeat.
 */
export const moveAlarm = (set: number | null, wanted: number | null): number | null =>
  wanted !== null && (set === null || wanted < set) ? wanted : null
