/**
 * The body of an answer. Whoever gets it must consume it, pump it or destroy it. States:
 *
 *   held    until somebody wants it: what came with the head is kept, and the socket is not read
 *   read    a `Readable` as any other; each piece of it is its reader's for good
 *   pumped  it goes straight to another socket (`send` with this as the request's body); its stream says nothing but `close`
 *
 * It is over only when it is whole. One that breaks off ends in an error, whether somebody listens yet or not, and one
 * that is destroyed before its end takes its connection with it.
 */
import { Readable } from 'node:stream'
import type { Tap } from '../../storage.ts'
import { giveAway, type Slab } from './slab.ts'
import { broken } from './wire-error.ts'

export interface BodyTarget {
  readonly full: boolean
  data(slab: Slab, from: number, to: number): void
  end(): void
  fail(error: Error): void
}

/** What the body may ask of its exchange. */
export interface BodySource {
  resume(): void
  abandon(): void
}

/** A reader of a stream that is slower than this is waited for. */
const readAhead = 256 * 1024
/** Smaller pieces are copied, rather than that a whole slab lives as long as they do. */
const leastGift = 16 * 1024

export class WireBody extends Readable {
  #state: 'held' | 'read' | 'pumped' = 'held'
  readonly #source: BodySource
  readonly #fault: (error: unknown) => Error
  /** Came with the head. */
  readonly #early: Buffer[] = []
  readonly #taps: Tap[] = []
  #target: BodyTarget | null = null
  #full = false
  #whole = false

  constructor(source: BodySource, fault: (error: unknown) => Error) {
    super({ highWaterMark: readAhead })
    this.#source = source
    this.#fault = fault
    this.on('error', () => {})
  }

  /** Has `tap` asked about all that passes, whichever way it goes. Before anybody consumes the body. */
  through(tap: Tap): this {
    this.#taps.push(tap)
    return this
  }

  /** Whether nobody has begun to consume it, so that it can be pumped. */
  get untouched(): boolean {
    return this.#state === 'held' && this.readableFlowing === null && this.listenerCount('readable') === 0
  }

  /** Gives everything to `target` from now on; the last call it gets is `end` or `fail`. */
  pumpTo(target: BodyTarget): void {
    if (this.destroyed) {
      target.fail(this.errored ?? this.#fault(gone()))
      return
    }
    this.#state = 'pumped'
    this.#target = target
    this.#passEarly()
    if (this.#whole) this.#finish()
    else this.goOn()
  }

  /** Its consumer takes more. */
  goOn(): void {
    if (!this.#whole && !this.destroyed) this.#source.resume()
  }

  /** Whether its consumer wants a pause, or there is none yet. */
  get full(): boolean {
    if (this.#state === 'held') return true
    return this.#target === null ? this.#full : this.#target.full
  }

  /** For the exchange: bytes that have come. */
  data(slab: Slab, from: number, to: number): void {
    if (this.destroyed) return
    if (this.#state === 'held') this.#early.push(Buffer.from(slab.bytes.subarray(from, to)))
    else this.#pass(slab, from, to)
  }

  /** For the exchange: the last byte has come. */
  end(): void {
    this.#whole = true
    if (this.#state !== 'held') this.#finish()
  }

  /** For the exchange: no more will come. */
  fail(error: Error): void {
    this.#whole = true
    this.destroy(error)
  }

  override _read(): void {
    if (this.#state === 'held') {
      this.#state = 'read'
      this.#passEarly()
      if (this.#whole) {
        this.#finish()
        return
      }
    }
    this.#full = false
    this.goOn()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    const target = this.#target
    this.#target = null
    this.#early.length = 0
    if (!this.#whole) this.#source.abandon()
    target?.fail(error ?? this.#fault(gone()))
    callback(error)
  }

  /** In slabs of their own: nobody reads into them, and they are never used again. */
  #passEarly(): void {
    for (const bytes of this.#early.splice(0)) {
      if (this.destroyed) return
      this.#pass({ bytes, used: 0, holders: Number.POSITIVE_INFINITY }, 0, bytes.length)
    }
  }

  #pass(slab: Slab, from: number, to: number): void {
    const seen = this.#taps.length === 0 || this.#tapped(slab.bytes.subarray(from, to))
    if (!seen) return
    if (this.#target) {
      this.#target.data(slab, from, to)
      return
    }
    const bytes = slab.bytes.subarray(from, to)
    const isGift = bytes.length >= leastGift
    if (isGift) giveAway(slab)
    this.#full = !this.push(isGift ? bytes : Buffer.from(bytes))
  }

  #tapped(bytes: Buffer): boolean {
    try {
      for (const tap of this.#taps) tap.chunk?.(bytes)
      return true
    } catch (error) {
      this.destroy(error as Error)
      return false
    }
  }

  #finish(): void {
    if (this.destroyed) return
    try {
      for (const tap of this.#taps) tap.ended?.()
    } catch (error) {
      this.destroy(error as Error)
      return
    }
    const target = this.#target
    if (!target) {
      this.push(null)
      return
    }
    this.#target = null
    target.end()
    this.destroy()
  }
}

const gone = () => broken('the body to be sent was given up')
