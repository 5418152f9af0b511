/**
 * A large object, copied by several agents: what of it each of them does. The control plane holds the upload, so that it survives
 * all of them (control-plane/uploads.ts). Whatever it finds that makes the upload useless, an agent aborts it and gives the object back
 * (`collapse`): then it is a packet of one key again.
 *
 *   a copy packet whose first object is large     → expand     what the upload is to be
 *   the same, leased again with that              → opened     the upload
 *   some of its parts                             → parts      they are there
 *   the same copy packet, once all are there      its outcome: the upload is completed, and proved as any other copy
 */

import { DrayError, toDrayError } from '../../shared/error.ts'
import type { Key } from '../../shared/key.ts'
import { type PlannedUpload, samePinned } from '../../shared/large-object.ts'
import type { LeasedUpload } from '../../shared/protocol.ts'
import { oneKey } from '../../shared/range.ts'
import { type BaselineRow, sideOf } from '../baseline/baseline.ts'
import { type CopyDeps, CopyJob } from '../copy-job.ts'
import { settleUpload } from '../copy-parts.ts'
import { conflictIn, decide, parks } from '../core/decide.ts'
import { hashPart, willTell } from '../part-agreement.ts'
import { multipartEtag } from '../part-digest.ts'
import { agrees, byBody, eachPiece, lengthOf, piecesOf, type Sent } from '../part-sending.ts'
import { planParts } from '../parts-plan.ts'
import type { StateChange } from '../session/outbox.ts'
import type { Entry, Head, Multipart } from '../storage/storage.ts'
import { abortLeft, abortUpload, createUpload, fingerprint, partsOf, pinnedOf } from '../unfinished-upload.ts'
import { type Job, remember } from './copy-packet.ts'
import type { Pass } from './pass.ts'
import { isSideTrouble } from './trouble.ts'

type Of<T extends StateChange['t']> = Omit<Extract<StateChange, { t: T }>, 'packet' | 'generation'>
/** What a packet says instead of an outcome. */
export type Instead = Of<'expand'> | Of<'opened'> | Of<'parts'> | Of<'collapse'>

const collapse: Instead = { t: 'collapse' }
/** Giving an upload up must not hold up what follows. */
const abortMs = 30_000
/** Leases of an object's packet after which a creation or a completion that still fails has failed it. */
const mostAttempts = 8

/** How the object at the beginning of a copy packet is to be copied by all; null where it had better be copied here. */
export async function planLarge(job: Job, entry: Entry): Promise<Instead | null> {
  const copy = copyOf(job, entry)
  try {
    const plan = await planParts(copy, true)
    if ('how' in plan) return null
    const { boundaries, asSource, head } = plan
    const planned: PlannedUpload = {
      source: pinnedOf(head.entry),
      boundaries,
      metadata: fingerprint(head, job.pass.fidelity.policy),
      asSource,
      hashing: !willTell(copy, asSource),
      packetBytes: job.pass.packetBytes,
    }
    return { t: 'expand', key: entry.key, planned }
  } catch (error) {
    if (job.signal.aborted) throw error
    // Whoever copies a single object knows what to make of it: gone, another now, not to be had.
    return null
  }
}

/** A packet of an object that was expanded; how far it has come where it is the object's own outcome. */
export function uploadPacket(job: Job, upload: LeasedUpload): Promise<Instead | Key | null> {
  const multipart = job.pass.destination.multipart
  if (!multipart) throw new DrayError('internal', 'copy in parts', 'The destination has no uploads.')
  const { upload: id, parts } = upload
  if (id !== null && parts !== null) return sendParts(job, multipart, upload, id, parts)
  const ended = id === null ? openUpload(job, multipart, upload) : completeUpload(job, multipart, upload, id)
  return ended.catch((thrown) => failObject(job, upload, toDrayError(thrown, 'copy in parts')))
}

/** What trying again does not help, and is not a whole side's trouble, has failed one object, as in any other packet. */
async function failObject(job: Job, upload: LeasedUpload, error: DrayError): Promise<Key | null> {
  const { pass, packet, tally, signal } = job
  if (signal.aborted || (error.retry !== 'never' && packet.attempt < mostAttempts)) throw error
  if (await isSideTrouble(error, pass, upload.key, signal)) throw error
  tally.failed(entryOf(upload), error)
  return packet.through
}

async function openUpload(job: Job, multipart: Multipart, upload: LeasedUpload): Promise<Instead> {
  const { key, planned, begun, stale } = upload
  const { signal } = job
  const copy = copyOf(job, entryOf(upload))
  for (const each of stale) await abortUpload(multipart, key, each, signal)
  // Somebody may have created it, and not come to say so.
  await abortLeft(multipart, { key, begun, upload: null }, signal)
  const head = await asPlanned(copy, planned)
  if (head === null) return collapse
  return { t: 'opened', upload: await createUpload(multipart, key, head.metadata, begun, signal) }
}

