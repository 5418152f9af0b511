/**
 * A bucket's client: signs a request, sends it, and gives the answer of success or throws what the refusal means.
 *
 * It learns three things from refusals, and then sends the same request once more where it has no body: the bucket's
 * region (unless the location names one), the server's clock, and that the credentials have been renewed. That is no
 * retry: nothing was wrong but what we believed. A request with a body is refused with `retry: 'now'` instead.
 */
import { Readable } from 'node:stream'
import { DrayError } from '../../../shared/error.ts'
import { displayKey, escapeKey, type Key } from '../../../shared/key.ts'
import type { Access } from './access.ts'
import { collect } from './body.ts'
import { type Refusal, refusalError, type Where } from './errors.ts'
import { faultError, interrupted } from './faults.ts'
import type { Http, HttpRequest, HttpResponse, WholeResponse } from './http.ts'
import { type Credentials, openSigner } from './signer.ts'
import type { Target } from './target.ts'
import { parseXml, textOf } from './xml.ts'

export interface S3Request {
  /** The operation's name for people, one word: `GET`, `LIST`. */
  readonly verb: string
  readonly method: HttpRequest['method']
  /** The whole key, prefix included; null for what concerns the bucket. */
  readonly key: Key | null
  /** Sorted by name, escaped, each as `name=value`; empty where there is none. */
  readonly query?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer | Readable | null
  readonly signal: AbortSignal
  readonly patience?: number
  /** As in `HttpRequest`. */
  readonly once?: boolean
  /** Refusals are answers too, for whoever hands them on; their bodies are cut at 64 KiB. */
  readonly refusals?: boolean
}

export interface S3Client {
  /** Answers of success only (2xx), unless the request wants refusals too. Their bodies end with a `DrayError` where they do not end well. */
  send(request: S3Request): Promise<HttpResponse>
  /** The same with the body, of at most `most` bytes, as a buffer. */
  whole(request: S3Request, most: number): Promise<WholeResponse>
  /** For the errors that a caller finds in an answer by itself. */
  where(request: Pick<S3Request, 'verb' | 'key'>): Where
  readonly target: Target
  close(): Promise<void>
}

export interface S3ClientOptions {
  bucket: string
  access: Access
  http: Http
  target: Target
  retarget(region: string): Promise<Target>
  now?: () => number
}

/** Whose value is a key of the customer's. */
export const customerKeyHeader = 'x-amz-server-side-encryption-customer-key'

/** As values are escaped in queries: `/` too. */
export const escaped = (value: string) => escapeKey(value as Key).replaceAll('/', '%2F')

/** A server may think before it answers; S3 says itself that a big CompleteMultipartUpload takes minutes. */
export const patience = { usual: 60_000, write: 300_000 }
const longestRefusal = 64 * 1024
const refusalMs = 2_000
const nothing: Readonly<Record<string, string>> = {}

