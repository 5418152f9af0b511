/**
 * One answer after the other out of the bytes of a connection, however they are cut into pieces. States:
 *
 *   head    until the empty line; interim answers (1xx) are skipped, within the same bound
 *   length  `left` bytes of body to come
 *   chunks  a chunked body
 *   close   a body that ends with the connection
 *   over    until `begin`
 *
 * It copies nothing: pieces of the body are told by their place in the buffer that they came in.
 */
import { Chunks } from './chunks.ts'
import { endAtClose, type Framing, framingOf } from './framing.ts'
import { Head } from './head.ts'
import { broken, malformed, WireError } from './wire-error.ts'

/** Of one head and of all interim answers before it together. */
export const longestHead = 64 * 1024
const mostInterim = 16

export interface AnswerEvents {
  /** Of the final answer. Before this returns no other event comes. */
  onHead(head: Head, framing: Framing): void
  /** Bytes `from` to `to` of what is being fed. */
  onData(from: number, to: number): void
}

const emptyLine = Buffer.from('\r\n\r\n')
const greeting = 'HTTP/1.'

export class AnswerParser {
  readonly #events: AnswerEvents
  #state: 'head' | 'length' | 'chunks' | 'close' | 'over' = 'over'
  #method = ''
  /** The beginning of a head whose rest has not come yet. */
  #partial: Buffer | null = null
  #partialLength = 0
  #headBytes = 0
  #interim = 0
  #status = 0
  #left = 0
  #chunks: Chunks | null = null
  #begun = false
  readonly #onData = (from: number, to: number) => this.#events.onData(from, to)

  constructor(events: AnswerEvents) {
    this.#events = events
  }

  /** Expects the answer to a request of this method. */
  begin(method: string): void {
    this.#state = 'head'
    this.#method = method
    this.#headBytes = 0
    this.#interim = 0
    this.#begun = false
  }

  get over(): boolean {
    return this.#state === 'over'
  }

  /** Whether any byte of the answer has come. */
  get begun(): boolean {
    return this.#begun
  }

  /** Takes the bytes and returns where it stopped: `to`, or the end of the answer, with `over` true. Throws `WireError`s. */
  feed(bytes: Buffer, from: number, to: number): number {
    let at = from
    if (at < to) this.#begun = true
    while (this.#state === 'head' && at < to) at = this.#head(bytes, at, to)
    if (at === to) return at
    switch (this.#state) {
      case 'length': {
        const end = Math.min(at + this.#left, to)
        this.#left -= end - at
        if (this.#left === 0) this.#state = 'over'
        this.#events.onData(at, end)
        return end
      }
      case 'chunks':
        at = this.#chunks!.feed(bytes, at, to, this.#onData)
        if (this.#chunks!.over) this.#state = 'over'
        return at
      case 'close':
        this.#events.onData(at, to)
        return to
      case 'over':
      case 'head':
        return at
      default:
        return this.#state satisfies never
    }
  }

  /** The other side has ended the connection. Throws where that does not end the answer. */
  close(): void {
    if (this.#state === 'close') {
      endAtClose(this.#status)
      this.#state = 'over'
    }
    if (this.#state !== 'over') throw broken('the connection ended before the answer did')
  }

  #head(bytes: Buffer, from: number, to: number): number {
    let end: number
    let text: string
    if (this.#partial === null) {
      const found = bytes.indexOf(emptyLine, from)
      // What lies behind `to` is left from earlier reads.
      if (found < 0 || found + 4 > to) {
        this.#partial = Buffer.allocUnsafe(longestHead)
        this.#keep(bytes, from, to)
        this.#greeted()
        return to
      }
      end = found + 4
      text = bytes.toString('latin1', from, end)
    } else {
      const before = this.#partialLength
      this.#keep(bytes, from, to)
      const found = this.#partial.subarray(0, this.#partialLength).indexOf(emptyLine, Math.max(0, before - 3))
      if (found < 0) {
        this.#greeted()
        return to
      }
      end = from + found + 4 - before
      text = this.#partial.toString('latin1', 0, found + 4)
      this.#partial = null
    }
    this.#partialLength = 0
    this.#headBytes += text.length
    if (this.#headBytes > longestHead) throw tooLong()
    this.#understand(new Head(text))
    return end
  }

  /** What cannot become a status line is told from one at once, and not when patience ends. */
  #greeted(): void {
    const length = Math.min(this.#partialLength, greeting.length)
    if (this.#partial!.toString('latin1', 0, length) !== greeting.slice(0, length))
      throw malformed('no status line')
  }

  /** As much of what may still be head as the bound allows, in case its end is among it. */
  #keep(bytes: Buffer, from: number, to: number): void {
    const room = longestHead - this.#partialLength
    const kept = Math.min(to - from, room)
    bytes.copy(this.#partial!, this.#partialLength, from, from + kept)
    this.#partialLength += kept
    if (kept < to - from && this.#partial!.indexOf(emptyLine) < 0) throw tooLong()
  }

  #understand(head: Head): void {
    if (head.status < 200 && head.status !== 101) {
      if (++this.#interim > mostInterim) throw malformed('interim answers without end')
      return
    }
    const framing = framingOf(head, this.#method)
    this.#status = head.status
    this.#left = framing.length
    if (framing.ends === 'at-close') this.#state = 'close'
    else if (framing.ends === 'in-chunks') {
      this.#chunks = new Chunks()
      this.#state = 'chunks'
    } else this.#state = framing.length === 0 ? 'over' : 'length'
    this.#events.onHead(head, framing)
  }
}

const tooLong = () => new WireError('head-too-long', `a head of more than ${longestHead} bytes`)
