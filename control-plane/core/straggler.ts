/**
 * Stragglers: packets that take much longer than their work should, while others have nothing to do. The agent that has one
 * is asked to end it where it stands; what is left becomes a packet for a faster one. The lease is never doubled, and what
 * was asked for is bounded: a range is handed on a few times at most, with a pause between two requests.
 */
import type { Work } from '../../shared/protocol.ts'
import { isSlower, timeFor } from './speed.ts'

/** Milliseconds under which no packet is late, whatever its work. */
export const lateAfterMs = 5_000
/** As many times what its work takes at the speed of the one that is to get the rest. */
export const lateFactor = 3
/** Milliseconds for a packet of which nobody can tell how long it should take. */
export const lateUnknownMs = 30_000
/** Between two requests for one packet. */
export const yieldPauseMs = 15_000
/** Times that one range is handed on, and that one packet is asked for. */
export const mostYields = 3

/** A leased packet that can be ended early. */
export interface Running {
  readonly packet: number
  readonly session: number
  readonly work: Work
  readonly since: number
  /** When it was last asked for (0: never), and how often it or what it is the rest of was. */
  readonly asked: number
  readonly times: number
}

/** A session; `free`: slots with nothing to do. */
export interface Worker {
  readonly session: number
  readonly free: number
  /** speed.ts */
  readonly rate: number | null
}

/** `to`: the session that the rest is meant for. */
export interface Ask {
  readonly packet: number
  readonly to: number
}

/** Whom to ask, the latest first, no more than there are idle slots; and when to look again, if somebody may be late by then. */
export function pleaseYield(
  running: Iterable<Running>,
  workers: readonly Worker[],
  now: number,
): { ask: Ask[]; again: number | null } {
  const rates = new Map(workers.map(({ session, rate }) => [session, rate]))
  const idle = workers.filter(({ free }) => free > 0).toSorted((a, b) => (b.rate ?? 0) - (a.rate ?? 0))
  const best = workers.reduce<number | null>((most, { rate }) => higher(most, rate), null)
  const late: { packet: number; to: Worker; by: number }[] = []
  let again: number | null = null
  for (const { packet, session, work, since, asked, times } of running) {
    if (times >= mostYields) continue
    const to = idle.find(
      (other) => other.session !== session && !isSlower(other.rate, rates.get(session) ?? null),
    )
    if (!to) continue
    const rate = to.rate ?? best
    const patience = rate === null ? lateUnknownMs : Math.max(lateAfterMs, lateFactor * timeFor(work, rate))
    const at = Math.max(since + patience, asked === 0 ? 0 : asked + yieldPauseMs)
    if (at > now) again = Math.min(again ?? at, at)
    else late.push({ packet, to, by: (now - since) / patience })
  }
  late.sort((a, b) => b.by - a.by)
  const left = new Map(idle.map(({ session, free }) => [session, free]))
  const ask: Ask[] = []
  for (const { packet, to } of late) {
    const free = left.get(to.session)!
    if (free === 0) continue
    left.set(to.session, free - 1)
    ask.push({ packet, to: to.session })
  }
  if (ask.length > 0) again = Math.min(again ?? Number.POSITIVE_INFINITY, now + yieldPauseMs)
  return { ask, again }
}

const higher = (a: number | null, b: number | null) => (a === null ? b : b === null ? a : Math.max(a, b))