export function openS3Client(options: S3ClientOptions): S3Client {
  const { bucket, access, http, retarget, now = Date.now } = options
  const sign = openSigner()
  let target = options.target
  let clockOffset = 0

  const where = (
    { verb, key, headers }: Pick<S3Request, 'verb' | 'key' | 'headers'>,
    asked = target,
  ): Where => {
    const known = access.known()
    return {
      op: `${verb} s3://${bucket}${key === null ? '' : `/${displayKey(key)}`}`,
      bucket,
      endpoint: asked.origin,
      region: asked.region,
      secrets: [known?.secretAccessKey, known?.sessionToken, headers?.[customerKeyHeader]],
    }
  }

  function signed(request: S3Request, at: Target, credentials: Credentials): HttpRequest {
    const { method, key, query = '', headers = nothing } = request
    const path = at.path + (key === null ? '' : `/${escapeKey(key)}`) || '/'
    const { origin, endpoint, host, region, service } = at
    return {
      origin,
      endpoint,
      method,
      // A parameter without a value is sent without `=`, as S3's documents write it, and signed with it.
      path: query === '' ? path : `${path}?${query.replace(/=(?=&|$)/g, '')}`,
      headers: sign(
        { method, path, query, host, headers },
        { credentials, region, service, now: now() + clockOffset },
      ),
      body: request.body ?? null,
      signal: request.signal,
      patience: request.patience ?? patience.usual,
      once: request.once,
      fault: (error) => faultError(where(request, at), error),
    }
  }

  /** Sends it until it is answered with success, or refused for good; `most` null for a body that is a stream. */
  async function attempt(request: S3Request, most: number | null): Promise<HttpResponse | WholeResponse> {
    let learnt: DrayError['code'][] | null = null
    for (;;) {
      if (request.signal.aborted) throw interrupted(where(request).op)
      const credentials = access.known() ?? (await access.credentials())
      const offset = clockOffset
      const at = target
      const asked = signed(request, at, credentials)
      const response = await (most === null ? http.send(asked) : http.whole(asked, most))
      if (response.status >= 200 && response.status < 300) return response
      const { body } = response
      const said = Buffer.isBuffer(body) ? body.subarray(0, longestRefusal) : await lastWords(body)
      const refusal = refusalIn(response, said, now())
      const error = refusalError(where(request, at), refusal)
      if (request.signal.aborted) throw interrupted(error.op)
      learnt ??= []
      if (learnt.includes(error.code) || !(await learn(error, refusal, offset, credentials))) {
        if (!request.refusals) throw error
        const { status, head, headers, sent } = response
        return {
          status,
          head,
          headers,
          sent,
          body: most === null ? Readable.from([said]) : said,
        } as WholeResponse
      }
      learnt.push(error.code)
      if (request.body) {
        throw new DrayError(error.code, error.op, error.message, { retry: 'now', hint: error.hint })
      }
    }
  }

  /** Whether the same request may fare better now; `offset` and `used` are what it was signed with. */
  async function learn(
    error: DrayError,
    { code, region, skewMs }: Refusal,
    offset: number,
    used: Credentials,
  ): Promise<boolean> {
    if (error.code === 'wrong-region' && region !== null && !access.regionIsGiven) {
      target = await retarget(region)
      return true
    }
    if (error.code === 'clock-skew' && skewMs !== null && Math.abs(skewMs - offset) > 60_000) {
      clockOffset = skewMs
      return true
    }
    if (error.code === 'bad-credentials' && (access.rotates || code?.startsWith('ExpiredToken'))) {
      const renewed = async (afresh: boolean) => {
        const { accessKeyId, secretAccessKey, sessionToken } = await access.credentials(afresh)
        const isSame = accessKeyId === used.accessKeyId && secretAccessKey === used.secretAccessKey
        return !isSame || sessionToken !== used.sessionToken
      }
      return (await renewed(false)) || (await renewed(true))
    }
    return false
  }

  return {
    send: (request) => attempt(request, null) as Promise<HttpResponse>,
    whole: (request, most) => attempt(request, most) as Promise<WholeResponse>,
    where: (request) => where(request),
    get target() {
      return target
    },
    close: () => http.close(),
  }
}

/** As far as it can be read: a server that refuses may be in no state to finish its sentence. */
async function lastWords(body: Readable): Promise<Buffer> {
  const timer = setTimeout(() => body.destroy(), refusalMs)
  const bytes = await collect(body, longestRefusal).catch(() => Buffer.alloc(0))
  clearTimeout(timer)
  return bytes
}

function refusalIn(
  { status, head }: Pick<HttpResponse, 'status' | 'head'>,
  bytes: Buffer,
  now: number,
): Refusal {
  const said = bytes.length > 0 ? read(bytes) : null
  const date = Date.parse(head.get('date') ?? '')
  return {
    status,
    code: said?.Code || null,
    message: said?.Message ?? '',
    region: head.get('x-amz-bucket-region') || said?.Region || null,
    retryAfter: head.get('retry-after') ?? null,
    skewMs: Number.isNaN(date) ? null : date - now,
    foreign: bytes.length > 0 && said === null,
  }
}

type Said = { [field in 'Code' | 'Message' | 'Region']?: string | null }

/** S3's error document, or the same in JSON, as radosgw writes it where it could not even read the request's path. */
function read(bytes: Buffer): Said | null {
  const root = parseXml(bytes)
  if (root?.name === 'Error') {
    return { Code: textOf(root, 'Code'), Message: textOf(root, 'Message'), Region: textOf(root, 'Region') }
  }
  try {
    const { Code, Message } = JSON.parse(bytes.toString()) as Record<string, unknown>
    return typeof Code === 'string' ? { Code, Message: typeof Message === 'string' ? Message : '' } : null
  } catch {
    return null
  }
}
