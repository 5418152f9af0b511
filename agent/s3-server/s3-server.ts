/**
 * An S3 server in this process, for tests and for the demonstration: small, and honest where it counts. It checks
 * every signature and every digest, keeps bytes exactly, and refuses what AWS refuses in AWS's words. It forgets
 * everything when it stops. `test/support/s3-probe.ts` holds it, and a real server, to the same checks.
 *
 * Any number of servers can run in one process. Path-style addresses only; no policies, and ACLs that are kept and
 * not enforced: whoever has one of the credentials may do everything.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { Contents } from './contents.ts'
import { hostId, S3Error } from './errors.ts'
import type { Reply, World } from './exchange.ts'
import type { Fault, Hooks, RequestInfo } from './faults.ts'
import { handlers } from './handlers.ts'
import { Notifications, type NotifyOptions } from './notifications.ts'
import { type Operation, operationOf } from './operation.ts'
import { sendReply } from './reply.ts'
import { parseRequest, type S3Request } from './request.ts'
import { Requests } from './requests.ts'
import { type Authority, authenticate, isAnonymous, nobody } from './sigv4.ts'

export interface S3ServerOptions {
  /** Any free one unless told. */
  readonly port?: number
  /** Loopback unless told. */
  readonly host?: string
  /** Secrets by access key. */
  readonly credentials: Readonly<Record<string, string>>
  /** Session tokens by access key: requests with that key must carry it. */
  readonly sessionTokens?: Readonly<Record<string, string>>
  /** us-east-1 unless told. */
  readonly region?: string
  /** A directory for bodies past 4 KiB; else they are in memory. Emptied of them when the server stops. */
  readonly dir?: string
  /** Bytes; 5 MiB, as on AWS, unless told. */
  readonly minPartSize?: number
  /** `opaque`: an ETag looks like an MD5 and is none, as with a bucket that is encrypted under a KMS key. */
  readonly etags?: 'md5' | 'opaque'
  /**
   * Names of request headers that it takes and forgets, as stores do with what they have not heard of; of one operation
   * alone: `CopyObject x-amz-tagging`.
   */
  readonly forgets?: readonly string[]
  /** Milliseconds that a restore from an archive takes, none unless told; `Infinity`: until `finishRestores`. */
  readonly restoreMs?: number
  readonly hooks?: Hooks
  /** Changes are posted there, as AWS and MinIO do, from the beginning; see `notify`. */
  readonly notify?: NotifyOptions
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

export async function startS3Server(options: S3ServerOptions): Promise<S3Server> {
  const server = new S3Server(options)
  await server.listen(options.port ?? 0, options.host ?? '127.0.0.1')
  return server
}

export class S3Server extends Contents {
  readonly requests = new Requests()
  /** May be changed at any time. */
  hooks: Hooks
  readonly #world: World
  readonly #authority: Authority
  readonly #ownClock: boolean
  readonly #forgets: readonly string[]
  readonly #http: Server
  #notifications: Notifications | null = null
  #url: URL | null = null
  #lastRequest = 0

  constructor(options: S3ServerOptions) {
    const now = options.now ?? Date.now
    const world: World = {
      buckets: new Map(),
      region: options.region ?? 'us-east-1',
      dir: options.dir === undefined ? null : bodiesIn(options.dir),
      opaqueEtags: options.etags === 'opaque',
      minPartSize: options.minPartSize ?? 5 * 1024 * 1024,
      restoreMs: options.restoreMs ?? 0,
      changed: (change) => this.#notifications?.take(change),
      now,
    }
    super(world)
    if (options.notify) this.notify(options.notify)
    this.#world = world
    this.hooks = options.hooks ?? {}
    this.#ownClock = options.now !== undefined
    this.#forgets = options.forgets ?? []
    const { credentials, sessionTokens = {} } = options
    this.#authority = { credentials, sessionTokens, region: world.region, now }
    // No time limits: what a test stalls must stay stalled.
    this.#http = createServer({ requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 60_000 })
    this.#http.on('request', (message, response) => this.#take(message, response, false))
    this.#http.on('checkContinue', (message, response) => this.#take(message, response, true))
  }

