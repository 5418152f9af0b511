/** What was read at once: its bytes, and a stream of them for whoever wants one. */
import { Readable } from 'node:stream'
import type { Entry, Head, Metadata, Reading } from './storage.ts'

export class BytesReading implements Reading {
  readonly entry: Entry
  readonly metadata: Metadata
  readonly bytes: Buffer
  readonly #given: { release?(): void } | null

  /** `given`: whom to tell that the bytes are needed no more. */
  constructor({ entry, metadata }: Head, bytes: Buffer, given: { release?(): void } | null = null) {
    this.entry = entry
    this.metadata = metadata
    this.bytes = bytes
    this.#given = given
  }

  release(): void {
    this.#given?.release?.()
  }

  get body(): Readable {
    return Readable.from([this.bytes], { objectMode: false })
  }
}
