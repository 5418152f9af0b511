/**
 * Requests to an S3 server that are signed by hand, so that a test decides every byte: forms of the body that no SDK
 * sends any more, wrong digests, wrong dates, raw paths. Independent of the server's own code on purpose.
 */
import { createHash, createHmac } from 'node:crypto'
import { type OutgoingHttpHeaders, request } from 'node:http'

export interface RawStore {
  readonly endpoint: string
  readonly key: string
  readonly secret: string
}

export interface RawOptions {
  /** Escaped, as `name=value&…`, sorted by name. */
  readonly query?: string
  readonly headers?: Record<string, string>
  readonly body?: Buffer | string
  /** x-amz-content-sha256; the body's hash unless told. */
  readonly payload?: string
  readonly at?: Date
  readonly region?: string
  /** Makes the body, once the signature that its chunks continue from is known. */
  readonly chunks?: (signer: Signer) => Buffer
  /** Headers that are sent and left out of the signature. */
  readonly unsigned?: Record<string, string>
}

export interface RawAnswer {
  readonly status: number
  readonly headers: Record<string, string | undefined>
  readonly body: Buffer
  /** `Code` of the error document, or empty. */
  readonly code: string
  readonly text: string
}

export interface Signer {
  readonly signature: string
  readonly date: string
  readonly scope: string
  sign(text: string): string
}

const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text, 'latin1').digest()
export const sha256 = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest('hex')
export const md5 = (bytes: string | Buffer) => createHash('md5').update(bytes)
export const sha256Empty = sha256('')

function signingKey(secret: string, day: string, region: string): Buffer {
  return hmac(hmac(hmac(hmac(`AWS4${secret}`, day), region), 's3'), 'aws4_request')
}

const dates = (at: Date) => {
  const date = at.toISOString().replace(/[-:]|\.\d{3}/g, '')
  return { date, day: date.slice(0, 8) }
}

export function rawRequest(
  store: RawStore,
  method: string,
  path: string,
  options: RawOptions = {},
): Promise<RawAnswer> {
  const { query = '', region = 'us-east-1' } = options
  const { date, day } = dates(options.at ?? new Date())
  const scope = `${day}/${region}/s3/aws4_request`
  const payload = options.payload ?? sha256(Buffer.from(options.body ?? ''))
  const signed: Record<string, string> = {
    host: new URL(store.endpoint).host,
    'x-amz-content-sha256': payload,
    'x-amz-date': date,
    ...options.headers,
  }
  const names = Object.keys(signed).sort()
  const key = signingKey(store.secret, day, region)
  const canonical = [
    method,
    path,
    query,
    ...names.map((name) => `${name}:${signed[name]!.trim()}`),
    '',
    names.join(';'),
    payload,
  ].join('\n')
  const text = [
    'AWS4-HMAC-SHA256',
    date,
    scope,
    createHash('sha256').update(canonical, 'latin1').digest('hex'),
  ]
  const sign = (each: string) => hmac(key, each).toString('hex')
  const signature = sign(text.join('\n'))
  const body = options.chunks
    ? options.chunks({ signature, date, scope, sign })
    : Buffer.from(options.body ?? '')
  return send(store, method, query === '' ? path : `${path}?${query}`, body, {
    ...signed,
    ...options.unsigned,
    authorization: `AWS4-HMAC-SHA256 Credential=${store.key}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
  })
}

/** Just what is given, signed or not. */
export function send(
  store: RawStore,
  method: string,
  path: string,
  body: Buffer,
  headers: OutgoingHttpHeaders,
): Promise<RawAnswer> {
  const { hostname, port } = new URL(store.endpoint)
  return new Promise((resolve, reject) => {
    const length = headers['transfer-encoding'] ? {} : { 'content-length': body.length }
    const outgoing = request(
      { hostname, port, method, path, headers: { ...headers, ...length } },
      (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('error', reject)
        incoming.on('end', () => {
          const bytes = Buffer.concat(chunks)
          const answer = bytes.toString()
          const code = /<Error>.*?<Code>(.*?)<\/Code>/s.exec(answer)?.[1] ?? ''
          const got = incoming.headers as Record<string, string | undefined>
          resolve({ status: incoming.statusCode ?? 0, headers: got, body: bytes, code, text: answer })
        })
      },
    )
    outgoing.on('error', reject)
    outgoing.setTimeout(15_000, () => outgoing.destroy(new Error('timeout')))
    outgoing.end(body)
  })
}

/** A presigned path and query. */
export function presign(
  store: RawStore,
  method: string,
  path: string,
  { at = new Date(), expires = 60, query = {} as Record<string, string>, region = 'us-east-1' } = {},
): string {
  const { date, day } = dates(at)
  const scope = `${day}/${region}/s3/aws4_request`
  const all: Record<string, string> = {
    ...query,
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': `${store.key}/${scope}`,
    'X-Amz-Date': date,
    'X-Amz-Expires': String(expires),
    'X-Amz-SignedHeaders': 'host',
  }
  const pairs = Object.keys(all)
    .sort()
    .map((name) => `${encodeURIComponent(name)}=${encodeURIComponent(all[name]!)}`)
    .join('&')
  const host = new URL(store.endpoint).host
  const canonical = [method, path, pairs, `host:${host}`, '', 'host', 'UNSIGNED-PAYLOAD'].join('\n')
  const text = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n')
  return `${path}?${pairs}&X-Amz-Signature=${hmac(signingKey(store.secret, day, region), text).toString('hex')}`
}

export interface ChunkOptions {
  readonly signed: boolean
  /** `name:value`. */
  readonly trailer?: string
  readonly size?: number
  /** Changes the body after it has been signed. */
  readonly tamper?: (body: Buffer) => Buffer
}

/** `data` as aws-chunked. */
export function awsChunks(data: Buffer, { signed, trailer, size = 65_536, tamper }: ChunkOptions) {
  return ({ signature, date, scope, sign }: Signer): Buffer => {
    const pieces: Buffer[] = []
    let previous = signature
    for (let at = 0; ; at += size) {
      const piece = data.subarray(at, at + size)
      const head = piece.length.toString(16)
      if (signed) {
        const text = ['AWS4-HMAC-SHA256-PAYLOAD', date, scope, previous, sha256Empty, sha256(piece)]
        previous = sign(text.join('\n'))
      }
      pieces.push(Buffer.from(signed ? `${head};chunk-signature=${previous}\r\n` : `${head}\r\n`))
      if (piece.length === 0) break
      pieces.push(piece, Buffer.from('\r\n'))
    }
    if (trailer !== undefined) {
      pieces.push(Buffer.from(`${trailer}\r\n`))
      const text = ['AWS4-HMAC-SHA256-TRAILER', date, scope, previous, sha256(`${trailer}\n`)]
      if (signed) pieces.push(Buffer.from(`x-amz-trailer-signature:${sign(text.join('\n'))}\r\n`))
    }
    pieces.push(Buffer.from('\r\n'))
    const body = Buffer.concat(pieces)
    return tamper ? tamper(body) : body
  }
}

/** The headers of an aws-chunked request. */
export const chunkHeaders = (data: Buffer, trailer?: string): Record<string, string> => ({
  'content-encoding': 'aws-chunked',
  'x-amz-decoded-content-length': String(data.length),
  ...(trailer ? { 'x-amz-trailer': trailer } : {}),
})
