/**
 * The connections to one origin. A request first waits until the endpoint's lane lets it go, which counts it until its
 * connection is free again. Whoever asks first is served first, by whichever connection is free first; there are never
 * more than `connections`, those that are being made included, and no more are made than requests wait for.
 */
import type { SecureContext } from 'node:tls'
import type { Lane, Queue, Traffic } from '../lanes.ts'
import type { Bounds, Clock } from './bounds.ts'
import { Connection, type ConnectionOwner } from './connection.ts'
import type { Origin } from './dial.ts'
import type { Exchange } from './exchange.ts'
import type { WireError } from './wire-error.ts'

export class Pool implements ConnectionOwner, Queue {
  readonly origin: Origin
  readonly lane: Lane
  readonly #context: SecureContext | null
  readonly #connections: number
  readonly #clock: Clock
  readonly #bounds: Bounds
  readonly #all = new Set<Connection>()
  /** The one used last is used next, so that the others grow old. */
  readonly #idle: Connection[] = []
  /** For a connection. */
  readonly #waiting: Exchange[] = []
  /** For the lane. */
  readonly #queued: Record<Traffic, Exchange[]> = { read: [], write: [], other: [] }
  /** Being made; for those that must not go on a used connection, which one. */
  readonly #dialling = new Map<Connection, Exchange | null>()

  constructor(
    origin: Origin,
    lane: Lane,
    context: SecureContext | null,
    connections: number,
    clock: Clock,
    bounds: Bounds,
  ) {
    this.origin = origin
    this.lane = lane.join()
    this.#context = context
    this.#connections = connections
    this.#clock = clock
    this.#bounds = bounds
  }

  get size(): number {
    return this.#all.size
  }

  /** Whether it has neither connections nor anybody who waits for one, or for the lane. */
  get isQuiet(): boolean {
    if (this.#all.size > 0 || this.#waiting.length > 0) return false
    return Object.values(this.#queued).every((queue) => queue.length === 0)
  }

  submit(exchange: Exchange): void {
    const { traffic } = exchange
    const queue = this.#queued[traffic]
    if (queue.length === 0 && this.lane.admit(exchange)) {
      this.#begin(exchange)
      return
    }
    queue.push(exchange)
    this.lane.wait(traffic, this)
  }

  proceed(traffic: Traffic): boolean {
    const queue = this.#queued[traffic]
    if (queue.length > 0 && this.lane.admit(queue[0]!)) this.#begin(queue.shift()!)
    return queue.length > 0
  }

  #begin(exchange: Exchange): void {
    exchange.admitted = true
    const free = this.#waiting.length === 0 ? this.#takeIdle() : null
    if (free) {
      free.start(exchange)
      return
    }
    this.#waiting.push(exchange)
    this.#grow()
  }

  /** It waits no longer, if it did. */
  leave(exchange: Exchange): void {
    if (exchange.admitted) this.#release(exchange)
    else {
      const queue = this.#queued[exchange.traffic]
      const at = queue.indexOf(exchange)
      if (at >= 0) queue.splice(at, 1)
      return
    }
    const at = this.#waiting.indexOf(exchange)
    if (at >= 0) this.#waiting.splice(at, 1)
  }

  ready(connection: Connection): void {
    const { served } = connection
    const meant = this.#dialling.get(connection)
    this.#dialling.delete(connection)
    const next = meant && !meant.over ? meant : this.#waiting.shift()
    if (next) connection.start(next)
    else this.#idle.push(connection)
    if (served) this.#release(served)
  }

  #release(exchange: Exchange): void {
    if (!exchange.admitted) return
    exchange.admitted = false
    exchange.purse?.close()
    this.lane.release(exchange.traffic)
  }

  lost(connection: Connection, again: Exchange | null, error: Error | null): void {
    this.#all.delete(connection)
    const at = this.#idle.indexOf(connection)
    if (at >= 0) this.#idle.splice(at, 1)
    const meant = this.#dialling.get(connection)
    this.#dialling.delete(connection)
    if (error) {
      const unlucky = meant && !meant.over ? meant : this.#waiting.shift()
      unlucky?.fail(error)
    }
    if (again) this.#dial(again)
    else if (connection.served) this.#release(connection.served)
    this.#grow()
  }

  /** Looks whether anything takes too long. */
  check(): void {
    for (const connection of [...this.#all]) connection.check(this.#bounds)
    this.lane.look()
  }

  async close(error: WireError): Promise<void> {
    for (const queue of Object.values(this.#queued))
      for (const exchange of queue.splice(0)) exchange.fail(error)
    for (const exchange of this.#waiting.splice(0)) exchange.fail(error)
    for (const exchange of this.#dialling.values()) exchange?.fail(error)
    await Promise.all(
      [...this.#all].map((connection) => {
        connection.close(error)
        return connection.closed
      }),
    )
    this.lane.leave()
  }

  /** The system may have been asleep, or we too busy to look: the age of a connection is asked again before it is used. */
  #takeIdle(): Connection | null {
    const connection = this.#idle.at(-1)
    if (!connection) return null
    connection.check(this.#bounds)
    if (this.#idle.at(-1) === connection) return this.#idle.pop()!
    return this.#takeIdle()
  }

  #grow(): void {
    while (this.#dialling.size < this.#waiting.length && this.#all.size < this.#connections) this.#dial(null)
  }

  #dial(meant: Exchange | null): void {
    const connection = new Connection(this, this.origin, this.#context, this.#clock, this.#bounds)
    this.#all.add(connection)
    this.#dialling.set(connection, meant)
  }
}
