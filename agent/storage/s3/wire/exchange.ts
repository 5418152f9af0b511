/**
 * One request and what becomes of it. States: waiting (for a connection) → going (on one) → over, which is set once: by
 * the answer's end, by an error, by the signal, or by whoever wants no more of it.
 *
 * Its connection tells it what comes; how the answer reaches its reader is for the two kinds of it (whole.ts, streamed.ts).
 */
import { Readable } from 'node:stream'
import type { Purse } from '../../purse.ts'
import type { Throttle } from '../../throttle.ts'
import { Aborted, type HttpRequest } from '../http.ts'
import { type Entrant, type Traffic, trafficOf } from '../lanes.ts'
import type { Listening } from './aborts.ts'
import type { Framing } from './framing.ts'
import type { Head } from './head.ts'
import { bodyLength, requestHead } from './request-head.ts'
import type { Slab } from './slab.ts'

/** What an exchange may ask of the connection that it is on. */
export interface Line {
  /** Goes on reading where `full` was true before. */
  resume(): void
  /** Ends the connection: nobody waits for what it still has to say. */
  abandon(): void
}

/** A body that is larger goes out in pieces where its endpoint has a limit. */
export const sliceBytes = 64 * 1024

export abstract class Exchange implements Entrant {
  readonly request: HttpRequest
  /** As it goes over the wire. */
  readonly head: string
  /** Bytes of the request's body. */
  readonly length: number
  readonly traffic: Traffic
  /** Whether its endpoint's lane counts it. */
  admitted = false
  purse: Purse | null = null
  /** By `performance.now()`; the last time, where it was sent twice. */
  sentAt = 0
  /** Those that its signal ends, and where among them it is. */
  listening: Listening | null = null
  place = -1
  over = false
  /** Whether it has been sent before, to a server that had just gone. */
  repeated = false
  protected line: Line | null = null
  #leave: ((waited: boolean) => void) | null = null

  /** `host`: as the origin names it. Throws for a request that cannot be made. */
  constructor(request: HttpRequest, host: string) {
    this.request = request
    this.head = requestHead(request, host)
    this.length = bodyLength(request.headers, request.body)
    this.traffic = trafficOf(request.method, request.path)
    // It may break while nobody looks at it.
    if (request.body instanceof Readable) request.body.on('error', () => {})
  }

  /** `leave`: called when it is over, however that came; `waited` where it had no connection. */
  enter(leave: (waited: boolean) => void): void {
    this.#leave = leave
  }

  begin(line: Line): void {
    this.line = line
  }

  /** What leaves with it at once, head included. */
  get paid(): number {
    const isWhole = !(this.request.body instanceof Readable) && this.length <= sliceBytes
    return this.head.length + (isWhole ? this.length : 0)
  }

  /** Bytes of it have passed. False: no more should before `go` is called. */
  pay(throttle: Throttle, bytes: number, go: () => void): boolean {
    if (this.purse === null) {
      if (!throttle.limited) return true
      this.purse = throttle.purse()
    }
    return this.purse.pass(bytes, go)
  }

  /** The connection is gone before it gave anything of an answer. */
  again(): void {
    this.line = null
    this.repeated = true
  }

  /**
   * Whether sending it twice is the same as sending it once, and whether it can be. A write under a condition is not: the
   * server that had it and left would find the condition broken by the first.
   */
  get repeatable(): boolean {
    const { method, headers, body } = this.request
    if (this.repeated || this.request.once || (body !== null && !Buffer.isBuffer(body))) return false
    if (method === 'GET' || method === 'HEAD') return true
    return method !== 'POST' && headers['if-match'] === undefined && headers['if-none-match'] === undefined
  }

  /** Longest time from the answer's head to its end; the floor of progress is for those that have none. */
  abstract get limitMs(): number
  /** Whether its reader wants a pause. */
  abstract get full(): boolean
  /** `sent`: bytes of the request's body that were on their way. */
  abstract onHead(head: Head, framing: Framing, sent: number): void
  /** `slab.bytes` from `from` to `to`, which must be held, given away or copied before this returns. */
  abstract onData(slab: Slab, from: number, to: number): void
  protected abstract onEnd(): void
  protected abstract onFail(error: Error): void

  /** The whole answer has come; the connection has been given back. */
  end(): void {
    if (this.over) return
    this.#close()
    this.onEnd()
  }

  /** Nothing more will come. Whoever calls it sees to the connection. */
  fail(thrown: unknown): void {
    if (this.over) return
    this.#close()
    const { body, fault } = this.request
    if (body instanceof Readable) body.destroy()
    this.onFail(fault(thrown))
  }

  /** Gives it up, with its connection. */
  abort(thrown: unknown = new Aborted()): void {
    if (this.over) return
    const line = this.line
    this.fail(thrown)
    line?.abandon()
  }

  #close(): void {
    const waited = this.line === null
    this.over = true
    this.line = null
    this.#leave?.(waited)
  }
}
