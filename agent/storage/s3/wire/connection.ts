/**
 * One connection, one exchange at a time. States:
 *
 *   dialling  → idle as soon as it may be written to; gone where that fails or takes too long
 *   idle      nothing may come: whatever does, a byte or the end, ends it
 *   busy      a request has been begun on it, and its answer has not ended
 *   settling  its answer has, and only the word is missing that the system took the request: Node brings that a turn later
 *   gone      for good
 *
 * It goes back to idle only when nothing is left to doubt: the answer ended exactly where what was read ends, the system
 * had taken the whole request, and the server keeps it open. A server that answers before it has all of a request is
 * listened to and told no more.
 */
import type { OnReadOpts, Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import { retryAfterMs } from '../errors.ts'
import type { Lane } from '../lanes.ts'
import { AnswerParser } from './answer-parser.ts'
import { type Bounds, type Clock, Progress } from './bounds.ts'
import { dial, type Origin } from './dial.ts'
import type { Exchange, Line } from './exchange.ts'
import type { Framing } from './framing.ts'
import type { Head } from './head.ts'
import { Outgoing } from './outgoing.ts'
import { giveAway, leastRoom, letGo, type Slab, takeSlab } from './slab.ts'
import { broken, WireError } from './wire-error.ts'

export interface ConnectionOwner {
  readonly lane: Lane
  /** It can take an exchange. */
  ready(connection: Connection): void
  /**
   * It is gone. `again`: what must be sent anew on another, since the server had left before it came. `error`: why there
   * never was a connection.
   */
  lost(connection: Connection, again: Exchange | null, error: Error | null): void
}

/** What is read at once; over TLS, Node gives 16 KiB at a time. Pages that nothing comes into cost nothing. */
const slabBytes = { plain: 256 * 1024, secure: 128 * 1024 }

/** A longer request tells more of the link than of the server. */
const small = 64 * 1024

export class Connection implements Line {
  readonly closed: Promise<void>
  /** By the system's own clock. */
  idleSince = 0
  #state: 'dialling' | 'idle' | 'busy' | 'settling' | 'gone' = 'dialling'
  readonly #owner: ConnectionOwner
  readonly #clock: Clock
  readonly #socket: Socket
  readonly #parser: AnswerParser
  readonly #outgoing: Outgoing
  readonly #dialled: NodeJS.Timeout
  readonly #progress = new Progress()
  readonly #slabBytes: number
  #slab: Slab
  #exchange: Exchange | null = null
  /** The last that was begun on it, until the next is. */
  served: Exchange | null = null
  /** Whether Node has been told to read no more. */
  #paused = false
  /** Whether the endpoint's limit keeps the answer's body from coming. */
  #held = false
  /** Of this exchange: whether the server keeps the connection; when its answer began, or 0. */
  #keepAlive = false
  #headAt = 0
  #received = 0
  /** Bytes of the request that the lane has been told of. */
  #told = 0
  /** Whether it has served no exchange yet. */
  #fresh = true

  constructor(
    owner: ConnectionOwner,
    origin: Origin,
    context: SecureContext | null,
    clock: Clock,
    { connectMs }: Bounds,
  ) {
    this.#owner = owner
    this.#clock = clock
    this.#slabBytes = origin.secure ? slabBytes.secure : slabBytes.plain
    this.#slab = takeSlab(this.#slabBytes)
    this.#parser = new AnswerParser({
      onHead: (head, framing) => this.#onHead(head, framing),
      onData: (from, to) => this.#exchange?.onData(this.#slab, from, to),
    })
    const onread: OnReadOpts = { buffer: () => this.#room(), callback: (length) => this.#onRead(length) }
    const socket = dial(origin, context, onread, () => this.#onReady())
    this.#socket = socket
    this.#outgoing = new Outgoing(socket, {
      failed: (error) => this.#end(error),
      pay: (bytes, go) => this.#exchange?.pay(owner.lane.throttle, bytes, go) ?? true,
    })
    socket.on('error', (error) => this.#end(error))
    socket.on('end', () => this.#onEnd())
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#end(broken('the connection was closed'))
        resolve()
      })
    })
    const late = () => this.#end(new WireError('no-connection', `no connection within ${connectMs} ms`))
    this.#dialled = setTimeout(late, connectMs)
  }

  /** When idle. */
  start(exchange: Exchange): void {
    this.#state = 'busy'
    this.#exchange = this.served = exchange
    exchange.sentAt = performance.now()
    this.#keepAlive = this.#held = false
    this.#headAt = this.#told = 0
    this.#parser.begin(exchange.request.method)
    exchange.begin(this)
    this.#outgoing.begin(exchange, this.#clock.now())
  }

  resume(): void {
    if (!this.#paused || this.#held || this.#state !== 'busy') return
    this.#paused = false
    this.#progress.restart(this.#clock.now(), this.#received)
    this.#socket.resume()
  }

  abandon(): void {
    this.#end(broken('it was given up'))
  }

  /** Ends it, with an error for what is under way. */
  close(error: Error): void {
    this.#end(error)
  }

  /** Looks whether anything takes too long. */
  check(bounds: Bounds): void {
    const { idleMs, floor, spareMs } = bounds
    const exchange = this.#exchange
    const now = this.#clock.now()
    this.#tell()
    if (exchange === null) {
      // The server's time goes on while ours does not.
      const isOld = this.#state === 'idle' && performance.now() - this.idleSince >= spareMs
      if (isOld) this.#end(broken('nobody used it'))
    } else if (this.#headAt === 0) {
      const error = this.#outgoing.check(now, exchange.request.patience, bounds)
      if (error) {
        if (!this.#outgoing.waitsForSource) this.#owner.lane.slow(exchange.sentAt, null)
        this.#end(error)
      }
    } else if (!this.#paused) {
      const { limitMs } = exchange
      const least = limitMs === Number.POSITIVE_INFINITY ? floor : null
      const isLate =
        now - this.#headAt >= limitMs || this.#progress.hasStalled(now, this.#received, idleMs, least)
      if (isLate) {
        this.#owner.lane.slow(exchange.sentAt, null)
        this.#end(new WireError('stalled', 'the answer does not move'))
      }
    }
  }

  /** The lane counts what leaves as it comes and goes: of what is sent, a few times a second and at the end. */
  #tell(): void {
    const { sent } = this.#outgoing
    this.#owner.lane.moved += sent - this.#told
    this.#told = sent
  }

  #onReady(): void {
    clearTimeout(this.#dialled)
    if (this.#state === 'dialling') this.#beIdle()
  }

  #beIdle(): void {
    this.#state = 'idle'
    this.idleSince = performance.now()
    this.#owner.ready(this)
  }

  /** Where the next read goes. */
  #room(): Buffer {
    if (this.#slab.holders === 1) this.#slab.used = 0
    else if (this.#slab.bytes.length - this.#slab.used < leastRoom) {
      letGo(this.#slab)
      this.#slab = takeSlab(this.#slabBytes)
    }
    const { used, bytes } = this.#slab
    const { throttle } = this.#owner.lane
    if (throttle.limited) return bytes.subarray(used, used + Math.max(leastRoom, throttle.portion))
    return used === 0 ? bytes : bytes.subarray(used)
  }

  /** Bytes have come. False to hear of no more until `resume`, though over TLS some come all the same. */
  #onRead(length: number): boolean {
    const slab = this.#slab
    const to = slab.used + length
    const wasPaused = this.#paused
    this.#received += length
    this.#owner.lane.moved += length
    if (this.#state !== 'busy') {
      this.#end(broken('bytes that nobody asked for'))
      return true
    }
    this.#pay(length)
    let end = to
    try {
      end = this.#parser.feed(slab.bytes, slab.used, to)
    } catch (error) {
      this.#end(error as Error)
    }
    if (slab.holders > 1) slab.used = to
    if (this.#exchange !== null && this.#parser.over) this.#finish(end === to)
    this.#paused = this.#exchange !== null && (this.#held || this.#exchange.full)
    // What came all the same was the end: nobody is left to ask for more.
    if (wasPaused && !this.#paused) this.#socket.resume()
    return !this.#paused
  }

  /** What follows a request's body is short, and is not waited for. */
  #pay(bytes: number): void {
    const exchange = this.#exchange!
    const { throttle } = this.#owner.lane
    if (exchange.purse === null && !throttle.limited) return
    const go = () => {
      if (this.#exchange !== exchange) return
      this.#held = false
      if (!exchange.full) this.resume()
    }
    if (!exchange.pay(throttle, bytes, go) && exchange.length === 0) this.#held = true
  }

  #onHead(head: Head, framing: Framing): void {
    this.#headAt = this.#clock.now()
    this.#progress.restart(this.#headAt, this.#received)
    const { sent, done } = this.#outgoing
    this.#learn(head)
    this.#keepAlive = framing.keepAlive && done
    if (!done) this.#outgoing.stop()
    this.#exchange?.onHead(head, framing, sent)
  }

  /** What the answer says of how the endpoint fares. */
  #learn(head: Head): void {
    const { sentAt, traffic, length } = this.#exchange!
    const { lane } = this.#owner
    if (head.status === 503 || head.status === 429)
      lane.slow(sentAt, retryAfterMs(head.get('retry-after') ?? null))
    else if (traffic !== 'other' && length <= small) lane.answered(performance.now() - sentAt)
  }

  #onEnd(): void {
    if (this.#exchange === null) {
      this.#end(broken('the other side has ended it'))
      return
    }
    try {
      this.#parser.close()
    } catch (error) {
      this.#end(error as Error)
      return
    }
    this.#finish(false)
  }

  /** The answer is whole. `clean`: nothing came after it. */
  #finish(clean: boolean): void {
    const exchange = this.#exchange!
    this.#tell()
    const isSound = clean && this.#keepAlive && this.#outgoing.done
    this.#exchange = null
    this.#fresh = false
    if (isSound) this.#state = 'settling'
    else this.#end(broken('it cannot be used again'))
    exchange.end()
    if (!isSound) return
    if (this.#outgoing.taken) this.#beIdle()
    else setImmediate(() => this.#settle())
  }

  #settle(): void {
    if (this.#state !== 'settling') return
    if (this.#outgoing.taken) this.#beIdle()
    else this.#end(broken('it was answered before it had all of the request'))
  }

  /** The one way out. */
  #end(error: Error): void {
    if (this.#state === 'gone') return
    this.#tell()
    const wasDialling = this.#state === 'dialling'
    const exchange = this.#exchange
    const again = exchange !== null && this.#hadLeft(exchange, error) ? exchange : null
    this.#state = 'gone'
    this.#exchange = null
    clearTimeout(this.#dialled)
    // Node may be in the middle of a read: nobody else may get this memory.
    giveAway(this.#slab)
    this.#socket.destroy()
    this.#outgoing.stop()
    again?.again()
    this.#owner.lost(this, again, wasDialling ? error : null)
    if (again === null) exchange?.fail(error)
  }

  /** Whether the server had closed a kept connection before this request came to it, so that it can go to another. */
  #hadLeft(exchange: Exchange, error: Error): boolean {
    if (this.#fresh || this.#parser.begun || exchange.over || !exchange.repeatable) return false
    return !(error instanceof WireError) || error.fault === 'broken'
  }
}
