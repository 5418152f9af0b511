/**
 * A pass in figures, kept up to date with every step of its packets, so that its status is never a scan. Stored as one
 * JSON document in the transaction of the steps that it counts. The functions change the counters that they are given.
 */
import type { PassStatus } from '../../shared/api/migrations.ts'
import { addCounts, type Counts, zeroCounts } from '../../shared/counts.ts'
import type { ErrorBody, ErrorCode } from '../../shared/error.ts'
import { addSums, noSums, type Sums } from '../../shared/ledger.ts'
import type { Work } from '../../shared/protocol.ts'
import { type Deletes, zeroDeletes } from './deletes.ts'
import type { Effect, NewPacket } from './packet.ts'

/** Of event packets, which are counted nowhere else. */
export interface Events {
  done: number
  /** Copied or deleted. */
  objects: number
  /** Left to the next pass: objects that failed, and packets that could not be worked on. */
  left: number
  /** When the oldest change of these was (ms); null: there are none. */
  leftSince: number | null
}

export interface Counters {
  counts: Counts
  expected: Work
  packets: PassStatus['packets']
  /** Surveys that are not done: while there is one, totals are not known. */
  surveys: number
  /** Bytes of parts that are at the store, of objects that are not whole yet; absent while there are none. */
  gathered?: number
  /** Leases that were taken back since nothing of them moved; absent where there were none. */
  stuck?: number
  /** Absent until there is something to tell. */
  deletes?: Deletes
  events?: Events
  /** Of a verification: the sums of all seals, and how many packets were done without one. Absent while there are none. */
  seals?: Sums & { readonly missing: number }
  causes: Partial<Record<ErrorCode, { objects: number; bytes: number; message: string }>>
  /** Of packets that are not done since, by the code of their latest failed attempt. */
  errors: Partial<Record<ErrorCode, { error: ErrorBody; packets: number; parked: number }>>
}

export const zeroCounters = (): Counters => ({
  counts: zeroCounts(),
  expected: { objects: 0, bytes: 0 },
  packets: { ready: 0, leased: 0, done: 0, parked: 0, settled: 0 },
  surveys: 0,
  causes: {},
  errors: {},
})

/** Takes note of what a packet became; `before` is null for a new one. Call `countEffect` for its effects first. */
export function countPacket(counters: Counters, before: NewPacket | null, after: NewPacket): void {
  add(counters, after, 1)
  if (before) add(counters, before, -1)
}

function add(counters: Counters, packet: NewPacket, n: 1 | -1): void {
  const uncounted = uncountedOf(packet)
  if (uncounted > 0) deletesOf(counters).uncounted += n * uncounted
  if (packet.kind === 'event') return
  // An expanded packet waits for others, which are counted themselves.
  if (packet.state !== 'expanded') counters.packets[packet.state] += n
  if (packet.kind === 'survey' && packet.state !== 'done') counters.surveys += n
  const error = packet.error && counters.errors[packet.error]
  if (!packet.error || !error) return
  error.packets += n
  if (packet.state === 'parked') error.parked += n
  if (error.packets === 0) delete counters.errors[packet.error]
}

/** Deletes that nobody has counted before: made, or allowed by the lease. */
function uncountedOf(packet: NewPacket): number {
  if (packet.work.deletes !== undefined) return 0
  if (packet.state === 'leased') return packet.deletes
  return packet.state === 'done' ? (packet.counts?.objects.deleted ?? 0) : 0
}

/** To be changed. */
export function deletesOf(counters: Counters): Deletes {
  counters.deletes ??= zeroDeletes()
  return counters.deletes
}

function seal(counters: Counters, sums: Sums | null): void {
  const before = counters.seals ?? { ...noSums, missing: 0 }
  const { missing } = before
  counters.seals = sums ? { ...addSums(before, sums), missing } : { ...before, missing: missing + 1 }
}

export function countEffect(counters: Counters, effect: Effect): void {
  switch (effect.is) {
    case 'insert':
      countPacket(counters, null, effect.packet)
      return
    case 'settle':
      counters.packets.settled += 1
      return
    case 'expect':
      counters.expected.objects += effect.work.objects
      counters.expected.bytes += effect.work.bytes
      if (effect.work.deletes) deletesOf(counters).expected += effect.work.deletes
      return
    case 'found':
      deletesOf(counters).found += effect.objects
      return
    case 'count':
      addCounts(counters.counts, effect.counts)
      if (effect.sums !== undefined) seal(counters, effect.sums)
      return
    case 'fail':
      for (const { code, bytes, message } of effect.failures) {
        const cause = counters.causes[code] ?? { objects: 0, bytes: 0, message }
        counters.causes[code] = { objects: cause.objects + 1, bytes: cause.bytes + bytes, message }
      }
      return
    case 'error': {
      const known = counters.errors[effect.error.code]
      counters.errors[effect.error.code] = {
        packets: known?.packets ?? 0,
        parked: known?.parked ?? 0,
        error: effect.error,
      }
      return
    }
    case 'gather':
      counters.gathered = (counters.gathered ?? 0) + effect.bytes
      return
    case 'follow':
      follow(counters, effect.counts, effect.told)
      return
    case 'miss':
      leave(counters, 1, effect.told)
      return
    case 'dissolve':
    case 'forget':
      return
    default:
      effect satisfies never
  }
}

function eventsOf(counters: Counters): Events {
  counters.events ??= { done: 0, objects: 0, left: 0, leftSince: null }
  return counters.events
}

function follow(counters: Counters, { objects }: Counts, told: number): void {
  const events = eventsOf(counters)
  events.done += 1
  events.objects += objects.copied + objects.deleted
  if (objects.deleted > 0) deletesOf(counters).uncounted += objects.deleted
  if (objects.failed > 0) leave(counters, objects.failed, told)
}

function leave(counters: Counters, objects: number, told: number): void {
  const events = eventsOf(counters)
  events.left += objects
  events.leftSince = Math.min(events.leftSince ?? told, told)
}
