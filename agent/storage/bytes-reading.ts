/** What was read at once: its bytes, and a stream of them for whoever wants one. */
import { Readable } from 'node:stream'
import type { Entry, Head, Metadata, Reading } from './storage.ts'

export class BytesReading implements Reading {
  readonly entry: Entry
  readonly metadata: Metadata
  readonly bytes: Buffer

  constructor({ entry, metadata }: Head, bytes: Buffer) {
    this.entry = entry
    this.metadata = metadata
    this.bytes = bytes
  }

  get body(): Readable {
    return Readable.from([this.bytes], { objectMode: false })
  }
}
