/**
 * One copy packet, from its listing to its outcome: what differs is copied, what cannot be is said, and, where the pass
 * asks for it, what the source no longer has is deleted.
 */
import { type DrayError, toDrayError } from '../../shared/error.ts'
import type { Key } from '../../shared/key.ts'
import type { LeasedPacket } from '../../shared/protocol.ts'
import type { BaselineRow } from '../baseline/baseline.ts'
import { baselineRow, sideOf } from '../baseline/baseline.ts'
import { holesAt } from '../baseline/holes.ts'
import { copyObject } from '../copy.ts'
import { parks } from '../core/decide.ts'
import { isUnwritten } from '../core/three-way.ts'
import { type Proof, prove } from '../prove.ts'
import type { Entry, Storage } from '../storage/storage.ts'
import { archivedError, mayBeArchived, restoreAndCopy } from './archived.ts'
import { conflictNow, equalOrConflict, raced } from './conflicts.ts'
import { eachOfPacket, eachUntilYield } from './each.ts'
import { type Instead, planLarge, uploadPacket } from './large-object.ts'
import type { Observed } from './observed.ts'
import type { Pass } from './pass.ts'
import { countSame, keepsRows, keyOf, makePlan, type Todo } from './plan.ts'
import type { Report } from './report.ts'
import type { Tally } from './tally.ts'
import { settleTouched } from './touched.ts'
import { isGone, isSideTrouble, mayPass, unreadable } from './trouble.ts'
import { metadataIsEqual } from './verify-packet.ts'

/** Broken objects of a packet that are tried once more: where there are more, that takes long and brings little. */
const mostAgain = 100

export interface Job {
  readonly pass: Pass
  readonly packet: LeasedPacket
  readonly report: Report
  readonly tally: Tally
  /** Of a verification. */
  readonly observed?: Observed | null
  /** Aborts when the lease is lost. */
  readonly signal: AbortSignal
  /** Whether another agent is to get what is left: nothing more is begun then, and the outcome says how far it has come. */
  mustYield(): boolean
  /** Whether it only waits for a store to do something, and so takes nobody's place. */
  waits(isWaiting: boolean): void
}

/** How far the packet has come, in key order, or what becomes of it instead. Throws where it could not be worked on as a whole. */
export async function copyPacket(job: Job): Promise<Key | null | Instead> {
  const { pass, packet, tally } = job
  const { options } = pass
  if (packet.upload) return uploadPacket(job, packet.upload)
  const plan = await makePlan(job)
  const { large } = plan
  const expanded = large && !copiesItself(pass) && !mayBeArchived(large) ? await planLarge(job, large) : null
  if (expanded) return expanded
  const rows = plan.rows
  /** Tried once more after all others: what broke while its side was away for a moment, or its name was taken by what is deleted. */
  const again: Todo[] = []
  /** To be restored, and copied when they can be read. */
  const archived: { todo: Todo; source: Entry }[] = []
  // A dry run only counts; else what is past its allowance is for the next pass to count, and to decide.
  const mostDeletes = options.dryRun ? Number.POSITIVE_INFINITY : packet.deletes
  const mayClash = mostDeletes > 0 && plan.todo.some((todo) => todo.is === 'destination-only')

  const bytesOf = (todo: Todo) => ('source' in todo ? todo.source.size : 0)
  const work = (todos: Todo[], act: (todo: Todo, signal: AbortSignal) => Promise<void>) =>
    eachOfPacket(job, todos, bytesOf, act)

  /** For later in this packet, and not done yet. */
  function putAside<T>(list: T[], item: T) {
    list.push(item)
    tally.progress.objects--
  }

  async function settle(todo: Todo, within: AbortSignal, isLastTry: boolean): Promise<void> {
    const row = await copyOne(job, todo, within, (error, source) => {
      if (error.code === 'archived' && options.archived !== 'fail') {
        if (options.archived === 'skip') tally.skipped(source, 'archived')
        else putAside(archived, { todo, source })
        return true
      }
      const canDiffer = error.code === 'key-clash' ? mayClash : mayPass(error) && again.length < mostAgain
      if (isLastTry || !canDiffer) return false
      putAside(again, todo)
      return true
    })
    if (row) rows.push(row)
  }

  const copies = plan.todo.filter((todo) => todo.is !== 'destination-only')
  const through = await eachUntilYield(job, copies, plan.through, keyOf, bytesOf, (todo, within) =>
    settle(todo, within, false),
  )
  const isIn = (todo: Todo) => through === null || keyOf(todo) <= through
  // The source's listing of the whole packet is complete: else the plan would have thrown.
  const missing = plan.todo.filter((todo) => todo.is === 'destination-only' && isIn(todo))
  const deletes = missing.slice(0, mostDeletes)
  logLeft(job, missing.length - deletes.length)
  const deleted = new Set<Key>()
  await work(deletes, async (todo, within) => {
    if (await deleteOne(job, todo, within)) deleted.add(keyOf(todo))
  })
  await work(again.splice(0), (todo, within) => settle(todo, within, true))
  await restoreAndCopy(job, archived.splice(0), async (ready) => {
    const todos = ready.map(({ todo }) => todo)
    await work(todos, (todo, within) => settle(todo, within, true))
  })

  countSame(tally, plan.same, through)
  const others = plan.kept.length + deleted.size
  if (!options.dryRun && !(others === 0 && isPlain(job, rows))) {
    const unsettled = keepsRows(options) ? unsettledOf(plan.todo, rows, deleted) : []
    await remember(job, through, plan.began, [...rows, ...plan.kept], unsettled)
  }
  return through
}

