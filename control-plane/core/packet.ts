/**
 * The life of one packet, as a pure function. What holds in every state: a packet's range never overlaps another's of
 * its pass, and what leaves its range is inserted by the same step.
 *
 *            lease    cut           split    outcome   failed           release, expire, supersede
 *   ready    leased   refused       refused  refused   as it is         as it is
 *   leased   –        leased, done  leased   done      ready, parked    ready
 *   done     –        replay        replay   replay    replay           replay
 *   parked   –        refused       refused  refused   as it is         as it is
 *
 * Every message of an agent names the generation that its lease was granted with. One of an older generation, or of a
 * session that does not hold the lease, is refused and changes nothing. One that was applied before (its answer was
 * lost) is recognised, and is answered as if it were applied now: a `cut` whose `from` lies behind `after`, a `split`
 * at or past `through`, anything about a packet that is done by this very generation.
 */
import { addCounts, addsUp, type Counts, zeroCounts } from '../../shared/counts.ts'
import type { ErrorBody, ErrorCode } from '../../shared/error.ts'
import type { Key } from '../../shared/key.ts'
import type { Cut, Failure, PacketKind, Work } from '../../shared/protocol.ts'
import { mayEndAt, type Range } from '../../shared/range.ts'

/** Failed attempts in a row after which a packet waits for an operator. */
export const maxFailures = 5

interface Common extends Range {
  readonly id: number
  readonly kind: PacketKind
  readonly work: Work
  /** Leases granted so far; the latest one's fence. */
  readonly generation: number
  /** Failed attempts in a row; leases that expired or were given back are none. */
  readonly failures: number
  /** Why the latest attempt failed; null again when one does not. */
  readonly error: ErrorCode | null
  /** The session that surveyed its range, and so may remember the listing. */
  readonly prefer: number | null
}
export type PacketState =
  /** `notBefore`: ms since the epoch, 0 for at once. */
  | { readonly state: 'ready'; readonly notBefore: number }
  | { readonly state: 'leased'; readonly session: number; readonly since: number }
  /** `counts`: null for a survey, whose counts are those of its pieces. `report`: this generation uploaded one. */
  | { readonly state: 'done'; readonly counts: Counts | null; readonly report: boolean }
  | { readonly state: 'parked' }
export type Packet = Common & PacketState
/** Its id is given when it is stored. */
export type NewPacket = Omit<Common, 'id'> & PacketState

export type PacketEvent =
  | { readonly t: 'lease'; readonly session: number }
  | {
      readonly t: 'cut'
      readonly session: number
      readonly generation: number
      readonly from: Key | null
      readonly cuts: readonly Cut[]
    }
  | { readonly t: 'split'; readonly session: number; readonly generation: number; readonly at: Key }
  | {
      readonly t: 'outcome'
      readonly session: number
      readonly generation: number
      readonly through: Key | null
      readonly counts: Counts
      readonly failures: readonly Failure[]
      readonly report: boolean
    }
  | { readonly t: 'failed'; readonly session: number; readonly generation: number; readonly error: ErrorBody }
  | { readonly t: 'release'; readonly session: number; readonly generation: number }
  /** The holder fell silent, or says that it does not hold it. */
  | { readonly t: 'expire' }
  /** The holder's agent began a new session. */
  | { readonly t: 'supersede' }

export type Effect =
  | { readonly is: 'insert'; readonly packet: NewPacket }
  /** Work that the survey found. */
  | { readonly is: 'expect'; readonly work: Work }
  /** The packet inserted just before needs no work. */
  | { readonly is: 'settle' }
  | { readonly is: 'count'; readonly counts: Counts }
  | { readonly is: 'fail'; readonly failures: readonly Failure[] }
  | { readonly is: 'error'; readonly error: ErrorBody }

