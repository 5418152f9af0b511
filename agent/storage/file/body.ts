/** Bodies of files: exactly the bytes asked for, of a file that did not change meanwhile, or an error. */
import type { BigIntStats } from 'node:fs'
import { Readable } from 'node:stream'
import { DrayError } from '../../../shared/error.ts'
import { interrupted } from '../interrupt.ts'
import { fileError } from './file-error.ts'
import type { Passage } from './passage.ts'
import { close, fstat, readFully } from './syscalls.ts'

/** Bytes that are read at once; a body no longer than that is read before it is handed out. */
export const chunkBytes = 1 << 20

export const changedWhileRead = (op: string): DrayError =>
  new DrayError('changed', op, 'The file changed while it was read.', { retry: 'later' })

/** Whether a file still is what it was: a write moves its ctime, whatever is done to its mtime. */
export function isUnchanged(before: BigIntStats, now: BigIntStats): boolean {
  return (
    before.ino === now.ino &&
    before.dev === now.dev &&
    before.size === now.size &&
    before.ctimeNs === now.ctimeNs &&
    before.mtimeNs === now.mtimeNs
  )
}

/** A body that is in memory already. */
export class BufferBody extends Readable {
  #rest: Buffer | null

  constructor(bytes: Buffer) {
    super({ highWaterMark: chunkBytes })
    this.#rest = bytes.length > 0 ? bytes : null
  }

  override _read(): void {
    if (this.#rest) this.push(this.#rest)
    this.#rest = null
    this.push(null)
  }
}

export interface FileBodyOptions {
  /** Closed with the body. */
  fd: number
  first: number
  /** Inclusive. */
  last: number
  /** What the file was when its reading began. */
  stat: BigIntStats
  /** Closed with the body. */
  passage: Passage
  signal: AbortSignal
  op: string
}

/** A body that is read as it is consumed. Its last bytes are given only after a look whether the file is still the same. */
export class FileBody extends Readable {
  readonly #options: FileBodyOptions
  #at: number
  /** A descriptor must not be closed under a read: its number may be another file's by then. */
  #reading: Promise<void> | null = null
  readonly #abort = () => this.destroy(interrupted(this.#options.op))

  constructor(options: FileBodyOptions) {
    super({ highWaterMark: chunkBytes })
    this.#options = options
    this.#at = options.first
    // Its error is its reader's to see; where there is none yet, it must not end the process.
    this.on('error', () => {})
    options.signal.addEventListener('abort', this.#abort, { once: true })
    if (options.signal.aborted) this.#abort()
  }

  override _read(): void {
    this.#reading = this.#next().then(
      (chunk) => {
        this.#reading = null
        this.push(chunk)
        if (this.#at > this.#options.last) this.push(null)
      },
      (error) => {
        this.#reading = null
        this.destroy(fileError(error, this.#options.op))
      },
    )
  }

  async #next(): Promise<Buffer> {
    const { fd, last, stat, passage, op } = this.#options
    const chunk = Buffer.allocUnsafeSlow(Math.min(passage.portion(chunkBytes), last + 1 - this.#at))
    const n = await readFully(fd, chunk, this.#at)
    if (!passage.isFree) await passage.pass(n)
    this.#at += n
    if (n < chunk.length) throw changedWhileRead(op)
    if (this.#at > last && !isUnchanged(stat, await fstat(fd))) throw changedWhileRead(op)
    return chunk
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#options.signal.removeEventListener('abort', this.#abort)
    const { fd, passage } = this.#options
    passage.close()
    // Its reader learns at once, though the read may come back late or never.
    if (this.#reading) this.#reading.then(() => close(fd)).catch(() => {})
    if (this.#reading) done(error)
    else
      close(fd).then(
        () => done(error),
        () => done(error),
      )
  }
}