/**
 * Whether this is an event whose two sides are equal now by their ETags alone, as any listing will tell: of hundreds a second none needs a leaf of its
 * own. Where what somebody else has written is a conflict, what is our own has to be known at once.
 */
const isPlain = ({ pass, packet }: Job, rows: readonly BaselineRow[]): boolean =>
  packet.kind === 'event' &&
  !parks(pass.options) &&
  rows.every(({ source, destination }) => source.token === destination.token)

/** Whether the store copies from one side to the other by itself: large objects too, and nobody can help it. */
const copiesItself = ({ options, source, destination }: Pass): boolean =>
  options.serverSideCopy === 'auto' &&
  destination.copyFrom != null &&
  source.place !== undefined &&
  source.place?.store === destination.place?.store

/** What was to be done and was not, for whatever reason: of those objects nothing is known that was not known before. */
function unsettledOf(todo: readonly Todo[], rows: readonly BaselineRow[], deleted: ReadonlySet<Key>): Key[] {
  const settled = new Set(rows.map(({ key }) => key))
  const isOpen = (each: Todo) =>
    each.is !== 'refused' && each.is !== 'no-object' && !settled.has(keyOf(each)) && !deleted.has(keyOf(each))
  return todo.filter(isOpen).map(keyOf)
}

/** The row that the object leaves in the baseline, or null. `later` may take a failure for another try, or tell it otherwise. */
async function copyOne(
  job: Job,
  todo: Todo,
  signal: AbortSignal,
  later: (error: DrayError, source: Entry) => boolean,
): Promise<BaselineRow | null> {
  const { pass, tally } = job
  if (todo.is === 'destination-only') return null
  if (todo.is === 'conflict') {
    const now = await conflictNow(job, todo, signal)
    if (now.is === 'same') {
      tally.same(now.source, now.evidence)
      return baselineRow(now.source, now.destination, now.evidence)
    }
    if (now.is === 'conflict') tally.failed(now.entry, { code: 'conflict', message: now.message })
    // What has gone since is the next pass's.
    const isGone = now.is === 'left' || now.is === 'kept' || now.is === 'conflict'
    return isGone ? null : copyOne(job, now, signal, later)
  }
  const { source } = todo
  if (todo.is === 'refused') {
    tally.refused(source)
    return null
  }
  if (todo.is === 'no-object') {
    tally.skipped(source, source.kind === 'symlink' ? 'symlink' : 'special-file')
    return null
  }
  const reason = pass.destination.unsupported(source.key)
  if (reason !== null) {
    tally.failed(source, { code: 'unsupported-key', message: reason })
    return null
  }
  if ((todo.is === 'unknown' || todo.is === 'touched') && todo.conflict !== undefined)
    return equalOrConflict(job, todo, todo.conflict, signal)
  let touched = todo.is === 'touched' ? todo : null
  if (todo.is === 'unknown') {
    const { same } = (await orCopy(job, todo, signal, () => proof(job, todo, signal))) ?? { same: null }
    if (same) {
      const isEqual = () => metadataIsEqual(pass, source.key, signal)
      // Whatever `verify --depth full` calls different is made equal.
      if (pass.options.compare !== 'full' || (await orCopy(job, todo, signal, isEqual))) {
        tally.same(source, same)
        return baselineRow(source, todo.destination, same)
      }
      touched = { is: 'touched', source, destination: todo.destination, evidence: same }
    }
  }
  if (touched) {
    const { evidence } = touched
    const settle = () => settleTouched(pass, touched, signal)
    const settled = await orCopy(job, { ...todo, source }, signal, settle)
    if (settled?.is === 'same') {
      tally.same(source, evidence)
      return settled.row
    }
    if (settled?.is === 'carried') {
      tally.copied(source, 0, evidence, pass.fidelity.lossesOf(source.key))
      return settled.row
    }
  }
  const unread = mayBeArchived(source) ? await archivedError(job, source, signal) : null
  // What would be restored first would be copied then.
  if (unread && !(pass.options.dryRun && pass.options.archived === 'restore')) {
    if (!later(unread, source)) tally.failed(source, unread)
    return null
  }
  if (pass.options.dryRun) {
    tally.copied(source, source.size, null)
    return null
  }
  const { source: from, destination, intents, fidelity } = pass
  const expected = 'destination' in todo ? todo.destination.token : null
  const serverSide = pass.options.serverSideCopy === 'auto'
  const { moved } = tally
  const { admit } = pass.slots
  const isParked = parks(pass.options)
  const deps = {
    source: from,
    destination,
    intents,
    fidelity,
    expected,
    parks: isParked,
    serverSide,
    moved,
    admit,
  }
  const result = await copyObject(deps, source, signal)
  const lost = fidelity.lossesOf(source.key)
  switch (result.outcome) {
    case 'copied':
      tally.copied(source, result.bytes, result.evidence, lost)
      return result.row
    case 'vanished':
      if (await isGone(pass.source, source.key, signal)) tally.vanished(source)
      // Deleted, and there again by now: the next try finds it.
      else if (!later(unreadable(source.key), source)) tally.failed(source, unreadable(source.key))
      return null
    case 'conflict':
      tally.failed(result.entry, raced(pass, result.entry, result.destination))
      return null
    case 'failed':
      if (isRootGone(pass.destination, result.error)) throw result.error
      if (await isSideTrouble(result.error, pass, source.key, signal)) throw result.error
      if (!later(result.error, source)) tally.failed(source, result.error)
      return null
    default:
      return result satisfies never
  }
}

