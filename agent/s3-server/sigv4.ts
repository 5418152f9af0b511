/**
 * Signature version 4, the server's side: in the Authorization header and presigned. What is wrong is told the way AWS
 * tells it, because clients are tested against these answers. Every `x-amz-` header must be signed.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { S3Error } from './errors.ts'
import type { S3Request } from './request.ts'

export interface Authority {
  /** Secrets by access key. */
  readonly credentials: Readonly<Record<string, string>>
  /** Session tokens by access key, for temporary credentials. */
  readonly sessionTokens: Readonly<Record<string, string>>
  readonly region: string
  /** Milliseconds. */
  now(): number
}

export interface Authentication {
  readonly accessKey: string
  /** The value of x-amz-content-sha256: a hash, `UNSIGNED-PAYLOAD` or one of the `STREAMING-` forms. */
  readonly payload: string
  /** What the signatures of the body's chunks continue from. */
  readonly signature: string
  readonly signingKey: Buffer
  readonly date: string
  readonly scope: string
}

export const isAnonymous = ({ headers, query }: S3Request): boolean =>
  !headers.has('authorization') && !query.has('X-Amz-Algorithm')

/** Who reads a public bucket without credentials. */
export const nobody: Authentication = {
  accessKey: '',
  payload: 'UNSIGNED-PAYLOAD',
  signature: '',
  signingKey: Buffer.alloc(0),
  date: '',
  scope: '',
}

const maxSkewMs = 15 * 60 * 1000
const payloadForm =
  /^(UNSIGNED-PAYLOAD|STREAMING-AWS4-HMAC-SHA256-PAYLOAD(-TRAILER)?|STREAMING-UNSIGNED-PAYLOAD-TRAILER|[0-9a-f]{64})$/

interface Claim {
  readonly accessKey: string
  readonly scope: string
  readonly scopeDate: string
  readonly signedHeaders: readonly string[]
  readonly signature: string
  readonly date: string
  readonly payload: string
  readonly token: string | undefined
  readonly query: S3Request['queryPairs']
}

export function authenticate(request: S3Request, authority: Authority): Authentication {
  const header = request.headers.get('authorization')
  if (header !== undefined && request.query.has('X-Amz-Algorithm'))
    throw new S3Error('InvalidArgument', 'Only one auth mechanism allowed')
  if (isAnonymous(request)) throw new S3Error('AccessDenied')
  const claim =
    header === undefined ? presignedClaim(request, authority) : headerClaim(request, header, authority)
  const secret = authority.credentials[claim.accessKey]
  if (secret === undefined || !Object.hasOwn(authority.credentials, claim.accessKey))
    throw new S3Error('InvalidAccessKeyId', undefined, { fields: { AWSAccessKeyId: claim.accessKey } })
  if (authority.sessionTokens[claim.accessKey] !== claim.token) throw new S3Error('InvalidToken')
  checkSigned(request, claim)

  const signingKey = signingKeyOf(secret, claim.scopeDate, authority.region)
  const canonical = canonicalRequest(request, claim)
  const stringToSign = ['AWS4-HMAC-SHA256', claim.date, claim.scope, sha256(canonical)].join('\n')
  const expected = hmac(signingKey, stringToSign).toString('hex')
  if (!isSame(expected, claim.signature))
    throw new S3Error('SignatureDoesNotMatch', undefined, {
      fields: {
        AWSAccessKeyId: claim.accessKey,
        StringToSign: stringToSign,
        SignatureProvided: claim.signature,
        CanonicalRequest: canonical,
      },
    })
  const { accessKey, payload, signature, date, scope } = claim
  return { accessKey, payload, signature, signingKey, date, scope }
}

/** How long it takes tells nothing of how much of it is right: `dray mirror` lets people in by this. */
function isSame(expected: string, given: string): boolean {
  const [a, b] = [Buffer.from(expected, 'latin1'), Buffer.from(given, 'latin1')]
  return a.length === b.length && timingSafeEqual(a, b)
}

