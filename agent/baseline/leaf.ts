/**
 * A leaf: the rows of one range, in one file that is written once and never changed.
 *
 *   "dray" "B" version(1 byte)  u32 length, header (JSON: the range and the time at which its listings began)
 *   u32 length, block           again and again; a block is at most 1,000 rows (block.ts)
 *   u32 0                       the end; a file without it was cut off
 *
 * Numbers are big-endian. A leaf is bounded (about a megabyte, at most some ten), so it is read in one go; its blocks are
 * unpacked one at a time. The header repeats what the index says, so that a lost index could be made anew.
 */
import { open, readFile } from 'node:fs/promises'
import { type Key, keyToBytes } from '../../shared/key.ts'
import type { Range } from '../../shared/range.ts'
import { decodeBlock, encodeBlock } from './block.ts'
import type { BaselineRow } from './row.ts'

const magic = Buffer.from('drayB')
const version = 1
export const leafBounds = { blockRows: 1_000, blockBytes: 256 * 1024, blocks: 32 } as const

/** Collects the rows of one leaf, compressed; a few megabytes at most. */
export class LeafBuilder {
  rows = 0
  #blocks: Buffer[] = []
  #open: BaselineRow[] = []
  #openBytes = 0

  get isFull(): boolean {
    return this.#blocks.length >= leafBounds.blocks
  }

  add(row: BaselineRow): void {
    this.rows++
    this.#open.push(row)
    this.#openBytes += row.key.length + row.source.token.length + row.destination.token.length
    if (this.#open.length >= leafBounds.blockRows || this.#openBytes >= leafBounds.blockBytes) this.#close()
  }

  #close(): void {
    if (this.#open.length === 0) return
    this.#blocks.push(encodeBlock(this.#open))
    this.#open = []
    this.#openBytes = 0
  }

  /** Writes the leaf so that it survives a power cut, and fails rather than replace another. */
  async save(path: string, range: Range, began: number): Promise<void> {
    this.#close()
    const header = JSON.stringify({ after: hex(range.after), through: hex(range.through), began })
    const parts = [magic, Buffer.of(version), ...framed(Buffer.from(header))]
    for (const block of this.#blocks) parts.push(...framed(block))
    parts.push(u32(0))
    const file = await open(path, 'wx', 0o600)
    try {
      await file.writeFile(Buffer.concat(parts))
      await file.sync()
    } finally {
      await file.close()
    }
  }
}

/**
 * The rows of a leaf that are in `range`, block by block. Ends early, without a word, where the leaf is missing or not
 * what was written: what cannot be read is not known, which costs proving again and nothing else.
 */
export async function* readLeaf(path: string, range: Range): AsyncGenerator<BaselineRow[]> {
  let bytes: Buffer
  try {
    bytes = await readFile(path)
  } catch {
    return
  }
  let last: Key | null = range.after
  for (const block of blocksOf(bytes)) {
    let rows: BaselineRow[]
    try {
      rows = decodeBlock(block)
    } catch {
      return
    }
    const page: BaselineRow[] = []
    for (const row of rows) {
      if (last !== null && row.key <= last) continue
      if (range.through !== null && row.key > range.through) break
      page.push(row)
      last = row.key
    }
    if (page.length > 0) yield page
    const end = rows.at(-1)
    if (end === undefined || (range.through !== null && end.key >= range.through)) return
  }
}

function* blocksOf(bytes: Buffer): Generator<Uint8Array> {
  const begin = magic.length + 1
  if (!bytes.subarray(0, magic.length).equals(magic) || bytes[magic.length] !== version) return
  let isHeader = true
  for (let at = begin; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at)
    const end = at + 4 + length
    if (length === 0 || end > bytes.length) return
    if (!isHeader) yield bytes.subarray(at + 4, end)
    isHeader = false
    at = end
  }
}

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
const framed = (bytes: Buffer): Buffer[] => [u32(bytes.length), bytes]
const hex = (key: Key | null) => (key === null ? null : Buffer.from(keyToBytes(key)).toString('hex'))
