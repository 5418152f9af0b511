/**
 * Bodies on their way from one store to the other: counted, hashed where somebody asks for it, and never taken for
 * whole when they are not.
 */
import { pipeline, Readable, Transform, type TransformCallback } from 'node:stream'
import { DrayError, toDrayError } from '../shared/error.ts'
import type { Digest } from './part-digest.ts'
import { discard, orAbort } from './storage/interrupt.ts'
import type { Body, TappedBody } from './storage/storage.ts'

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

/** A body that is in memory. */
export class BytesBody implements Body {
  readonly size: number
  readonly bytes: Buffer
  readonly contentMd5?: string

  constructor(bytes: Buffer, contentMd5: string | null) {
    this.size = bytes.length
    this.bytes = bytes
    if (contentMd5 !== null) this.contentMd5 = contentMd5
  }

  async open(): Promise<Readable> {
    return Readable.from([this.bytes], { objectMode: false })
  }
}

/** `body` as it passes. Destroying either destroys both; a body of another length fails. */
export function gauged(body: Readable | TappedBody, gauge: Gauge): Readable {
  if ('through' in body) return tapped(body, gauge)
  const transform = new Gauging(gauge)
  body.on('error', (error) => {
    // Not where the reader went away first, which ends the body with the reader's own error.
    if (!transform.destroyed && error instanceof DrayError) gauge.failed?.(error)
  })
  pipeline(body, transform, () => {})
  // Its error is its reader's to see; where there is no reader yet, it must not end the process.
  return transform.on('error', () => {})
}

/** Nothing between a socket and the other. */
function tapped(body: TappedBody, gauge: Gauge): Readable {
  const { size, op, digest } = gauge
  let seen = 0
  const fail = (thrown: unknown): never => {
    const error = toDrayError(thrown, op)
    gauge.failed?.(error)
    throw error
  }
  return body.through({
    chunk(bytes) {
      seen += bytes.length
      if (seen > size) fail(wrongLength(gauge, seen))
      digest?.update(bytes)
      gauge.moved?.(bytes.length)
    },
    ended() {
      try {
        if (seen !== size) throw wrongLength(gauge, seen)
        gauge.ended?.()
      } catch (error) {
        fail(error)
      }
    },
  })
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
      done(wrongLength(this.#gauge, this.#seen))
      return
    }
    this.#gauge.digest?.update(chunk)
    this.#gauge.moved?.(chunk.length)
    done(null, chunk)
  }

  override _flush(done: TransformCallback): void {
    try {
      if (this.#seen !== this.#gauge.size) throw wrongLength(this.#gauge, this.#seen)
      this.#gauge.ended?.()
      done()
    } catch (error) {
      done(toDrayError(error, this.#gauge.op))
    }
  }
}

function wrongLength({ size, op }: Gauge, seen: number): DrayError {
  const what = seen < size ? `ended after ${seen}` : 'went on past the'
  return new DrayError('unreachable', op, `The body ${what} of ${size} bytes.`, { retry: 'now' })
}

/** All of a small body, without a stream between. */
export async function wholeBody(body: Readable, gauge: Gauge, signal: AbortSignal): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(gauge.size)
  await consume(body, gauge, signal, (chunk, at) => bytes.set(chunk, at))
  return bytes
}

/** Reads a body to its end for the sake of its digest. */
export const drain = (body: Readable, gauge: Gauge, signal: AbortSignal): Promise<void> =>
  consume(body, gauge, signal, () => {})

async function consume(
  body: Readable,
  gauge: Gauge,
  signal: AbortSignal,
  take: (chunk: Uint8Array, at: number) => void,
): Promise<void> {
  let seen = 0
  const read = async () => {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      if (seen + chunk.length > gauge.size) throw wrongLength(gauge, seen + chunk.length)
      gauge.digest?.update(chunk)
      gauge.moved?.(chunk.length)
      take(chunk, seen)
      seen += chunk.length
    }
    if (seen !== gauge.size) throw wrongLength(gauge, seen)
    gauge.ended?.()
  }
  try {
    // A body that hangs hears nothing of the abort; its reader does.
    await orAbort(read(), signal, gauge.op)
  } catch (thrown) {
    const error = toDrayError(thrown, gauge.op)
    gauge.failed?.(error)
    throw error
  } finally {
    discard(body)
  }
}
