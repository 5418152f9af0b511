/** The ETag that S3 gives a body: its MD5, or for a multipart upload the MD5 of its parts' MD5s and their count. */
import { createHash, type Hash } from 'node:crypto'
import { type Boundaries, sizesOf } from '../shared/boundaries.ts'

export interface Digest {
  update(chunk: Uint8Array): void
  /** Once, at the end. */
  etag(): string
}

export function wholeDigest(): Digest {
  const hash = createHash('md5')
  return { update: (chunk) => void hash.update(chunk), etag: () => hash.digest('hex') }
}

/** Of a body in parts of so many bytes, or in these; an empty body is one empty part. */
export function partDigest(cut: number | Boundaries): Digest {
  const sizes = typeof cut === 'number' ? null : sizesOf(cut)
  const roomOf = (index: number) =>
    sizes?.[index] ?? (typeof cut === 'number' ? cut : Number.MAX_SAFE_INTEGER)
  const parts: Buffer[] = []
  let part: Hash = createHash('md5')
  let room = roomOf(0)
  let begun = false
  const finish = () => {
    parts.push(part.digest())
    part = createHash('md5')
    room = roomOf(parts.length)
    begun = false
  }
  return {
    update(chunk) {
      for (let at = 0; at < chunk.length; ) {
        const piece = chunk.subarray(at, at + room)
        part.update(piece)
        begun = true
        at += piece.length
        room -= piece.length
        if (room === 0) finish()
      }
    },
    etag() {
      if (begun || parts.length === 0) finish()
      return multipartEtag(parts)
    },
  }
}

/** From the MD5 of each part, in order. */
export function multipartEtag(parts: readonly Uint8Array[]): string {
  const hash = createHash('md5')
  for (const part of parts) hash.update(part)
  return `${hash.digest('hex')}-${parts.length}`
}

/** A digest that begins anew whenever its body does. */
export function restarting(make: () => Digest) {
  let digest = make()
  return {
    begin() {
      digest = make()
      return { digest }
    },
    etag: () => digest.etag(),
  }
}