/** A write into a directory makes what it needs below the root, so only the root itself can be missing. */
const isRootGone = (destination: Storage, { code }: DrayError) =>
  destination.kind === 'file' && code === 'not-found'

function proof({ pass }: Job, todo: Todo & { is: 'unknown' }, signal: AbortSignal): Promise<Proof> {
  const { source, destination, untimely } = todo
  const { compare } = pass.options
  const depth = compare === 'mtime' || compare === 'full' ? compare : 'copy'
  return prove(pass, source, destination, depth, signal, untimely)
}

/** Null where an object cannot be settled otherwise, for whatever reason of its own: copying settles it. */
async function orCopy<T>(
  { pass }: Job,
  todo: Todo & { source: Entry },
  signal: AbortSignal,
  settle: () => Promise<T>,
): Promise<T | null> {
  try {
    return await settle()
  } catch (thrown) {
    const error = toDrayError(thrown, 'prove')
    if (error.code === 'interrupted' || (await isSideTrouble(error, pass, todo.source.key, signal)))
      throw error
    return null
  }
}

/**
 * Only what the source still does not have, and only if it is what was listed. A failure counts as an object that was
 * listed and failed: the sum has no other place for it, and the pass must not end as complete. Whether it is gone now.
 */
async function deleteOne({ pass, tally }: Job, todo: Todo, signal: AbortSignal): Promise<boolean> {
  if (todo.is !== 'destination-only') return false
  const { destination: entry } = todo
  const { key, token } = entry
  const { blind } = pass.source
  if (blind) tally.failed(entry, { code: 'unmapped', message: blind })
  else if (pass.options.dryRun) tally.deleted(entry)
  if (blind || pass.options.dryRun) return false
  try {
    if ((await pass.source.head(key, signal)) !== null) return false
    if (parks(pass.options)) {
      const now = await pass.destination.head(key, signal)
      if (now && !isUnwritten(now.entry, sideOf(entry), pass.destination.tokens)) {
        tally.failed(entry, raced(pass, null, now.entry))
        return false
      }
    }
    const isDeleted = await pass.destination.delete(key, { token, signal })
    if (isDeleted) tally.deleted(entry)
    return isDeleted
  } catch (thrown) {
    const error = toDrayError(thrown, 'delete')
    if (error.code === 'interrupted' || error.code === 'not-found') throw error
    if (await isSideTrouble(error, pass, key, signal)) throw error
    const isOther = error.code === 'changed' && parks(pass.options)
    tally.failed(entry, isOther ? raced(pass, null, entry) : error)
    return false
  }
}

/** Objects that are only at the destination, and for which the packet has no leave. */
export function logLeft({ pass, packet }: Pick<Job, 'pass' | 'packet'>, objects: number): void {
  if (objects === 0) return
  pass.log({ level: 'info', event: 'deletes-left', migration: pass.migration, packet: packet.id, objects })
}

/** A leaf that could not be written costs proving again, never correctness: the copies stand. */
export async function remember(
  job: Job,
  through: Key | null,
  began: number,
  rows: BaselineRow[],
  unsettled: readonly Key[] = [],
): Promise<void> {
  const { pass, packet } = job
  rows.sort((a, b) => (a.key < b.key ? -1 : 1))
  while (through !== null && rows.length > 0 && rows.at(-1)!.key > through) rows.pop()
  const open = unsettled.filter((key) => through === null || key <= through)
  try {
    await pass.baseline?.write({ after: packet.after, through }, began, rows, holesAt(open, rows))
  } catch (thrown) {
    const { code, message } = toDrayError(thrown, 'write the baseline')
    pass.log({ level: 'warn', event: 'baseline-not-written', migration: pass.migration, code, message })
  }
}
