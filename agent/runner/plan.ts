/**
 * The first half of a packet: its range of both sides is listed to the end, before anything is done about it. So nothing is
 * ever deleted, nor called extra, on the word of a listing that broke off; and what is held is bounded.
 */
import type { Evidence } from '../../shared/counts.ts'
import type { Key } from '../../shared/key.ts'
import { type PassOptions, packetBounds } from '../../shared/policy.ts'
import type { LeasedPacket } from '../../shared/protocol.ts'
import type { BaselineRow } from '../baseline/baseline.ts'
import { heldByKey, planBytes } from '../core/budget.ts'
import { conflictIn, type Decision, remembersAll, workOf } from '../core/decide.ts'
import { hasGrace } from '../core/due.ts'
import type { Entry } from '../storage/storage.ts'
import type { Job } from './copy-packet.ts'
import { knownRow, missingSince, rowOf } from './leaves.ts'
import { look, type Seen } from './look.ts'
import { onlyKey } from './look-at-key.ts'
import type { Pass } from './pass.ts'
import type { Tally } from './tally.ts'

/** What has to be acted on: everything but `left`, `same` and `kept`. */
export type Todo = Exclude<Decision, { is: 'left' } | { is: 'same' } | { is: 'kept' }>

export type PlanJob = Pick<Job, 'pass' | 'packet' | 'signal' | 'mustYield' | 'observed'>

export interface Plan {
  /** How far the packet goes: its end, or the last key listed where its range has grown. */
  readonly through: Key | null
  /** When its listings began (ms). */
  readonly began: number
  readonly todo: Todo[]
  /** What is the same already, in rising order, and the rows of it. */
  readonly same: Same[]
  readonly rows: BaselineRow[]
  /** What the baseline has of what nothing is to be done about, where that is needed again. */
  readonly kept: BaselineRow[]
  /** An object that others may help with: the packet's first, and then its only one. */
  readonly large?: Entry
}

/** `evidence` is null for a delete marker. */
export interface Same {
  readonly entry: Entry
  readonly evidence: Evidence | null
}

/** Counted when it is known how far the packet goes. */
export function countSame(tally: Tally, same: readonly Same[], through: Key | null): void {
  for (const { entry, evidence } of same) {
    if (through === null || entry.key <= through) tally.same(entry, evidence)
  }
}

/** Past these the range has grown since it was cut, and its rest is handed back. */
const bounds = {
  objects: 2 * packetBounds.workObjects,
  bytes: 2 * packetBounds.workBytes,
  listed: packetBounds.listedKeys,
  /** JSON of all failures, if everything failed: it must fit in one message. */
  failures: 8 * 1024 * 1024,
}
/** Of one failure, besides its key: the longest message, in characters that JSON escapes with two bytes, and the rest. */
const failureBytes = 1_200
/** JSON's escape of a control character. */
const bytesPerKeyByte = 6

/** What is found is looked at again where another agent may know more of it: what is a conflict here may be what that one has copied. */
export async function makePlan(job: PlanJob): Promise<Plan> {
  const plan = await planOnce(job)
  const isConflict = plan.todo.some((todo) => conflictIn(todo) !== null)
  return isConflict && (await job.pass.baseline?.refresh(plan.began)) ? planOnce(job) : plan
}

async function planOnce({ pass, packet, signal, mustYield, observed = null }: PlanJob): Promise<Plan> {
  const began = Date.now()
  const same: Same[] = []
  const todo: Todo[] = []
  const rows: BaselineRow[] = []
  const kept: BaselineRow[] = []
  const sum = { objects: 0, bytes: 0, listed: 0, failures: 0, held: 0 }
  let last: Key | null = null

  const isFull = () =>
    sum.objects >= bounds.objects ||
    sum.bytes >= bounds.bytes ||
    sum.listed >= bounds.listed ||
    sum.held >= planBytes ||
    sum.failures >= bounds.failures

  /** Whether nothing that counts was seen yet. */
  const isUntouched = () => todo.length === 0 && rows.length === 0 && kept.length === 0

  function add({ decision, row }: Seen): void {
    if (decision?.is === 'same') {
      const { source, evidence } = decision
      same.push({ entry: source, evidence })
      rows.push(knownRow(pass, decision, row ?? null) ?? rowOf(decision))
      return
    }
    if (decision?.is === 'kept') {
      kept.push(missingSince(decision.destination.key, row ?? null))
      return
    }
    const isDone =
      !decision || decision.is === 'left' || decision.is === 'refused' || decision.is === 'no-object'
    if (isDone && row && keepsRows(pass.options)) kept.push(row)
    if (!decision || decision.is === 'left') return
    todo.push(decision)
    sum.objects += decision.is === 'refused' ? decision.source.refused!.length : 1
    sum.bytes += workOf(decision, pass.options) ?? 0
    sum.failures += failureBytes + bytesPerKeyByte * keyOf(decision).length
  }

  // What another agent, an earlier attempt, or whoever an event tells of has changed is not in a listing that was remembered.
  const fresh = packet.attempt > 1 || packet.kind === 'event'
  for await (const batch of look(pass, packet, { signal, fresh, only: onlyKey(packet), observed })) {
    if (last !== null && mustYield()) return { through: last, began, todo, same, rows, kept }
    for (const seen of batch) {
      if (isFull()) return { through: last, began, todo, same, rows, kept }
      const large = isLarge(pass, packet, seen)
      if (large && isUntouched())
        return { through: seen.key, began, todo: [seen.decision as Todo], same, rows, kept, large }
      // What comes before it is settled first; the rest begins with it.
      if (large) return { through: last, began, todo, same, rows, kept }
      add(seen)
      sum.listed++
      sum.held += heldByKey + seen.key.length
      last = seen.key
    }
  }
  return { through: packet.through, began, todo, same, rows, kept }
}

/** Of more than four packets' bytes, and to be copied whatever else is found out about it. */
function isLarge(
  { options, destination, packetBytes }: Pass,
  packet: LeasedPacket,
  seen: Seen,
): Entry | null {
  const { decision } = seen
  if (decision?.is !== 'source-only' && decision?.is !== 'differs') return null
  const { source } = decision
  const isCopied = packet.kind === 'copy' && options.kind === 'copy' && !options.dryRun
  if (source.size <= largeFrom * packetBytes || !isCopied || !destination.multipart) return null
  return destination.unsupported(source.key) === null ? source : null
}

/** Packets' worth of bytes: one agent alone is slower by more than what it costs to bring several together. */
const largeFrom = 4

/** Whether what is known of an object is needed again after a pass that did nothing about it. */
export const keepsRows = (options: PassOptions): boolean => remembersAll(options) || hasGrace(options)

/** The listing line that it is about. */
const entryOf = (todo: Todo): Entry =>
  todo.is === 'destination-only' ? todo.destination : todo.is === 'conflict' ? todo.entry : todo.source

export const keyOf = (todo: Todo): Key => entryOf(todo).key