  listen(port: number, host: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#http.once('error', reject)
      this.#http.listen(port, host, () => {
        const { port: bound } = this.#http.address() as AddressInfo
        this.#url = new URL(`http://${host.includes(':') ? `[${host}]` : host}:${bound}/`)
        resolve()
      })
    })
  }

  get url(): URL {
    if (this.#url === null) throw new Error('the server does not listen yet')
    return this.#url
  }

  /** From now on; null: nobody any more. What waits for somebody else is lost. */
  notify(options: NotifyOptions | null): void {
    this.#notifications?.stop()
    this.#notifications = options && new Notifications(options)
  }

  get region(): string {
    return this.#world.region
  }

  /** Cuts every connection and forgets everything. */
  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#http.close(() => resolve()))
    this.#http.closeAllConnections()
    await closed
    this.#notifications?.stop()
    this.#world.buckets.clear()
    if (this.#world.dir !== null) rmSync(this.#world.dir, { recursive: true, force: true })
  }

  /** Everything that goes wrong in here becomes an answer, or the end of the connection where one has begun. */
  #take(message: IncomingMessage, response: ServerResponse, waits: boolean): void {
    this.#answer(message, response, waits).catch((error) => {
      if (response.destroyed) return
      if (!this.#http.listening) return void response.destroy()
      process.emitWarning(error instanceof Error ? error : String(error))
      response.socket?.resetAndDestroy()
    })
  }

  async #answer(message: IncomingMessage, response: ServerResponse, waits: boolean): Promise<void> {
    const requestId = (++this.#lastRequest).toString(16).toUpperCase().padStart(16, '0')
    response.setHeader('x-amz-request-id', requestId)
    response.setHeader('x-amz-id-2', hostId)
    response.setHeader('server', 'dray-s3-server')
    if (this.#ownClock) response.setHeader('date', new Date(this.#world.now()).toUTCString())
    const head = message.method === 'HEAD'
    let fault: Fault | null = null
    let counted = false
    let begun = !waits
    const begin = () => {
      if (!begun) response.writeContinue()
      begun = true
    }
    try {
      const request = parseRequest(message)
      const operation = operationOf(request)
      const nth = this.requests.begin(operation)
      counted = true
      fault = (await this.hooks.beforeRequest?.(requestInfo(request, operation, nth))) ?? null
      if (fault === 'stall') return
      if (fault === 'drop') return void response.socket?.resetAndDestroy()
      if (typeof fault === 'object' && fault && 'delayMs' in fault) await setTimeout(fault.delayMs)
      const bucket = request.bucket === null ? undefined : this.#world.buckets.get(request.bucket)
      const isOpen = bucket?.isPublic === true && ['GET', 'HEAD'].includes(request.method)
      const authentication = isOpen && isAnonymous(request) ? nobody : authenticate(request, this.#authority)
      if (bucket?.requesterPays && request.headers.get('x-amz-request-payer') !== 'requester')
        throw new S3Error('AccessDenied')
      for (const name of this.#forgets)
        (request.headers as Map<string, string>).delete(name.replace(`${operation} `, ''))
      if (typeof fault === 'object' && fault && 'code' in fault)
        throw new S3Error(fault, fault.message, { headers: fault.headers ?? {} })
      const exchange = { message, request, authentication, begin, world: this.#world, requestId, fault }
      if (typeof fault === 'object' && fault && 'insideOk' in fault) {
        await drain(exchange)
        throw new S3Error({ status: 200, code: fault.insideOk })
      }
      await sendReply(response, await handlers[operation](exchange), head, fault)
    } catch (error) {
      if (response.headersSent) throw error
      const known = error instanceof S3Error ? error : internalError(error)
      // A client that still waits to send its body will not: the connection cannot be used again.
      if (!begun) response.setHeader('connection', 'close')
      await sendReply(response, errorReply(known, requestId, message.url ?? '/'), head, fault)
    } finally {
      if (counted) this.requests.end()
    }
  }
}

function bodiesIn(dir: string): string {
  mkdirSync(dir, { recursive: true })
  return mkdtempSync(join(dir, 'bodies-'))
}

const requestInfo = (request: S3Request, operation: Operation, nth: number): RequestInfo => {
  const { method, bucket, key, query, headers } = request
  return { operation, nth, method, bucket, key, query, headers }
}

async function drain({ message, begin }: { message: IncomingMessage; begin(): void }): Promise<void> {
  begin()
  for await (const _ of message);
}

function internalError(error: unknown): S3Error {
  process.emitWarning(error instanceof Error ? error : String(error))
  return new S3Error('InternalError')
}

function errorReply(error: S3Error, requestId: string, url: string): Reply {
  if (error.status === 304) return { status: 304, headers: error.headers }
  const [path = '/'] = url.split('?')
  return {
    status: error.status,
    headers: { 'content-type': 'application/xml', ...error.headers },
    body: error.toXml(requestId, path),
  }
}
