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
import { open } from 'node:fs/promises'
import * as z from 'zod'
import { type Key, keyFromBytes, keyToBytes } from '../../shared/key.ts'
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

  /** The leaf as it is to be written. */
  bytes({ range, began, holes }: LeafHeader): Buffer {
    this.#close()
    const boundaries = ({ after, through }: Range) => ({ after: hex(after), through: hex(through) })
    const some = holes.length > 0 ? { holes: holes.map(boundaries) } : {}
    const header = JSON.stringify({ ...boundaries(range), began, ...some })
    const parts = [magic, Buffer.of(version), ...framed(Buffer.from(header))]
    for (const block of this.#blocks) parts.push(...framed(block))
    parts.push(u32(0))
    return Buffer.concat(parts)
  }
}

/** What a leaf says of itself. */
export interface LeafHeader {
  readonly range: Range
  /** Milliseconds: when the listings began that its rows come from. */
  readonly began: number
  /** Of these parts of its range it does not tell. */
  readonly holes: readonly Range[]
}

/** So that it survives a power cut; fails rather than replace another. */
export async function saveLeaf(path: string, bytes: Buffer): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Of a leaf's beginning, enough for a header without holes: two keys of 4,096 bytes in hex. */
export const headerBytes = 20 * 1024

/** Null where these are not the first bytes of a leaf; a number where so many bytes are needed. */
export function parseHeader(bytes: Buffer): LeafHeader | number | null {
  const begin = magic.length + 1
  if (bytes.length < begin + 4 || !isLeaf(bytes)) return null
  const end = begin + 4 + bytes.readUInt32BE(begin)
  if (end > bytes.length) return end
  try {
    const { began, holes, ...range } = headerSchema.parse(
      JSON.parse(bytes.subarray(begin + 4, end).toString()),
    )
    return { range, began, holes }
  } catch {
    return null
  }
}

const boundarySchema = z
  .string()
  .regex(/^(?:[0-9a-f]{2})*$/)
  .transform((text): Key => keyFromBytes(Buffer.from(text, 'hex')))
  .nullable()
const rangeShape = { after: boundarySchema, through: boundarySchema }
const headerSchema = z.object({
  ...rangeShape,
  began: z.number().int().nonnegative(),
  holes: z.array(z.object(rangeShape)).default([]),
})

/**
 * The rows of a leaf, for one part of its range after another. What cannot be read is not known, which costs proving again and nothing else:
 * so what is not what was written ends early, without a word.
 */
export class LeafReader {
  readonly #blocks: readonly Uint8Array[]
  /** The block that was read last: parts mostly follow one another. */
  #last: { at: number; rows: BaselineRow[] } | null = null

  constructor(bytes: Buffer) {
    this.#blocks = [...blocksOf(bytes)]
  }

  /** Those in `range`, block by block. */
  *rows(range: Range): Generator<BaselineRow[]> {
    let last: Key | null = range.after
    const from = this.#last && startsBefore(this.#last.rows, range) ? this.#last.at : 0
    for (let at = from; at < this.#blocks.length; at++) {
      const rows = this.#block(at)
      if (rows === null) return
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

  #block(at: number): BaselineRow[] | null {
    if (this.#last?.at === at) return this.#last.rows
    try {
      const rows = decodeBlock(this.#blocks[at]!)
      this.#last = { at, rows }
      return rows
    } catch {
      return null
    }
  }
}

const startsBefore = ([first]: BaselineRow[], { after }: Range) =>
  first !== undefined && after !== null && first.key <= after

function* blocksOf(bytes: Buffer): Generator<Uint8Array> {
  const begin = magic.length + 1
  if (!isLeaf(bytes)) return
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

const isLeaf = (bytes: Buffer) =>
  bytes.subarray(0, magic.length).equals(magic) && bytes[magic.length] === version

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
const framed = (bytes: Buffer): Buffer[] => [u32(bytes.length), bytes]
const hex = (key: Key | null) => (key === null ? null : Buffer.from(keyToBytes(key)).toString('hex'))
