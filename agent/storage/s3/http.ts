/**
 * The wire: one function that sends a request and gives the answer's head and body. Everything that Dray says to an S3
 * server goes through it, so that it can be replaced (by raw sockets, say) without anybody noticing.
 *
 * It sends the path byte for byte as given, follows no redirect, decompresses nothing, and bounds every wait: for a
 * connection, for the head of the answer, between two pieces of a body. A body is over only when it is whole; one that
 * breaks off ends in an error, and a body that is destroyed gives up its connection at once.
 */
import { Readable } from 'node:stream'
import { type Dispatcher, Pool } from 'undici'

export interface HttpRequest {
  /** `https://host:port`. */
  readonly origin: string
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  /** Path and query, ASCII, already escaped. */
  readonly path: string
  /** Lower-case names; values are byte strings. With a stream as body, `content-length` must be among them. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | Readable | null
  readonly signal: AbortSignal
  /** Milliseconds to wait for the head of the answer once the request is sent. */
  readonly patience: number
  /** Makes of whatever went wrong the error that `send` rejects with, or that the answer's body ends with. */
  readonly fault: (error: unknown) => Error
}

export interface HttpResponse {
  readonly status: number
  /** Lower-case names; values are byte strings, several of one name joined by `, `. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** Whoever gets it must consume or destroy it. */
  readonly body: Readable
  /** Bytes of the request's body that were on their way when the answer began. */
  readonly sent: number
}

export interface Http {
  send(request: HttpRequest): Promise<HttpResponse>
  /** Ends what is under way, with errors. */
  close(): Promise<void>
}

/** What `fault` is given where the request's signal ended it. */
export class Aborted extends Error {}

const connectMs = 10_000
/** Longest silence within an answer's body. */
const bodyIdleMs = 60_000
/** A page of memory a connection: enough to keep a fast link busy while the other side is written to. */
const readAhead = 256 * 1024

export interface HttpOptions {
  /** Most at once to one origin. */
  readonly connections: number
  /** Certificates to trust, in PEM; null for the usual authorities. */
  readonly authorities?: Buffer | null
  readonly bodyIdleMs?: number
}

export function openHttp(options: HttpOptions): Http {
  const pools = new Map<string, Pool>()
  const poolOf = (origin: string) => {
    let pool = pools.get(origin)
    if (!pool) {
      pool = new Pool(origin, {
        connections: options.connections,
        pipelining: 1,
        allowH2: false,
        connectTimeout: connectMs,
        bodyTimeout: options.bodyIdleMs ?? bodyIdleMs,
        maxHeaderSize: 64 * 1024,
        ...(options.authorities && { connect: { ca: options.authorities, timeout: connectMs } }),
      })
      pools.set(origin, pool)
    }
    return pool
  }
  return {
    send: (request) =>
      new Promise((resolve, reject) => {
        const exchange = new Exchange(request, resolve, reject)
        if (exchange.over) return
        try {
          poolOf(request.origin).dispatch(
            {
              path: request.path,
              method: request.method,
              headers: request.headers as Record<string, string>,
              body: request.body,
              headersTimeout: request.patience,
              // undici closes after each HEAD for the sake of servers that answer one with a body; S3 servers do not.
              reset: false,
            },
            exchange,
          )
        } catch (error) {
          exchange.onResponseError(null, error as Error)
        }
      }),
    close: async () => {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()))
    },
  }
}

/**
 * One request and its answer. States: waiting (for a connection, then for the head) → reading (the body is the
 * consumer's) → over. `over` is set once, by the answer's end, by an error, by the signal or by the consumer.
 */
class Exchange implements Dispatcher.DispatchHandler {
  over = false
  readonly #request: HttpRequest
  readonly #resolve: (response: HttpResponse) => void
  readonly #reject: (error: Error) => void
  #controller: Dispatcher.DispatchController | null = null
  #body: ResponseBody | null = null
  #sent = 0

  constructor(
    request: HttpRequest,
    resolve: (response: HttpResponse) => void,
    reject: (error: Error) => void,
  ) {
    this.#request = request
    this.#resolve = resolve
    this.#reject = reject
    if (request.signal.aborted) this.#onAbort()
    else request.signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.over) controller.abort(new Aborted())
  }

  onBodySent(chunk: Buffer): void {
    this.#sent += chunk.length
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200 || this.over) return
    for (const name in headers) {
      const value = headers[name]
      if (Array.isArray(value)) headers[name] = value.join(', ')
    }
    this.#body = new ResponseBody(controller, () => this.#end())
    this.#resolve({
      status,
      headers: headers as Record<string, string>,
      body: this.#body,
      sent: this.#sent,
    })
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.over && this.#body?.push(chunk) === false) controller.pause()
  }

  onResponseEnd(): void {
    if (this.over) return
    this.#end()
    this.#body?.finish()
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    if (this.over) return
    this.#end()
    this.#fail(error)
  }

  readonly #onAbort = (): void => {
    if (this.over) return
    this.#end()
    this.#fail(new Aborted())
    this.#controller?.abort(new Aborted())
  }

  #fail(error: Error): void {
    const fault = this.#request.fault(error)
    if (this.#body) this.#body.destroy(fault)
    else this.#reject(fault)
  }

  #end(): void {
    this.over = true
    this.#request.signal.removeEventListener('abort', this.#onAbort)
  }
}

class ResponseBody extends Readable {
  readonly #controller: Dispatcher.DispatchController
  readonly #abandoned: () => void
  #whole = false

  constructor(controller: Dispatcher.DispatchController, abandoned: () => void) {
    super({ highWaterMark: readAhead })
    this.#controller = controller
    this.#abandoned = abandoned
    // It may break before its consumer has come; whoever comes then still meets the error.
    this.on('error', () => {})
  }

  /** The last byte has come. */
  finish(): void {
    this.#whole = true
    this.push(null)
  }

  override _read(): void {
    this.#controller.resume()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (!this.#whole) {
      this.#abandoned()
      this.#controller.abort(new Aborted())
    }
    callback(error)
  }
}
