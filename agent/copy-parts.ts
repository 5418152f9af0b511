/**
 * Copies one object as a multipart upload: parts in parallel, each a range of the source pinned by its token.
 *
 * The proof is the final ETag. A destination's ETag of a part is its own computation over what it received; where the ETag
 * that follows from those is the source's (same boundaries), nothing was hashed here, and the object is proved before it is
 * completed (`etag`). Where it cannot come out equal (an ETag that is no digest, parts of our own, a file), parts are hashed on
 * their way and held to what the store says of each (`hashed`), and where the store's ETags are no digests either, what it holds is
 * read once (`full-read`). Where it should have come out equal and has not, either the parts were cut elsewhere, which the source is
 * asked, or the source is read once more to find out which part is wrong: that one is sent again, before anything is completed.
 *
 * An attempt that is interrupted, or fails for a reason that passes, leaves its upload and its intent to the next one, which asks
 * for the parts that are there; any other failure aborts the upload.
 */
import { type Boundaries, sameBoundaries } from '../shared/boundaries.ts'
import { DrayError, toDrayError } from '../shared/error.ts'
import type { Copied, CopyJob } from './copy-job.ts'
import { fits } from './core/part-size.ts'
import { agree, type CutElsewhere, willTell } from './part-agreement.ts'
import { partDigest } from './part-digest.ts'
import { byBody, eachPiece, lengthOf, piecesOf, type SendPart, type Sent } from './part-sending.ts'
import { digestsOf } from './prove.ts'
import { isUneven, wantsEqualParts } from './source-parts.ts'
import type { Head, Multipart, Part, Written } from './storage/storage.ts'
import { abortUpload, fingerprint, openUpload, pinnedOf } from './unfinished-upload.ts'

export interface PartsPlan {
  /** The source, as it is now. */
  readonly head: Head
  readonly boundaries: Boundaries
  /** Whether these are the source's own parts, as far as anybody knows, so that its ETag should come out. */
  readonly asSource: boolean
  /** Whether the store would tell each part's size, were it asked, and was not asked yet. */
  readonly mayWalk: boolean
  /** Of the parts that are there, by number from 1, where they were hashed when they went up. */
  readonly md5s?: readonly string[]
  /** Where the store copies the parts itself; else they go as bodies through this agent. */
  readonly send?: (upload: string, hashing: boolean) => SendPart
}

/** Giving an upload up must not hold up a process that is told to end. */
const abortMs = { calmly: 30_000, interrupted: 1_500 }

export async function copyParts(job: CopyJob, multipart: Multipart, plan: PartsPlan): Promise<Copied> {
  const { deps, entry, signal } = job
  const { key } = entry
  const intents = deps.intents ?? null
  const metadata = await job.carried(plan.head)
  const basis = fingerprint(plan.head, deps.fidelity?.policy)
  const wanted = { source: pinnedOf(plan.head.entry), boundaries: plan.boundaries, metadata, basis }
  const { upload, boundaries, parts } = await openUpload(multipart, intents, key, wanted, signal)
  // An earlier attempt may have known better where the parts begin, or have had parts of its own.
  const isOther = !sameBoundaries(boundaries, plan.boundaries)
  const its = { ...plan, boundaries, ...(isOther ? { mayWalk: false } : {}) }
  try {
    const settled = await settleUpload(job, multipart, its, upload, parts)
    if ('written' in settled) {
      await deps.fidelity?.seal(key, metadata, signal)
      intents?.drop(key)
      return settled
    }
    await abortUpload(multipart, key, upload, signal)
    intents?.drop(key)
    // Where the destination cannot have them, it gets those that it has taken once, and they are hashed.
    const better = fits(settled.elsewhere, multipart.limits) ? settled.elsewhere : boundaries
    return await copyParts(job, multipart, { ...plan, boundaries: better, mayWalk: false })
  } catch (error) {
    if (intents === null || !passes(job, error)) {
      const ms = signal.aborted ? abortMs.interrupted : abortMs.calmly
      // The first error is the one to tell. An upload that could not be aborted is remembered.
      const aborted = abortUpload(multipart, key, upload, AbortSignal.timeout(ms))
      await aborted.then(() => intents?.drop(key)).catch(() => {})
    }
    throw isUploadGone(job, error) ? uploadGone(job, error) : error
  }
}

