/** What a packet is, what can happen to it and what comes of that; packet.ts has its life. */
import type { Counts } from '../../shared/counts.ts'
import type { ErrorBody, ErrorCode } from '../../shared/error.ts'
import type { Key } from '../../shared/key.ts'
import type { PartRange } from '../../shared/large-object.ts'
import type { Seal, Sums } from '../../shared/ledger.ts'
import type { Cut, Failure, PacketKind, Work } from '../../shared/protocol.ts'
import type { Range } from '../../shared/range.ts'

export interface Common extends Range {
  readonly id: number
  readonly kind: PacketKind
  /** Its `deletes`: absent where nobody has counted them. */
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
  /** Of an `event` packet alone: when the oldest change in it was (ms). */
  readonly told?: number
}
export type PacketState =
  /** `notBefore`: ms since the epoch, 0 for at once. */
  | { readonly state: 'ready'; readonly notBefore: number }
  /** `deletes`: how many objects it may delete at most. */
  | { readonly state: 'leased'; readonly session: number; readonly since: number; readonly deletes: number }
  /**
   * `counts`: null for a survey, whose counts are those of its pieces, and for parts. `report`: this generation uploaded one.
   * `md5s`: of parts that were hashed. `seal`: of a verification.
   */
  | {
      readonly state: 'done'
      readonly counts: Counts | null
      readonly report: boolean
      readonly md5s?: string | null
      readonly seal?: SealedBy
    }
  /** Waits for its parts. */
  | { readonly state: 'expanded' }
  | { readonly state: 'parked' }
/** With the session whose agent has signed it. */
export type SealedBy = Seal & { readonly session: number }
export type Packet = Common & PacketState
/** Its id is given when it is stored. */
export type NewPacket = Omit<Common, 'id'> & PacketState

export type PacketEvent =
  | { readonly t: 'lease'; readonly session: number; readonly deletes: number }
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
      readonly seal?: Seal | undefined
      /** The session that the rest is meant for, where the packet was asked to yield. */
      readonly heir?: number | null
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
  /** An event packet stands for that range from now on (event-steps.ts). */
  | { readonly t: 'tell'; readonly range: Range; readonly told: number }
  /** Another event packet stands for its range. */
  | { readonly t: 'fold' }
  /** All parts of its upload are there. */
  | { readonly t: 'gathered' }
  /** Its upload is of no use any more. */
  | { readonly t: 'dissolve' }
  /** The holder fell silent; or says itself that it does not hold it, and then nothing of it is under way. */
  | { readonly t: 'expire'; readonly isSaid?: true }
  /** The holder's agent began a new session. */
  | { readonly t: 'supersede' }

export type Effect =
  | { readonly is: 'insert'; readonly packet: NewPacket }
  /** Work that the survey found. */
  | { readonly is: 'expect'; readonly work: Work }
  /** So many objects were found at the destination. */
  | { readonly is: 'found'; readonly objects: number }
  /** The packet inserted just before needs no work. */
  | { readonly is: 'settle' }
  /** `sums`: of a verification; null where the agent did not seal what it saw. */
  | { readonly is: 'count'; readonly counts: Counts; readonly sums?: Sums | null }
  | { readonly is: 'fail'; readonly failures: readonly Failure[] }
  /** What came of an event, of which the oldest change was then. */
  | { readonly is: 'follow'; readonly counts: Counts; readonly told: number }
  /** An event is left to the next pass. */
  | { readonly is: 'miss'; readonly told: number }
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
export const settledPacket = (
  kind: PacketKind,
  range: Range,
  counts: Counts,
  seal: SealedBy | null = null,
): NewPacket => ({
  ...begin(kind, range, noWork),
  state: 'done',
  counts,
  report: false,
  ...(seal && { seal }),
})

/** Whether it stands for a part of the key space: a survey that is done has given all of its range away, and parts never do. */
export const covers = (packet: NewPacket): boolean =>
  packet.kind !== 'parts' && packet.kind !== 'event' && (packet.kind !== 'survey' || packet.state !== 'done')

export type Leased = Packet & { state: 'leased' }

export const common = (packet: Packet): Common => ({
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
  ...(packet.told !== undefined && { told: packet.told }),
})
export const readyNow = { state: 'ready', notBefore: 0 } as const
export const ready = (packet: Leased): Packet => ({ ...common(packet), ...readyNow })
export const applied = (packet: Packet, effects: readonly Effect[] = []): Stepped => ({
  packet,
  effects,
  refused: null,
})
export const refused = (packet: Packet, code: Refusal['code'], message: string): Stepped => ({
  packet,
  effects: [],
  refused: { code, message },
})
export const stale = (packet: Packet) => refused(packet, 'stale', 'the lease has ended')
export const invalid = (packet: Packet, message: string) => refused(packet, 'invalid-request', message)
