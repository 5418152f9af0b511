/**
 * The objects that the stub serves: of any size, from one shared buffer that repeats, so that fifty gigabytes cost nothing to make. Their ETags
 * are what S3's would be: the MD5, and for an object that was uploaded in parts the MD5 of the parts' MD5s. Each is computed once.
 */
import { createHash } from 'node:crypto'

const MiB = 1024 * 1024
/** The buffer's length, and that of the parts of a multipart object; so all its parts but the last are alike. */
const period = 16 * MiB
/** Objects beyond this were uploaded in parts. */
const largestPut = 1024 * MiB

const shared = Buffer.alloc(period)
for (let i = 0; i < period; i += 4) shared.writeUInt32LE(Math.imul(i, 2654435761) >>> 0, i)

const digests = new Map<string, string>()

/** MD5 in hex of `size` bytes from `first` on. */
export function digestOf(first: number, size: number): string {
  const name = `${first % period}:${size}`
  let digest = digests.get(name)
  if (digest === undefined) {
    const hash = createHash('md5')
    for (const piece of bytesOf(first, size)) hash.update(piece)
    digest = hash.digest('hex')
    digests.set(name, digest)
  }
  return digest
}

/** 0 for an object that was put whole. */
export const partsOf = (size: number): number => (size <= largestPut ? 0 : Math.ceil(size / period))

/** The bytes of part `number`, from 1. */
export function partOf(size: number, number: number): { first: number; last: number } {
  const first = (number - 1) * period
  return { first, last: Math.min(first + period, size) - 1 }
}

/** Without quotes. */
export function etagOf(size: number): string {
  const parts = partsOf(size)
  if (parts === 0) return digestOf(0, size)
  return joinedEtag(Array.from({ length: parts }, (_, i) => spanDigest(partOf(size, i + 1))))
}

const spanDigest = ({ first, last }: { first: number; last: number }) => digestOf(first, last - first + 1)

/** The ETag of an object whose parts have these MD5s. */
export function joinedEtag(parts: readonly string[]): string {
  const hash = createHash('md5')
  for (const part of parts) hash.update(part, 'hex')
  return `${hash.digest('hex')}-${parts.length}`
}

/** The bytes themselves, in pieces of at most a megabyte. */
export function* bytesOf(first: number, size: number): Generator<Buffer> {
  for (let at = first, end = first + size; at < end; ) {
    const offset = at % period
    const length = Math.min(end - at, MiB, period - offset)
    yield shared.subarray(offset, offset + length)
    at += length
  }
}

/** Where they lie in the buffer as they are, which is so for all small objects; else null. */
export const sliceOf = (first: number, size: number): Buffer | null =>
  first + size <= MiB ? shared.subarray(first, first + size) : null