export interface Refusal {
  readonly code: 'stale' | 'invalid-request'
  readonly message: string
}
export interface Stepped {
  readonly packet: Packet
  readonly effects: readonly Effect[]
  /** Null: applied, now or before. */
  readonly refused: Refusal | null
}
export interface Surroundings {
  readonly now: number
  /** In [0, 1). */
  readonly random: number
  /** What a survey's pieces become. */
  readonly work: 'copy' | 'verify'
}

const noWork: Work = { objects: 0, bytes: 0 }

const begin = (kind: PacketKind, { after, through }: Range, work: Work): Omit<Common, 'id'> => ({
  kind,
  after,
  through,
  work,
  generation: 0,
  failures: 0,
  error: null,
  prefer: null,
})

export const newPacket = (kind: PacketKind, range: Range, work = noWork): NewPacket => ({
  ...begin(kind, range, work),
  state: 'ready',
  notBefore: 0,
})

/** A range that needs no work: all in it is accounted for by `counts`. */
export const settledPacket = (kind: PacketKind, range: Range, counts: Counts): NewPacket => ({
  ...begin(kind, range, noWork),
  state: 'done',
  counts,
  report: false,
})

/** Whether it still stands for a part of the key space: a survey that is done has given all of its range away. */
export const covers = (packet: NewPacket): boolean => packet.kind !== 'survey' || packet.state !== 'done'

export function step(packet: Packet, event: PacketEvent, around: Surroundings): Stepped {
  switch (event.t) {
    case 'lease':
      if (packet.state !== 'ready') return stale(packet)
      return applied({
        ...common(packet),
        generation: packet.generation + 1,
        state: 'leased',
        session: event.session,
        since: around.now,
      })
    case 'expire':
    case 'supersede':
      return packet.state === 'leased' ? applied(ready(packet)) : applied(packet)
    case 'failed':
    case 'release':
      if (packet.generation !== event.generation) return stale(packet)
      // No longer leased under this generation: what the message asks for has happened already.
      if (packet.state !== 'leased') return applied(packet)
      if (packet.session !== event.session) return stale(packet)
      return event.t === 'release' ? applied(ready(packet)) : failed(packet, event.error, around)
    case 'cut':
    case 'split':
    case 'outcome':
      if (packet.generation !== event.generation) return stale(packet)
      if (packet.state === 'done') return applied(packet)
      if (packet.state !== 'leased' || packet.session !== event.session) return stale(packet)
      if ((packet.kind === 'survey') === (event.t === 'outcome')) {
        return invalid(packet, `a ${packet.kind} packet takes no ${event.t}`)
      }
      return event.t === 'cut'
        ? cut(packet, event, around)
        : event.t === 'split'
          ? split(packet, event.at)
          : outcome(packet, event)
    default:
      return event satisfies never
  }
}

type Leased = Packet & { state: 'leased' }

function cut(packet: Leased, event: PacketEvent & { t: 'cut' }, around: Surroundings): Stepped {
  if (isBehind(event.from, packet.after)) return applied(packet)
  if (event.from !== packet.after) return invalid(packet, 'the cut begins past the packet’s start')
  if (event.cuts.length === 0) return invalid(packet, 'no piece')

  const pieces: (Range & { work: Work; settled: Counts | null })[] = []
  let after = packet.after
  let finished = false
  for (const { through, work, settled } of event.cuts) {
    if (finished || !mayEndAt({ after, through: packet.through }, through)) {
      return invalid(packet, 'the pieces do not rise within the packet’s range')
    }
    if (settled && !addsUp(settled)) return invalid(packet, 'the counts of a piece do not add up')
    const last = pieces.at(-1)
    if (settled && last?.settled) {
      // One row for a run of settled pieces: most of a pass that finds little to do is such runs.
      pieces.splice(-1, 1, { ...last, through, settled: addCounts(last.settled, settled) })
    } else {
      pieces.push({ after, through, work, settled: settled && addCounts(zeroCounts(), settled) })
    }
    after = through
    finished = through === packet.through
  }
  const effects = pieces.flatMap((piece): Effect[] =>
    piece.settled
      ? [
          { is: 'insert', packet: settledPacket(around.work, piece, piece.settled) },
          { is: 'settle' },
          { is: 'count', counts: piece.settled },
        ]
      : [
          {
            is: 'insert',
            packet: { ...newPacket(around.work, piece, piece.work), prefer: packet.session },
          },
          { is: 'expect', work: piece.work },
        ],
  )
  // Progress: whatever failed before this was overcome.
  const rest = { ...packet, failures: 0, error: null, after }
  if (!finished) return applied(rest, effects)
  return applied({ ...common(rest), state: 'done', counts: null, report: false }, effects)
}

