/**
 * The AWS SDK for what is rare: it writes and reads the documents of control operations. What it would send goes through
 * our own client instead, so that signatures (header bytes as they are), the bucket's region, timeouts and the meaning of
 * refusals are the same as for everything else. What has no document (HEAD, DELETE) does not need it.
 */
import type { S3Client as Sdk } from '@aws-sdk/client-s3'
import { DrayError } from '../../../shared/error.ts'
import type { Key } from '../../../shared/key.ts'
import { awsSdk } from './aws-sdk.ts'
import { escaped, patience, type S3Client, type S3Request } from './client.ts'
import { malformed, refusalError } from './errors.ts'
import { interrupted } from './faults.ts'

export interface ControlRequest {
  readonly verb: string
  /** Null for what concerns the bucket. */
  readonly key: Key | null
  readonly signal: AbortSignal
  /** Sent beside what the SDK writes, byte for byte. */
  readonly headers?: Readonly<Record<string, string>>
}

/** What the SDK hands on to whoever sends for it. */
interface SdkRequest {
  readonly method: string
  readonly query?: Readonly<Record<string, string | string[] | null>>
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}

export interface Control {
  /** Runs one SDK operation: `call` sends a command of its bucket with the options that it is given. */
  run<Output>(
    request: ControlRequest,
    call: (sdk: Sdk, options: { abortSignal: AbortSignal }) => Promise<Output>,
  ): Promise<Output>
}

export function openControl(client: S3Client): Control {
  let sdk: Sdk | null = null
  return {
    async run(request, call) {
      sdk ??= openSdk(client)
      try {
        return await call(sdk, { abortSignal: request.signal, request } as { abortSignal: AbortSignal })
      } catch (error) {
        throw meaningOf(error, client, request)
      }
    },
  }
}

const openSdk = (client: S3Client): Sdk =>
  new (awsSdk().S3Client)({
    // Neither address nor credentials of the SDK's own are ever used.
    endpoint: 'http://s3.invalid',
    region: client.target.region,
    credentials: { accessKeyId: '-', secretAccessKey: '-' },
    forcePathStyle: true,
    signer: { sign: async (request) => request },
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      metadata: { handlerProtocol: 'http/1.1' },
      handle: async (asked: SdkRequest, options: unknown) => {
        const { request } = options as { request: ControlRequest }
        const { status, headers, body } = await client.send(translated(asked, request))
        return { response: { statusCode: status, headers: headers as Record<string, string>, body } }
      },
    },
  })

function translated(asked: SdkRequest, request: ControlRequest): S3Request {
  const headers: Record<string, string> = {}
  for (const name in asked.headers) {
    const lower = name.toLowerCase()
    const known = lower === 'content-type' || lower === 'content-md5' || lower.startsWith('x-amz-')
    if (known && lower !== 'x-amz-user-agent') headers[lower] = asked.headers[name]!
  }
  const query = Object.entries(asked.query ?? {})
    .filter(([name]) => name !== 'x-id')
    .map(([name, value]) => `${escaped(name)}=${escaped(String(value ?? ''))}`)
  return {
    verb: request.verb,
    method: asked.method as S3Request['method'],
    key: request.key,
    query: query.sort().join('&'),
    headers: { ...headers, ...request.headers },
    body: asked.body === undefined || asked.body.length === 0 ? null : Buffer.from(asked.body as string),
    signal: request.signal,
    patience: patience.write,
  }
}

/** Refusals come as our own errors already; left are those inside an answer of success, and documents that are none. */
function meaningOf(error: unknown, client: S3Client, request: ControlRequest): DrayError {
  if (error instanceof DrayError) return error
  const place = client.where(request)
  if (request.signal.aborted) return interrupted(place.op)
  const { name, message, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } }
  const status = $metadata?.httpStatusCode
  if (status === undefined || status < 400) return malformed(place, 'a document that makes no sense')
  return refusalError(place, { status, code: name, message, region: null, retryAfter: null, skewMs: null })
}
