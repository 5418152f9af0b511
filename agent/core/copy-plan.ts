/**
 * How one object is copied, from its listing line alone. The aims, in this order: the destination's token comes out
 * equal to the source's, so that every later comparison is a listing; nothing is hashed that a store can check; memory is bounded.
 *
 *   at-once     up to 1 MiB: read into memory, hashed there, sent with its Content-MD5
 *   stream      one write of any size, never staged
 *   as-source   a multipart upload in as many parts as the source's; where they begin, the source is asked (source-parts.ts)
 *   parts       a multipart upload in parts of our own
 */
import type { Entry, Storage } from '../storage/storage.ts'
import { etagKind } from './etag.ts'
import { defaultPartSize } from './part-size.ts'

export type CopyPlan =
  | { how: 'at-once' }
  | { how: 'stream' }
  | { how: 'as-source'; parts: number }
  | { how: 'parts'; partSize: number }

export const atOnceBytes = 1024 * 1024
/** Above this a body whose ETag need not be kept goes up in parts, several at a time. */
export const partsAboveBytes = 64 * 1024 * 1024

/** Throws `too-large`. */
export function planCopy(
  entry: Pick<Entry, 'size' | 'token'>,
  tokens: Storage['tokens'],
  multipart: Storage['multipart'],
): CopyPlan {
  const { size, token } = entry
  const kind = tokens === 'md5' ? etagKind(token) : { kind: 'opaque' as const }
  // An empty upload is not every store's idea of one.
  if (multipart && kind.kind === 'multipart' && size > 0 && kind.parts <= multipart.limits.maxParts) {
    return { how: 'as-source', parts: kind.parts }
  }
  return planOurs(size, kind.kind === 'md5', multipart)
}

/** Without regard to the source's parts. Throws `too-large`. */
export function planOurs(
  size: number,
  isMd5: boolean,
  multipart: Storage['multipart'],
): Exclude<CopyPlan, { how: 'as-source' }> {
  if (size <= atOnceBytes) return { how: 'at-once' }
  if (!multipart) return { how: 'stream' }
  const { limits } = multipart
  const inOne = isMd5 ? limits.maxWrite : Math.min(partsAboveBytes, limits.maxWrite)
  if (size <= inOne) return { how: 'stream' }
  return { how: 'parts', partSize: defaultPartSize(size, limits) }
}
