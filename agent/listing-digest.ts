/**
 * What a listing of one side comes to (shared/ledger.ts): the digest of its lines in their order, and the sum of the digests of each by itself.
 *
 * Hot: runs once for every object and side of a verification. Lines are hashed as strings, and joined before they are, since a call costs
 * more than a line.
 */
import { createHash, hash } from 'node:crypto'
import type { Listed } from '../shared/ledger.ts'
import { listingLine } from '../shared/ledger.ts'
import type { Entry, Storage } from './storage/storage.ts'

/** Characters. */
const linesAtOnce = 64 * 1024
const outside = /[^\x00-\x7f]/
const limbs = 16

export class ListingDigest {
  readonly #all = createHash('sha256')
  /** Of 16 bits each, the highest first; carried over at the end. Exact for 2^37 lines. */
  readonly #sum = new Float64Array(limbs)
  #lines = ''

  /** In rising order of keys. */
  add(listed: Listed): void {
    const line = listingLine(listed)
    // The digest of a string is that of its UTF-8, and its bytes are meant.
    const digest = hash('sha256', outside.test(line) ? Buffer.from(line, 'latin1') : line, 'latin1')
    for (let i = 0; i < limbs; i++) {
      this.#sum[i]! += digest.charCodeAt(2 * i) * 256 + digest.charCodeAt(2 * i + 1)
    }
    this.#lines += line
    if (this.#lines.length >= linesAtOnce) this.#flush()
  }

  /** In hexadecimal digits. It takes no more lines. */
  end(): { digest: string; sum: string } {
    this.#flush()
    let sum = ''
    let carry = 0
    for (let i = limbs - 1; i >= 0; i--) {
      const limb = this.#sum[i]! + carry
      carry = Math.floor(limb / 65_536)
      sum = (limb % 65_536).toString(16).padStart(4, '0') + sum
    }
    return { digest: this.#all.digest('hex'), sum }
  }

  #flush(): void {
    this.#all.update(this.#lines, 'latin1')
    this.#lines = ''
  }
}

/** Null for what is no object, or is known to be none that counts: a link, a device, or what was refused when it was listed. */
export function listedOf(entry: Entry, kind: Storage['kind']): Listed | null {
  if (entry.refused || (entry.kind !== 'object' && entry.kind !== 'delete-marker')) return null
  // A file's token changes with a chmod, and with a copy of the whole directory; its mtime with its content.
  const { key, size } = entry
  return { key, size, content: kind === 'file' ? String(entry.mtime) : entry.token }
}

/** Of a chain of versions. */
export const listedVersion = ({
  key,
  size,
  token,
  version,
  kind,
}: Entry & { readonly version: string }): Listed => ({
  key,
  size,
  content: token,
  version,
  isMarker: kind === 'delete-marker',
})
