/**
 * A copy that the store makes by itself, where both sides are in one store and open to one set of rights: exactly the object that was
 * listed, with what of it is to be carried, and in the source's own parts where it has some, so that its ETag comes out. No byte goes
 * through this agent. Where the store refuses, whatever the reason, the bytes are carried as ever.
 */
import { evenly } from '../shared/boundaries.ts'
import { DrayError } from '../shared/error.ts'
import type { Copied, CopyJob } from './copy-job.ts'
import { copyParts, type PartsPlan } from './copy-parts.ts'
import { planCopy } from './core/copy-plan.ts'
import type { SendPart } from './part-sending.ts'
import { seeParts } from './source-parts.ts'
import type { CopyFrom, Origin } from './storage/copy-from.ts'
import type { Multipart, Storage } from './storage/storage.ts'

/** Destinations (of one pass) that may not, or cannot. */
const unable = new WeakSet<Storage>()
/** Of an object whose parts nobody knows: a store copies large ones as fast as small ones, and each is a request. */
const partBytes = 512 * 1024 * 1024

/** Whether the store may do it by itself. */
export function isWithin({ deps }: CopyJob): boolean {
  const { source, destination, serverSide = true } = deps
  const { place } = source
  if (!serverSide || !place || !destination.copyFrom || !destination.multipart) return false
  return destination.place?.store === place.store && !unable.has(destination)
}

/** Null where it cannot be done; else as any other copy. */
export async function copyWithin(job: CopyJob): Promise<Copied | null> {
  const { source, destination } = job.deps
  const { copyFrom, multipart } = destination
  const { place } = source
  if (!isWithin(job) || !place || !copyFrom || !multipart) return null
  const { key, origin: was = key, token, version } = job.entry
  const origin = { place, key: was, token, ...(version !== undefined && { version }) }
  try {
    return await copyBy(job, copyFrom, multipart, origin)
  } catch (error) {
    if (!(error instanceof DrayError)) throw error
    if (error.code === 'access-denied' || error.code === 'not-implemented') unable.add(destination)
    else if (error.code !== 'invalid-request') throw error
    job.takeBack()
    return null
  }
}

async function copyBy(
  job: CopyJob,
  copyFrom: CopyFrom,
  multipart: Multipart,
  origin: Origin,
): Promise<Copied> {
  const { source, expected } = job.deps
  const { key, size, token } = job.entry
  const send =
    (upload: string): SendPart =>
    async ({ number, range }, signal) => {
      const part = await copyFrom.part(origin, range, key, upload, number, signal)
      job.count(part.size)
      return { part, md5: null }
    }
  const parts = (plan: Omit<PartsPlan, 'send'>) => copyParts(job, multipart, { ...plan, send })

  const plan = planCopy(job.entry, source.tokens, multipart)
  if (plan.how === 'as-source') {
    const { head, boundaries, mayWalk } = await seeParts(job, multipart, plan.parts)
    if (boundaries) return parts({ head, boundaries, mayWalk, asSource: true })
  }
  const head = await job.head()
  if (size > copyFrom.most)
    return parts({ head, boundaries: evenly(size, partBytes), asSource: false, mayWalk: false })
  const metadata = await job.carried(head)
  const written = await job.noting(copyFrom.whole(origin, key, metadata, job.signal, expected))
  // Ceph's gateway minds no condition on the origin. Under KMS, an ETag is another although the content is not.
  if (written.token !== token) await job.head()
  job.count(size)
  return { read: head.entry, written, evidence: 'store-verified' }
}
