/** The sending half of a connection: one request after the other, each with its body from a buffer, a stream or another socket. */
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { type Bounds, Progress } from './bounds.ts'
import { queuedBytes } from './dial.ts'
import { type Exchange, sliceBytes } from './exchange.ts'
import { PumpSender } from './pump.ts'
import { type Sender, type SenderEvents, StreamSender } from './sender.ts'
import { WireBody } from './wire-body.ts'
import { WireError } from './wire-error.ts'

/** Up to this a request goes out as one piece. */
const onePiece = 16 * 1024

export class Outgoing {
  readonly #socket: Socket
  readonly #events: SenderEvents
  #sender: Sender | null = null
  #length = 0
  #piece: Buffer | null = null
  /** When anything moved last. */
  #movedAt = 0
  #left = -1
  readonly #progress = new Progress()

  constructor(socket: Socket, events: SenderEvents) {
    this.#socket = socket
    this.#events = events
    socket.on('drain', () => this.#sender?.drained())
  }

  begin({ request, head, length, purse }: Exchange, now: number): void {
    const isLimited = purse !== null && length > sliceBytes
    const body = isLimited && Buffer.isBuffer(request.body) ? slicesOf(request.body) : request.body
    this.#sender = null
    this.#length = length
    this.#movedAt = now
    this.#left = -1
    this.#progress.restart(now, 0)
    if (body instanceof Readable) {
      const Sender = body instanceof WireBody && body.untouched ? PumpSender : StreamSender
      this.#sender = new Sender(body as WireBody, this.#socket, length, this.#events)
      this.#socket.write(head, 'latin1')
      this.#sender.begin()
    } else if (body === null || length === 0) this.#socket.write(head, 'latin1')
    else if (head.length + length <= onePiece) this.#writePiece(head, body)
    else {
      this.#socket.cork()
      this.#socket.write(head, 'latin1')
      this.#socket.write(body)
      this.#socket.uncork()
    }
  }

  /** Bytes of the body that are on their way. */
  get sent(): number {
    return this.#sender === null ? this.#length : this.#sender.sent
  }

  /** Whether all of the request has been handed over. */
  get done(): boolean {
    return this.#sender === null || this.#sender.waitsFor === 'nothing'
  }

  /** Whether the system has taken all of it. */
  get taken(): boolean {
    return this.done && this.#socket.writableLength === 0
  }

  /** Whether the body's source is what it waits for, and not the server. */
  get waitsForSource(): boolean {
    return this.#sender?.waitsFor === 'source'
  }

  stop(): void {
    this.#sender?.stop()
  }

  /**
   * Whether the answer is overdue, or the request does not get on: patience for the answer begins when the last of the request
   * has moved, a source has as much for each of its pieces, and a socket must take something every `idleMs`, and the floor's
   * bytes in the floor's time. Time in which the source is waited for is not the other side's.
   */
  check(now: number, patience: number, { idleMs, floor }: Bounds): WireError | null {
    if (this.taken) return now - this.#movedAt < patience ? null : new WireError('no-head', 'no answer')
    const left = this.sent - queuedBytes(this.#socket)
    if (left !== this.#left || this.#sender?.waitsFor === 'turn') this.#movedAt = now
    this.#left = left
    if (this.#sender?.waitsFor === 'turn') {
      this.#progress.restart(now, left)
      return null
    }
    if (this.waitsForSource) {
      this.#progress.restart(now, left)
      return now - this.#movedAt < patience
        ? null
        : new WireError('stalled', 'the body to be sent does not come')
    }
    if (!this.#progress.hasStalled(now, left, idleMs, floor)) return null
    return new WireError('stalled', 'the request does not move')
  }

  /** The next request cannot overwrite it: it is not begun before this one has been taken. */
  #writePiece(head: string, body: Buffer): void {
    this.#piece ??= Buffer.allocUnsafeSlow(onePiece)
    this.#piece.write(head, 0, 'latin1')
    body.copy(this.#piece, head.length)
    this.#socket.write(this.#piece.subarray(0, head.length + body.length))
  }
}

function slicesOf(bytes: Buffer): Readable {
  let at = 0
  return new Readable({
    highWaterMark: sliceBytes,
    read() {
      this.push(at < bytes.length ? bytes.subarray(at, at + sliceBytes) : null)
      at += sliceBytes
    },
  })
}
