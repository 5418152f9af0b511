/**
 * A small HTTP/1.1 client over sockets of our own, for the two requests an object that a copy is made of. It is strict: it
 * takes the answers that it understands and breaks the connection over everything else; it never uses a connection again
 * that it is not sure of; and no exchange can last for ever, however little the other side does (bounds.ts).
 *
 *   send   the answer's body is a stream; one that is the body of another `send` goes from socket to socket
 *   whole  for small answers: they are buffers
 *
 * Source and destination have a wire each: bodies that wait for a connection to be sent on would else hold those that they wait for.
 *
 * No proxies, no redirects, no decompression, no pipelining. A request that meets a connection which the server had just closed
 * is sent once more on a new one where that is safe, and fails otherwise with an error that says `now`.
 */
import { createSecureContext } from 'node:tls'
import type { Http, HttpOptions, HttpRequest } from '../http.ts'
import { openLanes } from '../lanes.ts'
import { Aborts } from './aborts.ts'
import { type Bounds, Clock, tickMs, usualBounds } from './bounds.ts'
import { parseOrigin } from './dial.ts'
import type { Exchange } from './exchange.ts'
import { Pool } from './pool.ts'
import { StreamedExchange, type StreamedResponse } from './streamed.ts'
import { WholeExchange, type WholeResponse } from './whole.ts'
import { WireError } from './wire-error.ts'

export interface WireOptions extends HttpOptions {
  /** For tests, mostly; `bodyIdleMs` is the `idleMs` of these. */
  readonly bounds?: Partial<Bounds>
}

export interface Wire extends Http {
  send(request: HttpRequest): Promise<StreamedResponse>
  /**
   * The answer with its whole body, of at most `most` bytes: a longer one is an error where it is a success, else cut. The
   * request's body may be anything.
   */
  whole(request: HttpRequest, most: number): Promise<WholeResponse>
  /** Open connections, those being made included. */
  readonly connections: number
}

export function openWire(options: WireOptions): Wire {
  const idle = options.bodyIdleMs === undefined ? {} : { idleMs: options.bodyIdleMs }
  const bounds: Bounds = { ...usualBounds, ...idle, ...options.bounds }
  // One for all connections: to read the authorities' certificates costs more than a handshake.
  const context = createSecureContext(options.authorities ? { ca: options.authorities } : {})
  const pools = new Map<string, Pool>()
  const lanes = options.lanes ?? openLanes({ most: options.connections })
  const aborts = new Aborts()
  const closed = new WireError('closed', 'the wire was closed')
  let isClosed = false
  const clock = new Clock(tickMs(bounds))
  let ticking: NodeJS.Timeout | null = null

  const tick = () => {
    clock.tick(false)
    for (const pool of pools.values()) pool.check()
    aborts.sweep()
    if ([...pools.values()].every((pool) => pool.isQuiet)) stop()
  }
  const start = () => {
    clock.tick(true)
    ticking = setInterval(tick, tickMs(bounds)).unref()
  }
  const stop = () => {
    if (ticking) clearInterval(ticking)
    ticking = null
  }

  const count = () => {
    let all = 0
    for (const pool of pools.values()) all += pool.size
    return all
  }

  const poolOf = ({ origin, endpoint }: HttpRequest): Pool => {
    let pool = pools.get(origin)
    if (!pool) {
      pool = new Pool(
        parseOrigin(origin),
        lanes.of(origin, endpoint),
        context,
        options.connections,
        clock,
        bounds,
      )
      pools.set(origin, pool)
    }
    return pool
  }

  function submit(exchange: Exchange, pool: Pool): void {
    exchange.enter((waited) => {
      aborts.delete(exchange)
      if (waited) pool.leave(exchange)
    })
    if (isClosed) {
      exchange.fail(closed)
      return
    }
    if (exchange.request.signal.aborted) {
      exchange.abort()
      return
    }
    aborts.add(exchange)
    if (ticking === null) start()
    pool.submit(exchange)
  }

  /** Fails as the request says where it cannot be made at all. */
  function begin<Response>(
    request: HttpRequest,
    make: (pool: Pool, resolve: (response: Response) => void, reject: (error: Error) => void) => Exchange,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      let pool: Pool
      let exchange: Exchange
      try {
        pool = poolOf(request)
        exchange = make(pool, resolve, reject)
      } catch (error) {
        if (request.body && 'destroy' in request.body) request.body.on('error', () => {}).destroy()
        return reject(request.fault(error))
      }
      submit(exchange, pool)
    })
  }

  return {
    send: (request) =>
      begin(
        request,
        (pool, resolve, reject) => new StreamedExchange(request, pool.origin.header, resolve, reject),
      ),
    whole: (request, most) =>
      begin(
        request,
        (pool, resolve, reject) =>
          new WholeExchange(request, pool.origin.header, most, bounds.refusalMs, resolve, reject),
      ),
    get connections() {
      return count()
    },
    async close() {
      isClosed = true
      stop()
      await Promise.all([...pools.values()].map((pool) => pool.close(closed)))
      aborts.sweep()
    },
  }
}
