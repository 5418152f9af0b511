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
 * A copy packet that begins with a large object narrows to it (`expand`) and from then on has an upload. It stands for its range
 * all the time; the `parts` packets that it waits for stand for none, and count nothing but bytes on their way. Its own
 * outcome, once all parts are there, is that of the object.
 *
 *   with an upload          expand   opened     gathered   collapse   dissolve
 *   ready     copy          replay   refused    –          refused    ready
 *   leased    copy          refused  expanded   –          ready      ready
 *   expanded  copy          replay   replay     ready      –          ready
 *
 *                           parts    collapse   dissolve
 *   ready, parked  parts    refused  refused    done
 *   leased         parts    done     done       done
 *   done           parts    replay   replay     as it is
 *
 * Every message of an agent names the generation that its lease was granted with. One of an older generation, or of a
 * session that does not hold the lease, is refused and changes nothing. One that was applied before (its answer was
 * lost) is recognised, and is answered as if it were applied now: a `cut` whose `from` lies behind `after`, a `split`
 * at or past `through`, anything about a packet that is done by this very generation.
 */
import { addCounts, addsUp, type Counts, zeroCounts } from '../../shared/counts.ts'
import type { ErrorBody, ErrorCode } from '../../shared/error.ts'
import type { Key } from '../../shared/key.ts'
import type { PartRange } from '../../shared/large-object.ts'
import type { Cut, Failure, PacketKind, Work } from '../../shared/protocol.ts'
import { contains, mayEndAt, type Range } from '../../shared/range.ts'

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
  /** Of the large object that it is, or is a part of. */
  readonly upload: number | null
  /** Of a `parts` packet alone. */
  readonly parts: PartRange | null
}
export type PacketState =
  /** `notBefore`: ms since the epoch, 0 for at once. */
  | { readonly state: 'ready'; readonly notBefore: number }
  | { readonly state: 'leased'; readonly session: number; readonly since: number }
  /**
   * `counts`: null for a survey, whose counts are those of its pieces, and for parts. `report`: this generation uploaded one.
   * `md5s`: of parts that were hashed.
   */
  | {
      readonly state: 'done'
      readonly counts: Counts | null
      readonly report: boolean
      readonly md5s?: string | null
    }
  /** Waits for its parts. */
  | { readonly state: 'expanded' }
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
  /** `upload` is its row; `opened`: where an earlier pass created it already. */
  | {
      readonly t: 'expand'
      readonly session: number
      readonly generation: number
      readonly key: Key
      readonly bytes: number
      readonly upload: number
      readonly opened: readonly PartWork[] | null
    }
  | {
      readonly t: 'opened'
      readonly session: number
      readonly generation: number
      readonly ranges: readonly PartWork[]
    }
  | {
      readonly t: 'parts'
      readonly session: number
      readonly generation: number
      readonly md5s: string | null
    }
  | { readonly t: 'collapse'; readonly session: number; readonly generation: number }
  /** All parts of its upload are there. */
  | { readonly t: 'gathered' }
  /** Its upload is of no use any more. */
  | { readonly t: 'dissolve' }
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
  /** Parts of an upload are there: perhaps the last ones. */
  | { readonly is: 'gather'; readonly upload: number; readonly bytes: number }
  /** The upload is of no use any more: all of its packets are to know. */
  | { readonly is: 'dissolve'; readonly upload: number }
  /** The object is settled, and the upload needs no memory. */
  | { readonly is: 'forget'; readonly upload: number }

/** A `parts` packet to be. */
export interface PartWork {
  readonly parts: PartRange
  readonly bytes: number
}

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
  upload: null,
  parts: null,
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

/** Whether it stands for a part of the key space: a survey that is done has given all of its range away, and parts never do. */
export const covers = (packet: NewPacket): boolean =>
  packet.kind !== 'parts' && (packet.kind !== 'survey' || packet.state !== 'done')

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
    case 'gathered':
      return packet.state === 'expanded' ? applied({ ...common(packet), ...readyNow }) : applied(packet)
    case 'dissolve':
      return dissolve(packet)
    case 'expand':
    case 'opened':
      if (packet.generation !== event.generation) return stale(packet)
      if (isReplay(packet, event)) return applied(packet)
      if (packet.state !== 'leased' || packet.session !== event.session) return stale(packet)
      return event.t === 'expand' ? expand(packet, event) : opened(packet, event.ranges)
    case 'cut':
    case 'split':
    case 'outcome':
    case 'parts':
    case 'collapse':
      if (packet.generation !== event.generation) return stale(packet)
      if (packet.state === 'done') return applied(packet)
      if (packet.state !== 'leased' || packet.session !== event.session) return stale(packet)
      if (!takes[packet.kind].includes(event.t)) {
        return invalid(packet, `a ${packet.kind} packet takes no ${event.t}`)
      }
      switch (event.t) {
        case 'cut':
          return cut(packet, event, around)
        case 'split':
          return split(packet, event.at)
        case 'outcome':
          return outcome(packet, event)
        case 'parts':
          return gather(packet, event.md5s)
        case 'collapse':
          return collapse(packet)
        default:
          return event satisfies never
      }
    default:
      return event satisfies never
  }
}

