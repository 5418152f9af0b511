/**
 * Rows of listings on disk, in blocks (a page each) in chunk files, up to a number of bytes: past it, the oldest chunks
 * go. No file is kept open: a block is a thousand rows, so opening one costs nothing beside them.
 */
import { constants } from 'node:fs'
import { mkdir, open, rm } from 'node:fs/promises'
import { DrayError } from '../../shared/error.ts'
import type { Key } from '../../shared/key.ts'
import { fileError } from './file/file-error.ts'
import type { Entry } from './storage.ts'

export interface Chunk {
  readonly path: string
  bytes: number
  rows: number
  /** Called when its rows are gone. */
  readonly gone: () => void
}

/** Rows that are read together. */
export interface Block {
  readonly chunk: Chunk
  readonly offset: number
  readonly length: number
  /** The key of its last row. */
  readonly last: Key
}

const chunkRows = 65_536

export class ListingSpill {
  readonly #dir: string
  readonly #maxBytes: number
  /** Oldest first. */
  readonly #chunks = new Set<Chunk>()
  #bytes = 0
  #count = 0

  constructor(dir: string, maxBytes: number) {
    this.#dir = dir
    this.#maxBytes = maxBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  begin(gone: () => void): Chunk {
    const chunk = { path: `${this.#dir}/${this.#count++}.rows`, bytes: 0, rows: 0, gone }
    this.#chunks.add(chunk)
    return chunk
  }

  isFull(chunk: Chunk): boolean {
    return chunk.rows >= chunkRows
  }

  /** `rows`: at least one. One caller at a time for each chunk. */
  async append(chunk: Chunk, rows: readonly Entry[]): Promise<Block> {
    const bytes = encode(rows)
    try {
      if (chunk.bytes === 0) await mkdir(this.#dir, { recursive: true })
      const file = await open(chunk.path, constants.O_WRONLY | constants.O_CREAT, 0o600)
      try {
        await file.write(bytes, 0, bytes.length, chunk.bytes)
      } finally {
        await file.close()
      }
    } catch (error) {
      throw fileError(error, `spill a listing to ${this.#dir}`)
    }
    // It may have had to go meanwhile, file and all; then this wrote it anew.
    if (!this.#chunks.has(chunk)) await rm(chunk.path, { force: true })
    const block = { chunk, offset: chunk.bytes, length: bytes.length, last: rows.at(-1)!.key }
    chunk.bytes += bytes.length
    chunk.rows += rows.length
    if (this.#chunks.has(chunk)) this.#bytes += bytes.length
    return block
  }

  /** Until all of it is within its bound again. A caller has what it appended; here it may be gone at once. */
  async shrink(): Promise<void> {
    for (const chunk of this.#chunks) {
      if (this.#bytes <= this.#maxBytes) return
      await this.drop(chunk)
    }
  }

  async drop(chunk: Chunk): Promise<void> {
    if (!this.#chunks.delete(chunk)) return
    this.#bytes -= chunk.bytes
    chunk.gone()
    await rm(chunk.path, { force: true })
  }

  /** Null where its chunk is gone. */
  async read({ chunk, offset, length }: Block): Promise<Entry[] | null> {
    if (!this.#chunks.has(chunk)) return null
    try {
      const file = await open(chunk.path, constants.O_RDONLY)
      try {
        const bytes = Buffer.allocUnsafe(length)
        const { bytesRead } = await file.read(bytes, 0, length, offset)
        if (bytesRead === length) return decode(bytes)
      } finally {
        await file.close()
      }
    } catch (error) {
      if (!this.#chunks.has(chunk)) return null
      throw fileError(error, `read a spilled listing in ${this.#dir}`)
    }
    throw new DrayError('io', `read a spilled listing in ${this.#dir}`, 'A spilled listing is damaged.', {
      retry: 'later',
    })
  }

  async close(): Promise<void> {
    for (const chunk of [...this.#chunks]) await this.drop(chunk)
  }
}

/** What few entries have is in one object at the end, so that the others pay nothing. */
type Row = [Entry['key'], Entry['kind'], number, number, string, Rare?]
type Rare = Pick<Entry, 'storageClass' | 'version' | 'origin' | 'refused'>

/** JSON of byte strings, one byte a character; what is no byte (a message may have it) is escaped. */
function encode(rows: readonly Entry[]): Buffer {
  const json = JSON.stringify(rows.map(toRow))
  const bytes = json.replace(/[\u0100-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return Buffer.from(bytes, 'latin1')
}

function toRow(entry: Entry): Row {
  const { key, kind, size, mtime, token, storageClass, version, origin, refused } = entry
  if (storageClass === undefined && version === undefined && origin === undefined && refused === undefined) {
    return [key, kind, size, mtime, token]
  }
  const rare = { storageClass, version, origin, refused } as Rare
  return [key, kind, size, mtime, token, rare]
}

function decode(bytes: Buffer): Entry[] {
  const rows = JSON.parse(bytes.toString('latin1')) as Row[]
  return rows.map(([key, kind, size, mtime, token, rare]) =>
    rare === undefined ? { key, kind, size, mtime, token } : { key, kind, size, mtime, token, ...rare },
  )
}