async function sendParts(
  job: Job,
  multipart: Multipart,
  { key, planned, adopted }: LeasedUpload,
  id: string,
  { first, last }: { first: number; last: number },
): Promise<Instead> {
  const { pass, packet, signal } = job
  const copy = copyOf(job, entryOf({ key, planned }))
  const pieces = piecesOf(planned.boundaries).slice(first - 1, last)
  const leave = await pass.slots.admit(planned.source.size, signal)
  try {
    const isFresh = packet.attempt === 1 && !adopted
    const have = isFresh ? new Map() : await partsOf(multipart, key, id, signal, first - 1, last)
    if (have === null) return collapse
    const send = byBody(copy, multipart, id, planned.hashing)
    const sent = await eachPiece(copy, pieces, async (piece, within): Promise<Sent> => {
      const part = have.get(piece.number)
      if (part?.size !== lengthOf(piece)) return send(piece, within)
      copy.count(part.size)
      if (!planned.hashing) return { part, md5: null }
      const there = { part, md5: await hashPart(copy, piece, within) }
      if (agrees(there)) return there
      copy.count(-part.size)
      return send(piece, within)
    })
    return { t: 'parts', md5s: planned.hashing ? sent.map(({ md5 }) => md5).join('') : null }
  } catch (thrown) {
    return giveBack(copy, multipart, id, thrown)
  } finally {
    leave()
  }
}

async function completeUpload(
  job: Job,
  multipart: Multipart,
  upload: LeasedUpload,
  id: string,
): Promise<Instead | Key | null> {
  const { pass, packet, tally, signal } = job
  const { key, planned } = upload
  const { source, boundaries, asSource } = planned
  const md5s = upload.md5s === null ? undefined : (upload.md5s.match(/.{32}/g) ?? [])
  const began = Date.now()
  const made = await pass.destination.head(key, signal)
  const copy = copyOf(job, entryOf(upload), { expected: made?.entry.token ?? null, moved() {} })
  try {
    const head = await asPlanned(copy, planned)
    if (head === null) return await giveBack(copy, multipart, id, copy.fact ?? copy.changed())
    const have = await partsOf(multipart, key, id, signal)
    // It was completed, and whoever did it had no time to say so.
    const token = asSource && !planned.hashing ? source.token : md5s && etagOf(md5s)
    const isMade = have === null && made !== null && made.entry.token === token
    if (have === null && !isMade) return collapse
    const conflict = isMade ? null : await conflictOf(pass, head.entry, made?.entry ?? null)
    if (conflict !== null) {
      await abortUpload(multipart, key, id, AbortSignal.timeout(abortMs))
      tally.failed(head.entry, { code: 'conflict', message: conflict })
      return packet.through
    }
    const plan = { head, boundaries, asSource, mayWalk: false, ...(md5s && { md5s }) }
    const settled =
      have === null
        ? { read: head.entry, written: made!.entry, evidence: md5s ? ('hashed' as const) : ('etag' as const) }
        : await settleUpload(copy, multipart, plan, id, have)
    if ('elsewhere' in settled) return await giveBack(copy, multipart, id, copy.changed())
    await pass.fidelity.seal(key, head.metadata, signal)
    const { read, written, evidence } = settled
    tally.copied(read, source.size, evidence, pass.fidelity.lossesOf(key))
    const destination = { token: written.token, size: source.size, mtime: written.mtime }
    await remember(job, packet.through, began, [{ key, source: sideOf(read), destination, evidence }])
    return packet.through
  } catch (thrown) {
    return giveBack(copy, multipart, id, thrown)
  }
}

/** What came to be at the destination since the upload was planned, where that may not be written over; null: nothing, or it may. */
async function conflictOf(pass: Pass, source: Entry, destination: Entry | null): Promise<string | null> {
  if (!parks(pass.options)) return null
  const { key } = source
  const now = Date.now()
  async function found(): Promise<string | null> {
    let row: BaselineRow | null = null
    for await (const page of pass.baseline?.rows(oneKey(key)) ?? [])
      row = page.find((each) => each.key === key) ?? row
    return conflictIn(decide({ key, source, destination }, row, pass.sight))
  }
  const conflict = await found()
  // Another agent may have put it there.
  return conflict !== null && (await pass.baseline?.refresh(now)) ? found() : conflict
}

/** What is wrong with the upload itself is given back; anything else is thrown, to be tried again with the parts that are there. */
async function giveBack(copy: CopyJob, multipart: Multipart, id: string, thrown: unknown): Promise<Instead> {
  const error = toDrayError(thrown, copy.op)
  if (copy.signal.aborted) throw error
  const isGone = error.code === 'not-found' && copy.fact === null
  const isUseless = copy.fact !== null || error.code === 'bad-digest' || error.code === 'invalid-request'
  if (isUseless) await abortUpload(multipart, copy.entry.key, id, AbortSignal.timeout(abortMs))
  if (isGone || isUseless) return collapse
  throw error
}

/** The source, where it is still what the upload was planned for, with what the upload is created with; else null. */
async function asPlanned(copy: CopyJob, planned: PlannedUpload): Promise<Head | null> {
  const { source } = copy.deps
  const { key, version } = copy.entry
  const head = await source.head(key, copy.signal, version)
  if (head === null || !samePinned(pinnedOf(head.entry), planned.source)) return null
  if (fingerprint(head, copy.deps.fidelity?.policy) !== planned.metadata) return null
  return { entry: head.entry, metadata: await copy.carried(head) }
}

const etagOf = (md5s: readonly string[]) => multipartEtag(md5s.map((md5) => Buffer.from(md5, 'hex')))

function copyOf({ pass, tally, signal }: Job, entry: Entry, more: Partial<CopyDeps> = {}): CopyJob {
  const { source, destination, fidelity, slots } = pass
  const { admit } = slots
  return new CopyJob(
    { source, destination, fidelity, admit, moved: tally.moved, ...more },
    entry,
    null,
    signal,
  )
}

function entryOf({ key, planned }: Pick<LeasedUpload, 'key' | 'planned'>): Entry {
  const { token, size, mtime, version } = planned.source
  return { key, kind: 'object', token, size, mtime, ...(version !== null && { version }) }
}