function headerClaim(request: S3Request, header: string, authority: Authority): Claim {
  const malformed = (message: string) =>
    new S3Error('AuthorizationHeaderMalformed', `The authorization header is malformed; ${message}`)
  const found = /^AWS4-HMAC-SHA256 +(.*)$/.exec(header)
  if (!found) throw new S3Error('InvalidArgument', 'Unsupported Authorization Type')
  const fields = new Map(
    found[1]!.split(',').map((field) => {
      const at = field.indexOf('=')
      return [field.slice(0, at).trim(), field.slice(at + 1).trim()]
    }),
  )
  const [credential, signedHeaders, signature] = ['Credential', 'SignedHeaders', 'Signature'].map((name) => {
    const value = fields.get(name)
    if (value === undefined) throw malformed(`the ${name} field is missing.`)
    return value
  }) as [string, string, string]
  const date = request.headers.get('x-amz-date') ?? basicDate(request.headers.get('date'))
  const time = date === undefined ? Number.NaN : parseDate(date)
  if (date === undefined || Number.isNaN(time))
    throw new S3Error('AccessDenied', 'AWS authentication requires a valid Date or x-amz-date header')
  const { accessKey, scope, scopeDate } = parseCredential(credential, authority, malformed)
  if (!date.startsWith(scopeDate)) throw malformed(`Invalid credential date "${scopeDate}".`)
  if (Math.abs(authority.now() - time) > maxSkewMs)
    throw new S3Error('RequestTimeTooSkewed', undefined, {
      fields: {
        RequestTime: date,
        ServerTime: new Date(authority.now()).toISOString(),
        MaxAllowedSkewMilliseconds: String(maxSkewMs),
      },
    })
  const payload = request.headers.get('x-amz-content-sha256')
  if (payload === undefined)
    throw new S3Error('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256')
  return {
    ...{ accessKey, scope, scopeDate, signature, date, payload: checkedPayload(payload) },
    signedHeaders: signedHeaders.split(';'),
    token: request.headers.get('x-amz-security-token'),
    query: request.queryPairs,
  }
}

