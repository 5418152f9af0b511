/**
 * An exchange whose answer is wanted as one buffer: no stream, one promise. What small objects and pages of a listing are
 * moved with.
 *
 * A refusal is settled by its status: where its body breaks off, stalls or is too long, what has come of it is given.
 */
import type { HttpRequest } from '../http.ts'
import { Exchange } from './exchange.ts'
import type { Framing } from './framing.ts'
import type { Head } from './head.ts'
import { giveRoom, takeRoom } from './room.ts'
import type { Slab } from './slab.ts'
import { WireError } from './wire-error.ts'

export class WholeResponse {
  readonly head: Head
  readonly body: Buffer
  #released = false
  /** Bytes of the request's body that were on their way when the answer began. */
  readonly sent: number

  constructor(head: Head, body: Buffer, sent: number) {
    this.head = head
    this.body = body
    this.sent = sent
  }

  release(): void {
    if (this.#released || this.body.length === 0) return
    this.#released = true
    giveRoom(this.body)
  }

  get status(): number {
    return this.head.status
  }

  /** All headers as an object; `head.get` costs less where a few are wanted. */
  get headers(): Readonly<Record<string, string>> {
    return this.head.object
  }
}

const nothing: Buffer = Buffer.alloc(0)

export class WholeExchange extends Exchange {
  readonly full = false
  readonly #most: number
  readonly #refusalMs: number
  readonly #resolve: (response: WholeResponse) => void
  readonly #reject: (error: Error) => void
  #head: Head | null = null
  #bytes = nothing
  #length = 0
  #sent = 0

  constructor(
    request: HttpRequest,
    host: string,
    most: number,
    refusalMs: number,
    resolve: (response: WholeResponse) => void,
    reject: (error: Error) => void,
  ) {
    super(request, host)
    this.#most = most
    this.#refusalMs = refusalMs
    this.#resolve = resolve
    this.#reject = reject
  }

  get limitMs(): number {
    if (this.#head !== null && this.#head.status >= 300) return this.#refusalMs
    return this.request.method === 'GET' ? Number.POSITIVE_INFINITY : this.request.patience
  }

  onHead(head: Head, { length }: Framing, sent: number): void {
    this.#head = head
    this.#sent = sent
    if (length > this.#most && head.status < 300) this.abort(tooLong(this.#most))
    else if (length > 0) this.#bytes = takeRoom(Math.min(length, this.#most))
  }

  onData(slab: Slab, from: number, to: number): void {
    if (this.over) return
    const length = this.#length + to - from
    if (length > this.#bytes.length) {
      if (length > this.#most) {
        this.abort(tooLong(this.#most))
        return
      }
      // Chunks: nobody said how many.
      const more = takeRoom(Math.min(Math.max(length, this.#bytes.length * 2, 16 * 1024), this.#most))
      this.#bytes.copy(more, 0, 0, this.#length)
      this.#bytes = more
    }
    slab.bytes.copy(this.#bytes, this.#length, from, to)
    this.#length = length
  }

  protected override onEnd(): void {
    const whole = this.#length === this.#bytes.length ? this.#bytes : this.#bytes.subarray(0, this.#length)
    this.#resolve(new WholeResponse(this.#head!, whole, this.#sent))
  }

  protected override onFail(error: Error): void {
    if (this.#head === null || this.#head.status < 300 || this.request.signal.aborted) this.#reject(error)
    else this.onEnd()
  }
}

const tooLong = (most: number) => new WireError('body-too-long', `an answer of more than ${most} bytes`)