/** Which messages that end a lease each kind knows. */
const takes: Record<PacketKind, readonly string[]> = {
  survey: ['cut', 'split'],
  copy: ['outcome', 'collapse'],
  verify: ['outcome'],
  parts: ['parts', 'collapse'],
}

type Leased = Packet & { state: 'leased' }

/** Whether `expand` or `opened` was applied before, by this very lease. */
function isReplay(packet: Packet, event: PacketEvent & { t: 'expand' | 'opened' }): boolean {
  if (packet.state === 'leased' || packet.state === 'parked') return false
  // A lease that merely ran out leaves the packet ready too, but not narrowed to the object.
  if (event.t === 'expand') return packet.upload !== null && packet.through === event.key
  return packet.state !== 'ready'
}

function expand(packet: Leased, event: PacketEvent & { t: 'expand' }): Stepped {
  const { key, bytes, upload } = event
  if (packet.kind !== 'copy') return invalid(packet, `a ${packet.kind} packet takes no expand`)
  if (packet.upload !== null) return invalid(packet, 'it is expanded already')
  if (!contains(packet, key)) return invalid(packet, 'the key lies outside the packet’s range')
  const effects: Effect[] = []
  if (key !== packet.through) {
    const left = {
      objects: Math.max(0, packet.work.objects - 1),
      bytes: Math.max(0, packet.work.bytes - bytes),
    }
    const rest = newPacket('copy', { after: key, through: packet.through }, left)
    effects.push({ is: 'insert', packet: { ...rest, prefer: packet.prefer } })
  }
  const mine = { ...common(packet), through: key, work: { objects: 1, bytes }, upload }
  if (event.opened === null) return applied({ ...mine, prefer: packet.session, ...readyNow }, effects)
  return applied({ ...mine, state: 'expanded' }, [...effects, ...partPackets(mine, event.opened)])
}

function opened(packet: Leased, ranges: readonly PartWork[]): Stepped {
  if (packet.kind !== 'copy' || packet.upload === null) return invalid(packet, 'it was not expanded')
  const next = { ...common(packet), failures: 0, error: null, prefer: null }
  return applied({ ...next, state: 'expanded' }, partPackets(next, ranges))
}

const partPackets = ({ after, through, upload }: Omit<Common, 'id'>, ranges: readonly PartWork[]): Effect[] =>
  ranges.map(({ parts, bytes }) => ({
    is: 'insert',
    packet: { ...newPacket('parts', { after, through }, { objects: 0, bytes }), upload, parts },
  }))

function gather(packet: Leased, md5s: string | null): Stepped {
  const { upload, work } = packet
  if (upload === null) return invalid(packet, 'it belongs to no upload')
  const done = { ...common(packet), failures: 0, error: null }
  return applied({ ...done, state: 'done', counts: null, report: false, md5s }, [
    { is: 'gather', upload, bytes: work.bytes },
  ])
}

/** The others of its upload are told by the effect; it is one of them. */
function collapse(packet: Leased): Stepped {
  const { upload } = packet
  if (upload === null) return invalid(packet, 'it belongs to no upload')
  const { packet: next } = dissolve(packet)
  return applied({ ...next, generation: packet.generation }, [{ is: 'dissolve', upload }])
}

/** Parts are done with nothing; their object's packet is as it was, narrowed to the object. Whoever holds one holds it no more. */
function dissolve(packet: Packet): Stepped {
  const { upload, state } = packet
  if (upload === null || state === 'done') return applied(packet)
  const mine = { ...common(packet), generation: packet.generation + (state === 'leased' ? 1 : 0) }
  if (packet.kind === 'parts') {
    return applied({ ...mine, error: null, state: 'done', counts: null, report: false })
  }
  return applied({ ...mine, upload: null, ...readyNow })
}

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
  // One that failed leaves its upload to the next pass.
  if (packet.upload !== null && counts.objects.failed === 0) {
    effects.push({ is: 'forget', upload: packet.upload })
  }
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
  upload: packet.upload,
  parts: packet.parts,
})
const readyNow = { state: 'ready', notBefore: 0 } as const
const ready = (packet: Leased): Packet => ({ ...common(packet), ...readyNow })
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