function split(packet: Leased, at: Key): Stepped {
  if (packet.through !== null && at >= packet.through) return applied(packet)
  if (packet.after !== null && at <= packet.after) {
    return invalid(packet, 'the split lies before what is left of the packet')
  }
  const upper = newPacket('survey', { after: at, through: packet.through })
  return applied({ ...packet, through: at }, [{ is: 'insert', packet: upper }])
}

function outcome(packet: Leased, event: PacketEvent & { t: 'outcome' }): Stepped {
  const { counts, failures, report, through } = event
  if (!addsUp(counts)) return invalid(packet, 'the counts do not add up')
  if (!mayEndAt(packet, through)) return invalid(packet, 'the outcome ends outside the packet’s range')

  const effects: Effect[] = [{ is: 'count', counts }]
  if (failures.length > 0) effects.push({ is: 'fail', failures })
  if (through !== packet.through) {
    const left = {
      objects: Math.max(0, packet.work.objects - counts.objects.listed),
      bytes: Math.max(0, packet.work.bytes - counts.bytes.listed),
    }
    const rest = newPacket(packet.kind, { after: through, through: packet.through }, left)
    effects.push({ is: 'insert', packet: { ...rest, prefer: packet.prefer } })
  }
  return applied(
    { ...common(packet), through, failures: 0, error: null, state: 'done', counts, report },
    effects,
  )
}

function failed(packet: Leased, error: ErrorBody, around: Surroundings): Stepped {
  const failures = packet.failures + 1
  const next = { ...common(packet), failures, error: error.code }
  const effects: Effect[] = [{ is: 'error', error }]
  if (error.retry === 'never' || failures >= maxFailures)
    return applied({ ...next, state: 'parked' }, effects)
  const notBefore = around.now + pause(failures, around.random)
  return applied({ ...next, state: 'ready', notBefore }, effects)
}

/** Milliseconds before the attempt after `failures` failed ones: at least 1 s, at random below a bound that doubles to 60 s. */
export function pause(failures: number, random: number): number {
  const bound = Math.min(60_000, 1_000 * 2 ** failures)
  return Math.round(1_000 + random * (bound - 1_000))
}

/** Whether the boundary `a` lies before `b`, both being starts of ranges. */
const isBehind = (a: Key | null, b: Key | null) => b !== null && (a === null || a < b)

const common = (packet: Packet): Common => ({
  id: packet.id,
  kind: packet.kind,
  after: packet.after,
  through: packet.through,
  work: packet.work,
  generation: packet.generation,
  failures: packet.failures,
  error: packet.error,
  prefer: packet.prefer,
})
const ready = (packet: Leased): Packet => ({ ...common(packet), state: 'ready', notBefore: 0 })
const applied = (packet: Packet, effects: readonly Effect[] = []): Stepped => ({
  packet,
  effects,
  refused: null,
})
const refused = (packet: Packet, code: Refusal['code'], message: string): Stepped => ({
  packet,
  effects: [],
  refused: { code, message },
})
const stale = (packet: Packet) => refused(packet, 'stale', 'the lease has ended')
const invalid = (packet: Packet, message: string) => refused(packet, 'invalid-request', message)
