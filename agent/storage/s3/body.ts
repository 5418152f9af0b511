/** Bodies on their way in and out, held to the length that was promised. */
import { Readable } from 'node:stream'
import { DrayError } from '../../../shared/error.ts'
import type { Body } from '../storage.ts'
import { interrupted } from './faults.ts'
import { tooLittle, tooMuch } from './wire/sender.ts'

export class TooLong extends Error {}

/** A stream that has ended or failed already tells nobody who comes later; only asking it does. */
const endedBefore = (stream: Readable): Error | null =>
  stream.errored ?? (stream.destroyed || stream.readableEnded ? new Error('closed before it was read') : null)

/** All of a body, as one buffer. Destroys it and throws `TooLong` where it is longer than `limit`. */
export function collect(body: Readable, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const over = endedBefore(body)
    if (over) return reject(over)
    const chunks: Buffer[] = []
    let size = 0
    body.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > limit) body.destroy(new TooLong())
      else chunks.push(chunk)
    })
    body.once('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size)))
    body.once('error', reject)
    body.once('close', () => reject(new Error('closed before its end')))
  })
}

/** For an answer whose body says nothing: lets its connection go on to the next request. */
export const ignore = (body: Readable): void => {
  body.on('error', () => {}).resume()
}

/** What the body of a write must not do: end early, or go on. */
export const wrongLength = (op: string, size: number, got: number) =>
  new DrayError(
    'changed',
    op,
    got < size
      ? `The body ended after ${got} of ${size} bytes (${op}).`
      : `The body is longer than the ${size} bytes that it should have (${op}).`,
    { retry: 'later' },
  )

/** Up to this size a body is read before its request begins: one write to the socket, no stream. */
export const smallBody = 64 * 1024

/** Opens a body, but waits no longer than the signal. A body that comes too late is destroyed. */
export async function openBody(body: Body, op: string, signal: AbortSignal): Promise<Readable> {
  if (signal.aborted) throw interrupted(op)
  const opening = body.open(signal)
  let onAbort = () => {}
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => {
      reject(interrupted(op))
      opening.then(
        (stream) => stream.on('error', () => {}).destroy(),
        () => {},
      )
    }
    signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([opening, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/**
 * A body as it may be sent: exactly `size` bytes, the last of them given only once the source has ended well. A source
 * that fails at its very end, or has one byte too many, thus never makes a whole object.
 */
export class Withheld extends Readable {
  /** The error of the source itself, as opposed to one of whoever reads this stream. */
  failure: Error | null = null
  readonly #source: Readable
  readonly #size: number
  #held: Buffer | null = null
  #got = 0

  constructor(source: Readable, size: number) {
    super({ highWaterMark: 256 * 1024 })
    this.#source = source
    this.#size = size
    source.on('data', this.#onData)
    source.once('end', () => {
      if (this.#got < size) return this.#fail(tooLittle(this.#got, size))
      if (this.#held) this.push(this.#held)
      this.push(null)
    })
    source.on('error', (error) => this.#fail(error))
    source.once('close', () => {
      if (!source.readableEnded) this.#fail(tooLittle(this.#got, size))
    })
    const over = endedBefore(source)
    if (over) this.#fail(over)
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#got += chunk.length
    if (this.#got > this.#size) {
      this.#fail(tooMuch(this.#size))
      return
    }
    const next = this.#held
    this.#held = chunk
    if (next && !this.push(next)) this.#source.pause()
  }

  #fail(error: Error): void {
    if (this.destroyed) return
    this.failure = error
    this.destroy(error)
  }

  override _read(): void {
    this.#source.resume()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#source.destroy()
    callback(error)
  }
}
