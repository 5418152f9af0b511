/**
 * Sends the body of one answer as the body of another request: from socket to socket, without a stream between and
 * without a copy. What comes lies in slabs; one write at a time takes all that has come since the last, as one piece
 * where it lies in one. A slab is held until the write that takes from it has been called back: on TLS, Node goes on reading
 * after it was told to stop, and would overwrite what a pending write still needs.
 *
 * As every sender it holds the bytes that complete the body back until the source has ended well.
 */
import type { Socket } from 'node:net'
import { type Sender, type SenderEvents, tooLittle, tooMuch } from './sender.ts'
import { hold, letGo, type Slab } from './slab.ts'
import type { BodyTarget, WireBody } from './wire-body.ts'

/** Read and not yet written: above the first the source is told to pause, at the second it goes on. */
const most = 512 * 1024
const few = 256 * 1024

/** Bytes `from` to `to` of a slab. */
interface Piece {
  readonly slab: Slab
  readonly from: number
  to: number
}

export class PumpSender implements Sender, BodyTarget {
  sent = 0
  readonly #source: WireBody
  readonly #socket: Socket
  readonly #length: number
  readonly #events: SenderEvents
  /** In the order in which they came. */
  readonly #pieces: Piece[] = []
  #got = 0
  #waiting = 0
  #writing = false
  /** The endpoint's limit is used up. */
  #isHeld = false
  #ended = false
  #over = false

  constructor(source: WireBody, socket: Socket, length: number, events: SenderEvents) {
    this.#source = source
    this.#socket = socket
    this.#length = length
    this.#events = events
  }

  get waitsFor(): Sender['waitsFor'] {
    if (this.#over) return 'nothing'
    if (this.#isHeld) return 'turn'
    return this.#writing ? 'socket' : 'source'
  }

  get full(): boolean {
    return this.#waiting >= most
  }

  /** Pieces that must wait for the source's end: the last, which is no more than a slab, so that the source is not told to wait meanwhile. */
  get #held(): number {
    return this.#got === this.#length && !this.#ended ? 1 : 0
  }

  begin(): void {
    this.#source.pumpTo(this)
  }

  drained(): void {}

  data(slab: Slab, from: number, to: number): void {
    if (this.#over) return
    this.#got += to - from
    if (this.#got > this.#length) {
      this.fail(tooMuch(this.#length))
      return
    }
    this.#waiting += to - from
    const last = this.#pieces.at(-1)
    if (last !== undefined && last.slab === slab && last.to === from) last.to = to
    else {
      hold(slab)
      this.#pieces.push({ slab, from, to })
    }
    this.#write()
  }

  end(): void {
    if (this.#over) return
    if (this.#got < this.#length) {
      this.fail(tooLittle(this.#got, this.#length))
      return
    }
    this.#ended = true
    if (this.#length === 0) this.#over = true
    else this.#write()
  }

  fail(error: Error): void {
    if (this.#over) return
    this.stop()
    this.#events.failed(error)
  }

  stop(): void {
    if (this.#over) return
    this.#over = true
    for (const { slab } of this.#pieces.splice(0)) letGo(slab)
    this.#source.destroy()
  }

  readonly #turn = (): void => {
    this.#isHeld = false
    if (!this.#over) this.#write()
  }

  #write(): void {
    if (this.#writing || this.#isHeld || this.#pieces.length <= this.#held) return
    const piece = this.#pieces.shift()!
    this.#writing = true
    const { slab, from, to } = piece
    const size = to - from
    this.sent += size
    if (this.sent === this.#length) this.#over = true
    this.#isHeld = !this.#events.pay(size, this.#turn)
    this.#socket.write(slab.bytes.subarray(from, to), () => {
      letGo(slab)
      this.#writing = false
      this.#waiting -= size
      if (this.#over) return
      this.#write()
      if (this.#waiting <= few && !this.#ended) this.#source.goOn()
    })
  }
}
