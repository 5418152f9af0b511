/**
 * Copies one object as a multipart upload: parts in parallel, each a range of the source pinned by its token, hashed on
 * its way and held to the token that the store gives it. Whatever fails, the upload does not stay behind.
 */
import { DrayError, toDrayError } from '../shared/error.ts'
import type { Copied, CopyJob } from './copy-job.ts'
import { carry } from './core/carry.ts'
import { etagKind } from './core/etag.ts'
import { partCount } from './core/part-size.ts'
import { multipartEtag, partDigest, restarting, wholeDigest } from './part-digest.ts'
import { digestsOf } from './prove.ts'
import type { Multipart, Part, Written } from './storage/storage.ts'

/** Of one object. Each holds a few socket buffers, never a part. */
const partsAtOnce = 4
/** Giving an upload up must not hold up a process that is told to end. */
const abortMs = { calmly: 30_000, interrupted: 1_500 }

export async function copyParts(job: CopyJob, multipart: Multipart, partSize: number): Promise<Copied> {
  const { source, destination } = job.deps
  const { key, token } = job.entry
  const head = await source.head(key, job.signal)
  if (head === null) throw job.gone()
  if (head.entry.token !== token) throw job.changed()

  const metadata = carry(head.metadata, head.entry, destination.kind)
  const upload = await multipart.create(key, metadata, job.signal)
  let written: Written
  let expected: string
  try {
    const sent = await sendParts(job, multipart, upload, partSize)
    expected = multipartEtag(sent.map(({ md5 }) => Buffer.from(md5, 'hex')))
    written = await complete(
      job,
      multipart,
      upload,
      sent.map(({ part }) => part),
    )
  } catch (error) {
    const ms = job.signal.aborted ? abortMs.interrupted : abortMs.calmly
    // The first error is the one to tell; an upload that is gone already is what is wanted.
    await multipart.abort(key, upload, AbortSignal.timeout(ms)).catch(() => {})
    throw isUploadGone(job, error) ? uploadGone(job, error) : error
  }

  if (written.token === expected) return { read: head.entry, written, evidence: 'hashed' }
  // A store whose tokens are no digests (KMS): what it holds is read once, and held to what was read from the source.
  const options = { token: written.token, signal: job.signal }
  const [found] = await digestsOf(destination, key, () => [partDigest(partSize)], options)
  if (found !== expected) throw job.badDigest('The destination holds other bytes than were sent.')
  return { read: head.entry, written, evidence: 'full-read' }
}

/** Somebody aborted it (a rule for unfinished uploads does): a new one may end well. */
const isUploadGone = (job: CopyJob, error: unknown) =>
  job.fact === null && error instanceof DrayError && error.code === 'not-found'

const uploadGone = (job: CopyJob, cause: unknown) =>
  new DrayError('not-found', job.op, 'The multipart upload was aborted by somebody else.', {
    retry: 'later',
    cause,
  })

interface Sent {
  part: Part
  /** Of the bytes that were sent, hex. */
  md5: string
}

async function sendParts(
  job: CopyJob,
  multipart: Multipart,
  upload: string,
  partSize: number,
): Promise<Sent[]> {
  const { size } = job.entry
  const count = partCount(size, partSize)
  const sent: Sent[] = new Array(count)
  const stop = new AbortController()
  const signal = AbortSignal.any([job.signal, stop.signal])
  let failure: { error: unknown } | null = null
  let next = 0
  let tokensAreMd5s = true

  /** Each call of what it returns sends the part, the second time in place of the first. */
  const sender = (index: number): (() => Promise<Sent>) => {
    const first = index * partSize
    const last = Math.min(first + partSize, size) - 1
    const hashing = restarting(wholeDigest)
    const body = job.body({ size: last - first + 1, range: { first, last }, begin: hashing.begin })
    return async () => {
      const part = await multipart.part(job.entry.key, upload, index + 1, body, signal)
      return { part, md5: hashing.etag() }
    }
  }
  const worker = async () => {
    while (next < count && !signal.aborted) {
      const index = next++
      const send = sender(index)
      let done = await send()
      if (tokensAreMd5s && !agrees(done)) {
        // Once is the wire's doing, and mended by sending the part again; twice is a store whose tokens are no MD5s.
        done = await send()
        if (!agrees(done)) tokensAreMd5s = false
      }
      sent[index] = done
    }
  }
  const guarded = () =>
    worker().catch((error: unknown) => {
      failure ??= { error }
      stop.abort()
    })
  await Promise.all(Array.from({ length: Math.min(partsAtOnce, count) }, guarded))
  if (failure !== null) throw (failure as { error: unknown }).error
  if (signal.aborted) throw new DrayError('interrupted', job.op, 'It was interrupted.', { retry: 'later' })
  return sent
}

/** Tokens of another form than an MD5's say nothing. */
const agrees = ({ part, md5 }: Sent) => part.token === md5 || etagKind(part.token).kind !== 'md5'

/**
 * An answer that was lost may have been a success: then there is no such upload any more, but the object is there. Where its
 * token is no digest, the caller reads what it holds.
 */
async function complete(job: CopyJob, multipart: Multipart, upload: string, parts: Part[]): Promise<Written> {
  const { key, size } = job.entry
  try {
    return await multipart.complete(key, upload, parts, job.signal)
  } catch (thrown) {
    const error = toDrayError(thrown, job.op)
    if (error.code !== 'not-found') throw error
    const head = await job.deps.destination.head(key, job.signal)
    if (head?.entry.size !== size) throw error
    return { token: head.entry.token, mtime: head.entry.mtime }
  }
}
