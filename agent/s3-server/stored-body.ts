/**
 * Where bodies lie: small ones as byte strings (a Buffer costs 200 bytes more, which counts with a million objects),
 * larger ones in slabs of memory or, given a directory, in a file each. A multipart object is its parts' bodies in a
 * row. Bodies on disk are throw-away: they are removed with their object and with the server.
 */
import { randomUUID } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import { join } from 'node:path'

export interface StoredBody {
  readonly size: number
  /** The bytes `first` to `last`, both included; a string is a byte string. Opened at once, read as it is taken. */
  read(first: number, last: number): Iterable<Buffer> | AsyncIterable<Buffer> | string
  /** Frees what it holds outside memory. Whoever is reading goes on. */
  discard(): void
}

export interface BodyWriter {
  /** Keeps the order of its calls; a promise stands for all of them so far. */
  write(bytes: Buffer): void | Promise<void>
  finish(): Promise<StoredBody>
  /** Instead of `finish`. */
  abandon(): Promise<void>
}

const smallest = 4096
const slabSize = 8 * 1024 * 1024
const readSize = 256 * 1024

export class StringBody implements StoredBody {
  readonly #bytes: string
  constructor(bytes: string) {
    this.#bytes = bytes
  }
  get size(): number {
    return this.#bytes.length
  }
  read(first: number, last: number): string {
    return this.#bytes.slice(first, last + 1)
  }
  discard(): void {}
}

class SlabBody implements StoredBody {
  readonly size: number
  readonly #slabs: readonly Buffer[]
  constructor(slabs: readonly Buffer[], size: number) {
    this.#slabs = slabs
    this.size = size
  }
  *read(first: number, last: number): Generator<Buffer> {
    for (let at = first; at <= last; ) {
      const offset = at % slabSize
      const piece = this.#slabs[Math.floor(at / slabSize)]!.subarray(
        offset,
        Math.min(offset + readSize, offset + last + 1 - at),
      )
      yield piece
      at += piece.length
    }
  }
  discard(): void {}
}

class FileBody implements StoredBody {
  readonly size: number
  readonly #path: string
  constructor(path: string, size: number) {
    this.#path = path
    this.size = size
  }
  read(first: number, last: number): Iterable<Buffer> {
    return readFileRange(openSync(this.#path, 'r'), first, last)
  }
  discard(): void {
    unlink(this.#path).catch(() => {}) // gone with its directory already
  }
}

/** Synchronous on purpose: from the page cache a read is faster than a turn through the thread pool. */
function* readFileRange(descriptor: number, first: number, last: number): Generator<Buffer> {
  try {
    for (let at = first; at <= last; ) {
      const buffer = Buffer.allocUnsafeSlow(Math.min(readSize, last + 1 - at))
      const length = readSync(descriptor, buffer, 0, buffer.length, at)
      if (length === 0) throw new Error('a stored body is shorter than it was')
      yield buffer.subarray(0, length)
      at += length
    }
  } finally {
    closeSync(descriptor)
  }
}

export class JoinedBody implements StoredBody {
  readonly size: number
  readonly #bodies: readonly StoredBody[]
  constructor(bodies: readonly StoredBody[]) {
    this.#bodies = bodies
    this.size = bodies.reduce((sum, body) => sum + body.size, 0)
  }
  async *read(first: number, last: number): AsyncGenerator<Buffer> {
    let start = 0
    for (const body of this.#bodies) {
      const from = Math.max(first, start)
      const to = Math.min(last, start + body.size - 1)
      if (from <= to) yield* chunksOf(body, from - start, to - start)
      start += body.size
    }
  }
  discard(): void {
    for (const body of this.#bodies) body.discard()
  }
}

export async function* chunksOf(body: StoredBody, first: number, last: number): AsyncGenerator<Buffer> {
  const bytes = body.read(first, last)
  if (typeof bytes === 'string') yield Buffer.from(bytes, 'latin1')
  else yield* bytes
}

/** Of a body whose length is `size` bytes; in `dir` where one is given and the body is worth a file. */
export function createBody(size: number, dir: string | null): BodyWriter {
  return dir === null || size <= smallest ? memoryWriter(size) : fileWriter(join(dir, randomUUID()))
}

function memoryWriter(size: number): BodyWriter {
  const slabs: Buffer[] = []
  let length = 0
  return {
    write(bytes) {
      for (let at = 0; at < bytes.length; ) {
        const offset = length % slabSize
        // Slabs are made as bytes arrive, so a length that is only claimed costs nothing.
        if (offset === 0) slabs.push(Buffer.allocUnsafeSlow(Math.min(slabSize, Math.max(1, size - length))))
        const copied = bytes.copy(slabs.at(-1)!, offset, at)
        if (copied === 0) throw new Error('a body is longer than was said')
        at += copied
        length += copied
      }
    },
    async finish() {
      return size <= smallest
        ? new StringBody(slabs[0]?.toString('latin1', 0, length) ?? '')
        : new SlabBody(slabs, length)
    },
    async abandon() {},
  }
}

function fileWriter(path: string): BodyWriter {
  const opened: Promise<FileHandle> = open(path, 'wx')
  let written: Promise<void> = opened.then(() => {})
  let length = 0
  return {
    write(bytes) {
      length += bytes.length
      written = written.then(async () => {
        await (await opened).writev([bytes])
      })
      return written
    },
    async finish() {
      await written
      await (await opened).close()
      return new FileBody(path, length)
    },
    async abandon() {
      await written.catch(() => {}) // what failed has been told already
      const handle = await opened.catch(() => null)
      await handle?.close()
      if (handle) await unlink(path)
    },
  }
}
