/**
 * The endpoint that the application speaks to: signatures are checked here, and what is asked for is handed to its operation.
 *
 * Beside the bucket stands `/-/`, which no bucket can be called: `/-/health` for load balancers, and, for whoever has the control token,
 * `/-/status` and `/-/switch`.
 */
import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { S3Error } from '../s3-server/errors.ts'
import { parseRequest } from '../s3-server/request.ts'
import { authenticate } from '../s3-server/sigv4.ts'
import { handlerFor } from './operations.ts'
import { sendBack } from './sending-back.ts'
import { Slots } from './slots.ts'
import type { Answer, World } from './world.ts'
import { toS3Error } from './writing.ts'

export interface FrontOptions {
  readonly host: string
  readonly port: number
  /** PEM. Null: plain HTTP. */
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | null
  /** Secrets by access key. */
  readonly credentials: Readonly<Record<string, string>>
  /** Most requests at work at once. */
  readonly requests: number
  /** What stands beside the bucket; null: nothing by that name. */
  beside(message: IncomingMessage, isDraining: boolean): Promise<Answer | null>
  /** A defect, or something that nobody foresaw. */
  failed(error: unknown): void
}

const nobodyWaits = new Error('nobody waits for the answer')

/** Of a connection on which nothing moves: longer than a store thinks about an upload that it puts together (ms). */
const idleMs = 330_000

export class Front {
  readonly #world: World
  readonly #options: FrontOptions
  readonly #server: Server
  readonly #slots: Slots
  #draining = false
  #inside = 0
  #empty: (() => void) | null = null
  served = 0
  failed = 0

  constructor(world: World, options: FrontOptions) {
    this.#world = world
    this.#options = options
    this.#slots = new Slots(options.requests)
    const limits = { requestTimeout: 0, headersTimeout: 60_000, keepAliveTimeout: 65_000 }
    const { tls } = options
    this.#server = tls ? createSecureServer({ ...limits, ...tls }) : createServer(limits)
    this.#server.setTimeout(idleMs)
    this.#server.on('request', (message, response) => this.#take(message, response, false))
    this.#server.on('checkContinue', (message, response) => this.#take(message, response, true))
  }

  get inside(): number {
    return this.#inside
  }

  get waiting(): number {
    return this.#slots.waiting
  }

  listen(): Promise<URL> {
    const { host, port, tls } = this.#options
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject)
        const { port: bound } = this.#server.address() as AddressInfo
        resolve(new URL(`${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${bound}`))
      })
    })
  }

  /** Finishes what is under way, and refuses what is new. */
  async drain(): Promise<void> {
    this.#draining = true
    this.#server.closeIdleConnections()
    if (this.#inside > 0) {
      await new Promise<void>((resolve) => {
        this.#empty = resolve
      })
    }
  }

  async close(): Promise<void> {
    this.#draining = true
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
  }

  #take(message: IncomingMessage, response: ServerResponse, waits: boolean): void {
    this.#inside++
    this.#answer(message, response, waits)
      .catch((error) => {
        // The answer broke off in its middle, or nobody waits for it.
        if (!response.destroyed) response.destroy()
        if (!isOfTheConnection(error)) this.#options.failed(error)
      })
      .finally(() => {
        const done = () => {
          if (--this.#inside === 0) this.#empty?.()
        }
        // An answer that is written is not on its way yet.
        if (response.writableFinished || response.destroyed) done()
        else response.once('close', done)
      })
  }

  async #answer(message: IncomingMessage, response: ServerResponse, waits: boolean): Promise<void> {
    const isHead = message.method === 'HEAD'
    let begun = !waits
    const begin = () => {
      if (!begun) response.writeContinue()
      begun = true
    }
    try {
      if (message.url?.startsWith('/-/')) {
        const answer = await this.#options.beside(message, this.#draining)
        return await sendBack(response, answer ?? { status: 404 }, isHead)
      }
      if (this.#draining) {
        response.setHeader('connection', 'close')
        throw new S3Error({ status: 503, code: 'ServiceUnavailable' }, 'This endpoint is being stopped.', {
          headers: { 'retry-after': '1' },
        })
      }
      await this.#serve(message, response, begin, isHead)
    } catch (error) {
      if (response.headersSent) throw error
      const known = this.#known(error)
      // A client that still sends its body would take the answer for one to another request.
      if (!begun || !message.complete) response.setHeader('connection', 'close')
      await sendBack(response, errorAnswer(known, message.url ?? '/'), isHead)
    }
  }

  #known(error: unknown): S3Error {
    try {
      return toS3Error(error)
    } catch {
      this.failed++
      this.#options.failed(error)
      return new S3Error('InternalError')
    }
  }

  async #serve(
    message: IncomingMessage,
    response: ServerResponse,
    begin: () => void,
    isHead: boolean,
  ): Promise<void> {
    const request = parseRequest(message)
    const authentication = authenticate(request, {
      credentials: this.#options.credentials,
      sessionTokens: {},
      region: regionOf(request.headers.get('authorization') ?? request.query.get('X-Amz-Credential') ?? ''),
      now: Date.now,
    })
    if (request.bucket !== null && request.bucket !== this.#world.bucket)
      throw new S3Error('NoSuchBucket', undefined, { fields: { BucketName: request.bucket } })
    const handle = handlerFor(request)
    const gone = new AbortController()
    response.once('close', () => {
      // With a reason: the one that it would make by itself has a stack, which costs.
      if (!response.writableFinished) gone.abort(nobodyWaits)
    })
    const leave = await this.#slots.take()
    try {
      const exchange = { message, request, authentication, begin, signal: gone.signal }
      const answer = await handle(this.#world, exchange)
      this.served++
      await sendBack(response, answer, isHead)
    } finally {
      leave()
    }
  }
}

/** Whatever the client calls the region, its signature is right for that. */
const regionOf = (credential: string): string =>
  /\/\d{8}\/([^/]*)\/s3\/aws4_request/.exec(credential)?.[1] ?? ''

const isOfTheConnection = (error: unknown): boolean => {
  const { code, name } = error as { code?: unknown; name?: unknown }
  return (
    name === 'DrayError' ||
    ['ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET', 'EPIPE', 'ABORT_ERR'].includes(String(code))
  )
}

function errorAnswer(error: S3Error, url: string): Answer {
  if (error.status === 304) return { status: 304, headers: error.headers }
  const id = randomBytes(8).toString('hex').toUpperCase()
  const [path = '/'] = url.split('?')
  return {
    status: error.status,
    headers: { 'content-type': 'application/xml', 'x-amz-request-id': id, ...error.headers },
    body: error.toXml(id, path),
  }
}