/** Sends what is missing, proves it, completes the upload, and looks at what came of it. `have`: the parts that are there. */
export async function settleUpload(
  job: CopyJob,
  multipart: Multipart,
  plan: PartsPlan,
  upload: string,
  have: ReadonlyMap<number, Part>,
): Promise<Copied | CutElsewhere> {
  const { destination } = job.deps
  const { key } = job.entry
  const { boundaries, asSource, mayWalk } = plan
  const pieces = piecesOf(boundaries)
  const sent = new Map<number, Sent>()
  for (const piece of pieces) {
    const part = have.get(piece.number)
    if (part?.size !== lengthOf(piece)) continue
    sent.set(piece.number, { part, md5: plan.md5s?.[piece.number - 1] ?? null })
    job.count(part.size)
  }
  const hashing = !willTell(job, asSource)
  const send = plan.send?.(upload, hashing) ?? byBody(job, multipart, upload, hashing)
  const missing = pieces.filter(({ number }) => !sent.has(number))
  await eachPiece(job, missing, async (piece, signal) => {
    sent.set(piece.number, await send(piece, signal))
  })

  const resend = byBody(job, multipart, upload, true)
  const agreed = await agree(job, {
    boundaries,
    asSource,
    mayWalk,
    pieces,
    sent,
    resend,
    byStore: plan.send !== undefined,
  })
  if ('elsewhere' in agreed) return agreed
  // Every part was read from the object that was listed; it may have been replaced since the last of them.
  await job.head()
  const parts = pieces.map(({ number }) => sent.get(number)!.part)
  const written = await complete(job, multipart, upload, parts, boundaries)
  const { token, evidence } = agreed
  if (token === null || written.token === token) return { read: plan.head.entry, written, evidence }
  // A store whose tokens are no digests (KMS): what it holds is read once, and held to what the source's parts came to.
  const options = { token: written.token, signal: job.signal }
  const [found] = await digestsOf(destination, key, () => [partDigest(boundaries)], options)
  if (found !== token) throw job.badDigest('The destination holds other bytes than were sent.')
  return { read: plan.head.entry, written, evidence: 'full-read' }
}

/**
 * An answer that was lost may have been a success: then there is no such upload any more, but the object is there. Whether it
 * is this one, the caller sees by its token, or reads.
 */
async function complete(
  job: CopyJob,
  multipart: Multipart,
  upload: string,
  parts: Part[],
  boundaries: Boundaries,
): Promise<Written> {
  const { key, size } = job.entry
  const { destination } = job.deps
  try {
    return await multipart.complete(key, upload, parts, job.signal, job.deps.expected)
  } catch (thrown) {
    const error = toDrayError(thrown, job.op)
    if (error.code === 'invalid-request' && isUneven(boundaries)) {
      wantsEqualParts(destination)
      throw new DrayError(error.code, error.op, error.message, { retry: 'now', cause: error })
    }
    if (error.code !== 'not-found') throw error
    const head = await destination.head(key, job.signal)
    if (head?.entry.size !== size) throw error
    return { token: head.entry.token, mtime: head.entry.mtime }
  }
}

/** Whether the same may go well later, with the parts that are there already. */
function passes(job: CopyJob, error: unknown): boolean {
  if (job.signal.aborted) return true
  if (job.fact !== null || !(error instanceof DrayError) || error.retry === 'never') return false
  return !['bad-digest', 'changed', 'not-found', 'invalid-request'].includes(error.code)
}

/** Somebody aborted it (a rule for unfinished uploads does): a new one may end well. */
const isUploadGone = (job: CopyJob, error: unknown) =>
  job.fact === null && error instanceof DrayError && error.code === 'not-found'

const uploadGone = (job: CopyJob, cause: unknown) =>
  new DrayError('not-found', job.op, 'The multipart upload was aborted by somebody else.', {
    retry: 'later',
    cause,
  })
