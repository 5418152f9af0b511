/**
 * Requests through an HTTP proxy, with undici: a tunnel (CONNECT) to a server that speaks TLS, else the proxy's own requests.
 * Slower than the wire, and for nothing but this.
 */
import { createRequire } from 'node:module'
import { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import type { Purse } from '../purse.ts'
import { Throttle } from '../throttle.ts'
import { collect, TooLong, Withheld } from './body.ts'
import {
  Aborted,
  type Http,
  type HttpOptions,
  type HttpRequest,
  type HttpResponse,
  type ResponseHead,
} from './http.ts'
import { trafficOf } from './lanes.ts'

const connectMs = 10_000
/** Longest silence within an answer's body. */
const bodyIdleMs = 60_000
/** A page of memory a connection: enough to keep a fast link busy while the other side is written to. */
const readAhead = 256 * 1024

/** `proxy`: its address, which may hold a name and a password. */
export function openProxiedHttp(options: HttpOptions, proxy: string): Http {
  // A hundred modules that only those behind a proxy need.
  const { ProxyAgent } = createRequire(import.meta.url)('undici') as typeof import('undici')
  const agent = new ProxyAgent({
    uri: proxy,
    connections: options.connections,
    pipelining: 1,
    allowH2: false,
    connectTimeout: connectMs,
    bodyTimeout: options.bodyIdleMs ?? bodyIdleMs,
    maxHeaderSize: 64 * 1024,
    ...(options.authorities && {
      requestTls: { ca: options.authorities },
      proxyTls: { ca: options.authorities },
    }),
  })
  const free = new Throttle(() => {})

  async function send(request: HttpRequest): Promise<HttpResponse> {
    const { method, path, origin, endpoint = origin, signal } = request
    const throttle = options.lanes?.throttles.of(endpoint) ?? free
    if (!throttle.limited) return dispatch(request, throttle, null)
    const paid = Buffer.isBuffer(request.body) ? request.body.length : 0
    const purse = await throttle.entered(trafficOf(method, path), paid, signal).catch(() => {
      if (request.body instanceof Readable) request.body.destroy()
      throw request.fault(new Aborted())
    })
    return dispatch(request, throttle, purse)
  }

  const dispatch = (request: HttpRequest, throttle: Throttle, purse: Purse | null): Promise<HttpResponse> =>
    new Promise((resolve, reject) => {
      const body = whole(request, purse)
      const exchange = new Exchange(request, body, throttle, purse, resolve, reject)
      if (exchange.over) return
      try {
        agent.dispatch(
          {
            origin: request.origin,
            path: request.path,
            method: request.method,
            headers: request.headers as Record<string, string>,
            body,
            headersTimeout: request.patience,
            // undici closes after each HEAD for the sake of servers that answer one with a body; S3 servers do not.
            reset: false,
          },
          exchange,
        )
      } catch (error) {
        exchange.onResponseError(null, error as Error)
      }
    })
  return {
    send,
    async whole(request, most) {
      const { head, status, headers, body, sent } = await send(request)
      const bytes = await collect(body, most).catch((error) => {
        if (status >= 300) return nothing
        throw error instanceof TooLong ? request.fault(new TooLongAnswer(most)) : error
      })
      return { head, status, headers, body: bytes, sent }
    },
    close: () => agent.destroy(),
  }
}

const nothing = Buffer.alloc(0)

/** The last byte of a stream goes out only when the stream has ended well. */
function whole({ body, headers, signal }: HttpRequest, purse: Purse | null): Buffer | Readable | null {
  if (!(body instanceof Readable)) return body
  const source = purse ? Readable.from(paced(body, purse, signal), { objectMode: false }) : body
  return new Withheld(source, Number(headers['content-length']))
}

/** As fast as the endpoint's limit allows. */
async function* paced(body: Readable, purse: Purse, signal: AbortSignal): AsyncGenerator<Buffer> {
  for await (const chunk of body as AsyncIterable<Buffer>) {
    await purse.passed(chunk.length, signal)
    yield chunk
  }
}

class TooLongAnswer extends Error {
  readonly code = 'UND_ERR_RES_EXCEEDED_MAX_SIZE'

  constructor(most: number) {
    super(`an answer of more than ${most} bytes`)
  }
}

/** Headers as undici gives them: all of them, read already. */
class ReadHead implements ResponseHead {
  readonly status: number
  readonly object: Readonly<Record<string, string | undefined>>

  constructor(status: number, object: Readonly<Record<string, string | undefined>>) {
    this.status = status
    this.object = object
  }

  get(name: string): string | undefined {
    return this.object[name]
  }

  get names(): readonly string[] {
    return Object.keys(this.object)
  }

  valueAt(place: number): string {
    return this.object[this.names[place]!]!
  }
}

/**
 * One request and its answer. States: waiting (for a connection, then for the head) → reading (the body is the
 * consumer's) → over. `over` is set once, by the answer's end, by an error, by the signal or by the consumer.
 */
class Exchange implements Dispatcher.DispatchHandler {
  over = false
  readonly #request: HttpRequest
  readonly #sending: HttpRequest['body']
  readonly #throttle: Throttle
  #purse: Purse | null
  #isHeld = false
  readonly #resolve: (response: HttpResponse) => void
  readonly #reject: (error: Error) => void
  #controller: Dispatcher.DispatchController | null = null
  #body: ResponseBody | null = null
  #sent = 0

  constructor(
    request: HttpRequest,
    sending: HttpRequest['body'],
    throttle: Throttle,
    purse: Purse | null,
    resolve: (response: HttpResponse) => void,
    reject: (error: Error) => void,
  ) {
    this.#request = request
    this.#sending = sending
    this.#throttle = throttle
    this.#purse = purse
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
    this.#body = new ResponseBody(
      controller,
      () => this.#end(),
      () => this.#isHeld,
    )
    const head = new ReadHead(status, headers as Record<string, string>)
    this.#resolve({ head, status, headers: head.object, body: this.#body, sent: this.#sent })
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.over) return
    const isFull = this.#body?.push(chunk) === false
    if (this.#throttle.limited) this.#purse ??= this.#throttle.purse()
    this.#isHeld = this.#purse !== null && !this.#purse.pass(chunk.length, this.#turn)
    if (isFull || this.#isHeld) controller.pause()
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

  /** The endpoint's limit allows more. */
  readonly #turn = (): void => {
    this.#isHeld = false
    const body = this.#body
    if (!this.over && body !== null && body.readableLength < body.readableHighWaterMark)
      this.#controller?.resume()
  }

  readonly #onAbort = (): void => {
    if (this.over) return
    this.#end()
    this.#fail(new Aborted())
    this.#controller?.abort(new Aborted())
  }

  #fail(error: Error): void {
    const failure = this.#sending instanceof Withheld ? this.#sending.failure : null
    const fault = this.#request.fault(failure ?? error)
    if (this.#body) this.#body.destroy(fault)
    else this.#reject(fault)
  }

  #end(): void {
    this.over = true
    this.#purse?.close()
    this.#request.signal.removeEventListener('abort', this.#onAbort)
  }
}

class ResponseBody extends Readable {
  readonly #controller: Dispatcher.DispatchController
  readonly #abandoned: () => void
  readonly #isHeld: () => boolean
  #whole = false

  constructor(controller: Dispatcher.DispatchController, abandoned: () => void, isHeld: () => boolean) {
    super({ highWaterMark: readAhead })
    this.#isHeld = isHeld
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
    if (!this.#isHeld()) this.#controller.resume()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (!this.#whole) {
      this.#abandoned()
      this.#controller.abort(new Aborted())
    }
    callback(error)
  }
}
