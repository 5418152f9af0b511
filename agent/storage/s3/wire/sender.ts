/**
 * Sends the body of a request from a stream. The bytes that complete it are held back until the stream has ended well, so
 * that one which fails at its very end, or goes on, never makes a whole object: its connection is broken off instead.
 */
import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { WireError } from './wire-error.ts'

export interface Sender {
  /** Bytes of the body given to the socket. */
  readonly sent: number
  /** What it waits for; `turn`: the endpoint's limit. `nothing`: all is on its way, or it has stopped. */
  readonly waitsFor: 'source' | 'socket' | 'turn' | 'nothing'
  /** Once, when the head is on its way. */
  begin(): void
  /** The socket takes more. */
  drained(): void
  /** Sends no more, and gives its source up. */
  stop(): void
}

/** What a sender tells its connection. */
export interface SenderEvents {
  /** The body cannot be sent whole. */
  failed(error: Error): void
  /** Bytes of the body were given to the socket. False: no more should be before `go` is called. */
  pay(bytes: number, go: () => void): boolean
}

export class StreamSender implements Sender {
  sent = 0
  #stopped = false
  /** The socket is full; the endpoint's limit is used up. */
  #isFull = false
  #isHeld = false
  readonly #source: Readable
  readonly #socket: Socket
  readonly #length: number
  readonly #events: SenderEvents
  #got = 0
  #held: Uint8Array | null = null

  constructor(source: Readable, socket: Socket, length: number, events: SenderEvents) {
    this.#source = source
    this.#socket = socket
    this.#length = length
    this.#events = events
  }

  get waitsFor(): Sender['waitsFor'] {
    if (this.#stopped) return 'nothing'
    if (this.#isHeld) return 'turn'
    return this.#isFull ? 'socket' : 'source'
  }

  begin(): void {
    const source = this.#source
    // One that is over already tells nobody who comes later; only asking it does.
    if (source.errored) {
      this.#fail(source.errored)
      return
    }
    if (source.destroyed || source.readableEnded) {
      this.#onClose()
      return
    }
    source
      .on('data', this.#onData)
      .on('end', this.#onEnd)
      .on('error', this.#onError)
      .on('close', this.#onClose)
      .resume()
  }

  drained(): void {
    this.#isFull = false
    this.#goOn()
  }

  readonly #turn = (): void => {
    this.#isHeld = false
    this.#goOn()
  }

  #goOn(): void {
    if (this.waitsFor === 'source') this.#source.resume()
  }

  stop(): void {
    if (this.#stopped) return
    this.#leave()
    this.#source.destroy()
  }

  readonly #onData = (chunk: Uint8Array | string): void => {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    if (bytes.length === 0) return
    this.#got += bytes.length
    if (this.#got > this.#length) {
      this.#fail(tooMuch(this.#length))
      return
    }
    if (this.#got === this.#length) {
      this.#held = bytes
      return
    }
    this.#isFull = !this.#write(bytes)
    this.#isHeld = !this.#events.pay(bytes.length, this.#turn)
    if (this.waitsFor !== 'source') this.#source.pause()
  }

  readonly #onEnd = (): void => {
    if (this.#got < this.#length) {
      this.#fail(tooLittle(this.#got, this.#length))
      return
    }
    this.#leave()
    if (this.#held === null) return
    this.#write(this.#held)
    this.#events.pay(this.#held.length, () => {})
  }

  readonly #onError = (error: Error): void => this.#fail(error)
  readonly #onClose = (): void => this.#fail(tooLittle(this.#got, this.#length))

  #write(bytes: Uint8Array): boolean {
    this.sent += bytes.length
    return this.#socket.write(bytes)
  }

  #fail(error: Error): void {
    if (this.#stopped) return
    this.stop()
    this.#events.failed(error)
  }

  #leave(): void {
    this.#stopped = true
    const source = this.#source
    source
      .off('data', this.#onData)
      .off('end', this.#onEnd)
      .off('error', this.#onError)
      .off('close', this.#onClose)
  }
}

export const tooMuch = (length: number) =>
  new WireError('wrong-length', `the body to be sent is longer than its ${length} bytes`)
export const tooLittle = (got: number, length: number) =>
  new WireError('wrong-length', `the body to be sent ended after ${got} of ${length} bytes`)
