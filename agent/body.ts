/**
 * Bodies on their way from one store to the other: counted, hashed where somebody asks for it, and never taken for
 * whole when they are not.
 */
import { pipeline, type Readable, Transform, type TransformCallback } from 'node:stream'
import { DrayError, toDrayError } from '../shared/error.ts'
import type { Digest } from './part-digest.ts'

export interface Gauge {
  /** Bytes that the body must have. */
  readonly size: number
  /** What is being read, for errors. */
  readonly op: string
  readonly digest?: Pick<Digest, 'update'> | null
  /** Told of bytes as they pass. */
  moved?: ((bytes: number) => void) | undefined
  /** Asked when all bytes have passed, before the reader hears of the end; throws to make the body fail instead. */
  ended?(): void
  /** Told why the body failed on the reading side, whatever the writing side makes of it. */
  failed?(error: DrayError): void
}

/** `body` as it passes. Destroying either destroys both; a body of another length fails. */
export function gauged(body: Readable, gauge: Gauge): Readable {
  const transform = new Gauging(gauge)
  pipeline(body, transform, (error) => {
    // Only the source's own errors and ours: a reader that goes away early is no failure of the body.
    if (error instanceof DrayError) gauge.failed?.(error)
  })
  // Its error is its reader's to see; where there is no reader yet, it must not end the process.
  return transform.on('error', () => {})
}

class Gauging extends Transform {
  readonly #gauge: Gauge
  #seen = 0

  constructor(gauge: Gauge) {
    super()
    this.#gauge = gauge
  }

  override _transform(chunk: Uint8Array, _: BufferEncoding, done: TransformCallback): void {
    this.#seen += chunk.length
    if (this.#seen > this.#gauge.size) {
      done(this.#wrongLength())
      return
    }
    this.#gauge.digest?.update(chunk)
    this.#gauge.moved?.(chunk.length)
    done(null, chunk)
  }

  override _flush(done: TransformCallback): void {
    try {
      if (this.#seen !== this.#gauge.size) throw this.#wrongLength()
      this.#gauge.ended?.()
      done()
    } catch (error) {
      done(toDrayError(error, this.#gauge.op))
    }
  }

  #wrongLength(): DrayError {
    const { size, op } = this.#gauge
    const what = this.#seen < size ? `ended after ${this.#seen}` : `went on past the`
    return new DrayError('unreachable', op, `The body ${what} of ${size} bytes.`, { retry: 'now' })
  }
}

/** All of a small body. */
export async function wholeBody(body: Readable, gauge: Gauge): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(gauge.size)
  let at = 0
  for await (const chunk of gauged(body, gauge) as AsyncIterable<Uint8Array>) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}

/** Reads a body to its end for the sake of its digest. */
export async function drain(body: Readable, gauge: Gauge): Promise<void> {
  for await (const _ of gauged(body, gauge)) {
    // The gauge has seen it.
  }
}
