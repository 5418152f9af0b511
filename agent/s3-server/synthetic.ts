/**
 * Objects that nobody stored: a bucket filled with a million keys costs the keys, and one of 50 GB costs nothing.
 * A body follows from its key and its size: one of `variants` patterns, picked by a hash of the key, so that a mix-up of
 * two objects shows in nearly every case while each ETag, a true one, is worked out once per pattern and size.
 * A large object is a multipart one whose parts take the patterns in turn, so that parts in the wrong order show too.
 */
import { createHash } from 'node:crypto'
import type { Key } from '../../shared/key.ts'
import { ObjectVersion } from './object-version.ts'
import type { StoredBody } from './stored-body.ts'

export interface SyntheticOptions {
  /** Bytes, of all objects or by key. */
  readonly size: number | ((key: Key) => number)
  /** Objects larger than this are multipart, in at most 10,000 parts of this size or a multiple of it. A multiple of 64 KiB; 16 MiB unless told. */
  readonly partSize?: number
  /** Milliseconds since the epoch. */
  readonly modified?: number
  readonly headers?: Readonly<Record<string, string>>
}

const variants = 16
const blockSize = 65_536
const readSize = 4 * blockSize

const blocks: (Buffer | null)[] = Array.from({ length: variants }, () => null)
/** The pattern, repeated to the size of a read: numbers of a small generator, seeded by the variant. */
function blockOf(variant: number): Buffer {
  let block = blocks[variant]
  if (!block) {
    block = Buffer.allocUnsafeSlow(readSize)
    let state = (variant + 1) * 0x9e3779b1
    for (let i = 0; i < blockSize; i += 4) {
      state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5
      block.writeInt32LE(state | 0, i)
    }
    for (let i = blockSize; i < readSize; i += blockSize) block.copy(block, i, 0, blockSize)
    blocks[variant] = block
  }
  return block
}

function variantOf(key: Key): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  return (hash >>> 24) % variants
}

class SyntheticBody implements StoredBody {
  readonly size: number
  readonly #variant: number
  readonly #partSize: number
  constructor(size: number, variant: number, partSize: number) {
    this.size = size
    this.#variant = variant
    this.#partSize = partSize
  }
  *read(first: number, last: number): Generator<Buffer> {
    for (let at = first; at <= last; ) {
      const part = Math.floor(at / this.#partSize)
      const end = Math.min(last + 1, (part + 1) * this.#partSize)
      const offset = at % blockSize
      const block = blockOf((this.#variant + part) % variants)
      const piece = block.subarray(offset, Math.min(readSize, offset + end - at))
      yield piece
      at += piece.length
    }
  }
  discard(): void {}
}

export class SyntheticObjects {
  readonly #options: Required<SyntheticOptions>
  /** By size, for each variant. */
  readonly #digests = Array.from(
    { length: variants },
    () => new Map<number, { bytes: Buffer; hex: string }>(),
  )

  constructor(options: SyntheticOptions) {
    const partSize = options.partSize ?? 16 * 1024 * 1024
    if (partSize % blockSize !== 0) throw new RangeError(`partSize must be a multiple of ${blockSize}`)
    const defaults = { modified: Date.UTC(2026, 0, 1), headers: { 'content-type': 'binary/octet-stream' } }
    this.#options = { ...defaults, ...options, partSize }
  }

  /** The object that stands at `key`. */
  version(key: Key): ObjectVersion {
    const { modified, headers } = this.#options
    const size = typeof this.#options.size === 'number' ? this.#options.size : this.#options.size(key)
    const partSize = this.#options.partSize * Math.ceil(size / this.#options.partSize / 10_000 || 1)
    const variant = variantOf(key)
    const body = new SyntheticBody(size, variant, size > partSize ? partSize : Number.MAX_SAFE_INTEGER)
    if (size <= partSize)
      return new ObjectVersion({ etag: this.#digest(variant, size).hex, body, headers, modified })
    const sizes = Array.from({ length: Math.ceil(size / partSize) }, (_, i) =>
      Math.min(partSize, size - i * partSize),
    )
    const hash = createHash('md5')
    for (const [i, each] of sizes.entries()) hash.update(this.#digest((variant + i) % variants, each).bytes)
    const parts = sizes.map((each, i) => ({ number: i + 1, size: each, checksum: null }))
    return new ObjectVersion({
      etag: `${hash.digest('hex')}-${parts.length}`,
      body,
      headers,
      modified,
      extra: { parts },
    })
  }

  #digest(variant: number, size: number): { bytes: Buffer; hex: string } {
    const known = this.#digests[variant]!.get(size)
    if (known) return known
    const hash = createHash('md5')
    for (const piece of new SyntheticBody(size, variant, Number.MAX_SAFE_INTEGER).read(0, size - 1))
      hash.update(piece)
    const bytes = hash.digest()
    const digest = { bytes, hex: bytes.toString('hex') }
    this.#digests[variant]!.set(size, digest)
    return digest
  }
}