function presignedClaim(request: S3Request, authority: Authority): Claim {
  const malformed = (message: string) => new S3Error('AuthorizationQueryParametersError', message)
  const value = (name: string) => {
    const found = request.query.get(name)
    if (found !== undefined) return found
    throw malformed(
      'Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.',
    )
  }
  if (value('X-Amz-Algorithm') !== 'AWS4-HMAC-SHA256')
    throw malformed('X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"')
  const date = value('X-Amz-Date')
  const time = parseDate(date)
  if (Number.isNaN(time))
    throw malformed("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
  const expires = /^\d{1,6}$/.test(value('X-Amz-Expires')) ? Number(value('X-Amz-Expires')) : -1
  if (expires < 0 || expires > 604800)
    throw malformed(
      'X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds',
    )
  const { accessKey, scope, scopeDate } = parseCredential(value('X-Amz-Credential'), authority, malformed)
  if (!date.startsWith(scopeDate)) throw malformed(`Invalid credential date "${scopeDate}".`)
  if (time - authority.now() > maxSkewMs) throw new S3Error('AccessDenied', 'Request is not valid yet')
  if (authority.now() > time + expires * 1000)
    throw new S3Error('AccessDenied', 'Request has expired', { fields: { 'X-Amz-Expires': String(expires) } })
  const payload =
    request.query.get('X-Amz-Content-Sha256') ??
    request.headers.get('x-amz-content-sha256') ??
    'UNSIGNED-PAYLOAD'
  return {
    ...{ accessKey, scope, scopeDate, date, payload: checkedPayload(payload) },
    signature: value('X-Amz-Signature'),
    signedHeaders: value('X-Amz-SignedHeaders').split(';'),
    token: request.query.get('X-Amz-Security-Token'),
    query: request.queryPairs.filter(([name]) => name !== 'X-Amz-Signature'),
  }
}

function parseCredential(credential: string, authority: Authority, malformed: (message: string) => S3Error) {
  const parts = credential.split('/')
  const [scopeDate = '', region, service, terminal] = parts.slice(-4)
  const accessKey = parts.slice(0, -4).join('/')
  if (parts.length < 5 || terminal !== 'aws4_request' || !/^\d{8}$/.test(scopeDate))
    throw malformed(
      'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
    )
  if (service !== 's3') throw malformed(`incorrect service "${service}". This endpoint belongs to "s3".`)
  if (region !== authority.region) {
    const error = malformed(`the region '${region}' is wrong; expecting '${authority.region}'`)
    throw new S3Error(error.code as 'AuthorizationHeaderMalformed', error.message, {
      fields: { Region: authority.region },
      headers: { 'x-amz-bucket-region': authority.region },
    })
  }
  return { accessKey, scopeDate, scope: `${scopeDate}/${region}/s3/aws4_request` }
}

function checkSigned(request: S3Request, claim: Claim): void {
  const signed = new Set(claim.signedHeaders)
  const missing = [...request.headers.keys()].filter(
    (name) => (name === 'host' || name.startsWith('x-amz-')) && !signed.has(name),
  )
  if (missing.length > 0)
    throw new S3Error('AccessDenied', 'There were headers present in the request which were not signed', {
      fields: { HeadersNotSigned: missing.join(', ') },
    })
}

function checkedPayload(payload: string): string {
  if (payloadForm.test(payload)) return payload
  throw new S3Error(
    'InvalidArgument',
    'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, STREAMING-UNSIGNED-PAYLOAD-TRAILER or a valid sha256 value.',
    { fields: { ArgumentName: 'x-amz-content-sha256', ArgumentValue: payload } },
  )
}

const uriEncode = (bytes: string): string =>
  bytes.replace(
    /[^A-Za-z0-9\-._~]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )

function canonicalRequest(request: S3Request, claim: Claim): string {
  // S3 escapes once and normalises nothing; what a client left unescaped, it should have escaped.
  const path = request.path
    .replace(/%[0-9a-f]{2}/gi, (escaped) =>
      uriEncode(String.fromCharCode(Number.parseInt(escaped.slice(1), 16))),
    )
    .replace(/[^A-Za-z0-9\-._~/%]/g, uriEncode)
  const query = claim.query
    .map(([name, value]) => [uriEncode(name), uriEncode(value)] as const)
    .sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
  const headers = claim.signedHeaders.map(
    (name) => `${name}:${(request.headers.get(name) ?? '').trim().replace(/ +/g, ' ')}\n`,
  )
  return `${request.method}\n${path}\n${query}\n${headers.join('')}\n${claim.signedHeaders.join(';')}\n${claim.payload}`
}

/** Milliseconds of `20261120T180000Z`, or NaN. */
const parseDate = (date: string): number => {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date)
  return parts
    ? Date.parse(`${parts[1]}-${parts[2]}-${parts[3]}T${parts[4]}:${parts[5]}:${parts[6]}Z`)
    : Number.NaN
}

function basicDate(httpDate: string | undefined): string | undefined {
  const time = Date.parse(httpDate ?? '')
  return Number.isNaN(time) ? undefined : new Date(time).toISOString().replace(/[-:]|\.\d{3}/g, '')
}

export const hmac = (key: string | Buffer, bytes: string): Buffer =>
  createHmac('sha256', key).update(bytes, 'latin1').digest()
export const sha256 = (bytes: string): string => createHash('sha256').update(bytes, 'latin1').digest('hex')

/** Keys of the last few days and credentials: four HMACs a request otherwise. */
const signingKeys = new Map<string, Buffer>()
function signingKeyOf(secret: string, date: string, region: string): Buffer {
  const id = `${secret}/${date}/${region}`
  let key = signingKeys.get(id)
  if (key === undefined) {
    key = hmac(hmac(hmac(hmac(`AWS4${secret}`, date), region), 's3'), 'aws4_request')
    if (signingKeys.size >= 64) signingKeys.clear()
    signingKeys.set(id, key)
  }
  return key
}
