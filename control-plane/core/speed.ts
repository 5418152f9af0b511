/**
 * How fast a session works, measured by what it has settled: the work of a packet over the time of its lease, which is the
 * time of one slot. Sums that fade, so that what was a while ago counts less; kept in memory only, since it costs nothing
 * to measure again.
 */
import { packetBounds } from '../../shared/policy.ts'
import type { Work } from '../../shared/protocol.ts'

/** Fading sums over the slots of one session. */
export interface Speed {
  readonly objects: number
  readonly bytes: number
  /** Of slots: two slots that work for a second are two. */
  readonly seconds: number
}

export const unmeasured: Speed = { objects: 0, bytes: 0, seconds: 0 }

/** Seconds of a slot after which what was measured before counts a third (1/e) as much. */
const memory = 120
/** Shorter leases are rounded up to this: clocks are no finer. */
const shortest = 0.001

export function measured(speed: Speed, { objects, bytes }: Work, ms: number): Speed {
  const seconds = Math.max(shortest, ms / 1000)
  const kept = Math.exp(-seconds / memory)
  return {
    objects: speed.objects * kept + objects,
    bytes: speed.bytes * kept + bytes,
    seconds: speed.seconds * kept + seconds,
  }
}

/**
 * In packets: what a survey cuts as one, so that many small objects and few large ones weigh the same. Never nothing, since each
 * costs its listing.
 */
export const packetsOf = ({ objects, bytes }: Work): number =>
  Math.max(0.01, objects / packetBounds.workObjects + bytes / packetBounds.workBytes)

/** Packets a second that one slot settles, or null where that is not known yet. */
export const rateOf = (speed: Speed): number | null =>
  speed.seconds === 0 ? null : packetsOf(speed) / speed.seconds

/** Milliseconds that a slot of that rate takes for `work`. */
export const timeFor = (work: Work, rate: number): number => (1000 * packetsOf(work)) / rate

/** Rates that differ by less are taken as equal: packets are not alike, and an agent whose slots share one wire is faster the fewer work. */
const alike = 1.5

/** Whether `a` is slower than `b` beyond doubt. */
export const isSlower = (a: number | null, b: number | null): boolean =>
  a !== null && b !== null && a * alike < b

/**
 * The fastest first, in groups within which the rates are alike. Who was not measured yet is taken for an average one.
 */
export function bySpeed<T extends { readonly rate: number | null }>(all: readonly T[]): T[][] {
  const known = all.flatMap(({ rate }) => (rate === null ? [] : [rate]))
  if (known.length === 0) return all.length === 0 ? [] : [[...all]]
  const average = known.reduce((sum, rate) => sum + rate, 0) / known.length
  const rateIn = ({ rate }: T) => rate ?? average
  const groups: T[][] = []
  for (const one of all.toSorted((a, b) => rateIn(b) - rateIn(a))) {
    const group = groups.at(-1)
    if (group && !isSlower(rateIn(one), rateIn(group[0]!))) group.push(one)
    else groups.push([one])
  }
  return groups
}
