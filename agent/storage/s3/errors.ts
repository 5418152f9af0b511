/**
 * Where everything that an S3 server can answer becomes a `DrayError` (faults.ts: what can happen to a connection): one
 * sentence that names the bucket and the endpoint, a hint that says what to do, and whether trying again can help. Nothing
 * of what is said here comes from a request, so no credential and no signature can get into it; what a server says is
 * cleaned first.
 */
import { DrayError, type ErrorCode, type Retry } from '../../../shared/error.ts'

/** What was being done, and where. */
export interface Where {
  /** `GET s3://bucket/key`. */
  readonly op: string
  readonly bucket: string
  /** An origin, for people. */
  readonly endpoint: string
  readonly region: string
  /** What the request was made with, and a server may say back. */
  readonly secrets?: readonly (string | undefined)[]
}

/** What of an answer tells its meaning. */
export interface Refusal {
  readonly status: number
  /** S3's error code; null where the answer held none (every HEAD, a proxy's page). */
  readonly code: string | null
  readonly message: string
  /** Of the bucket, as the server said it. */
  readonly region: string | null
  readonly retryAfter: string | null
  /** By how much the server's clock is ahead of ours, in milliseconds; null where it did not say. */
  readonly skewMs: number | null
  /** The answer was a web page or nothing known, so that what answered may be no S3 server at all. */
  readonly foreign?: boolean
}

/** S3 itself lets a clock be off by 15 minutes. */
const tolerableSkewMs = 15 * 60_000
/** No store may make us wait longer than this by Retry-After. */
const longestWaitMs = 5 * 60_000

interface Meaning {
  code: ErrorCode
  retry: Retry
  /** One sentence. */
  says(where: Where, refusal: Refusal): string
  hint?: string | ((where: Where, refusal: Refusal) => string)
}

const at = ({ bucket, endpoint }: Where) => (bucket === '' ? endpoint : `bucket "${bucket}" at ${endpoint}`)

const noBucket: Meaning = {
  code: 'no-such-bucket',
  retry: 'never',
  says: ({ bucket, endpoint }) => `There is no bucket "${bucket}" at ${endpoint}.`,
  hint: 'Check the name and the endpoint, or create the bucket first.',
}
const unknownKey: Meaning = {
  code: 'bad-credentials',
  retry: 'never',
  says: ({ bucket, endpoint }) =>
    `${endpoint} does not know the access key that was used for bucket "${bucket}".`,
  hint: 'Check the access key of the profile or of AWS_ACCESS_KEY_ID, and that it belongs to this endpoint.',
}
const wrongSecret: Meaning = {
  code: 'bad-credentials',
  retry: 'never',
  says: (where) => `The secret key that was used for ${at(where)} is not that of its access key.`,
  hint: 'Check the secret key of the profile or of AWS_SECRET_ACCESS_KEY; some stores also say this of a wrong region.',
}
const expired: Meaning = {
  code: 'bad-credentials',
  retry: 'never',
  says: (where) => `The session token that was used for ${at(where)} has expired or is not valid.`,
  hint: 'Sign in again, or renew the session token of the profile or of AWS_SESSION_TOKEN.',
}
const unauthenticated: Meaning = {
  code: 'bad-credentials',
  retry: 'never',
  says: (where) => `The credentials that were used for ${at(where)} were not accepted.`,
  hint: 'Check the access key and the secret key of the profile or of the environment.',
}
const denied: Meaning = {
  code: 'access-denied',
  retry: 'never',
  says: (where) => `Access to ${at(where)} was denied (${verbOf(where)}).`,
  hint: (where) => `The credentials are known but may not do this: ${rightsFor[verbOf(where)] ?? allRights}.`,
}
const elsewhere: Meaning = {
  code: 'wrong-region',
  retry: 'never',
  says: ({ bucket, endpoint, region }, refusal) =>
    refusal.region && refusal.region !== region
      ? `Bucket "${bucket}" is in region ${refusal.region}, not in ${region}.`
      : `Bucket "${bucket}" is not in region ${region} of ${endpoint}.`,
  hint: (_, { region }) =>
    region
      ? `Give region ${region} for this location (--source-region or --destination-region).`
      : 'Give the bucket’s own region or endpoint for this location.',
}
const skewed: Meaning = {
  code: 'clock-skew',
  retry: 'never',
  says: ({ endpoint }, { skewMs }) =>
    skewMs === null || Math.abs(skewMs) < 30_000
      ? `This machine's clock and that of ${endpoint} differ too much.`
      : `This machine's clock is ${Math.round(Math.abs(skewMs) / 60_000)} minutes ${skewMs > 0 ? 'behind' : 'ahead of'} that of ${endpoint}.`,
  hint: 'Set the clock of this machine (NTP).',
}
const throttled: Meaning = {
  code: 'throttled',
  retry: 'later',
  says: (where) => `${sentence(at(where))} asks for fewer requests.`,
}
const serverError: Meaning = {
  code: 'server-error',
  retry: 'later',
  says: (where, refusal) => `${sentence(at(where))} failed: ${told(refusal)}.`,
}
const tooSlow: Meaning = {
  code: 'timeout',
  retry: 'now',
  says: ({ endpoint }) => `${endpoint} waited too long for the request's body.`,
}
const changed: Meaning = {
  code: 'changed',
  retry: 'later',
  says: (where) => `The object changed meanwhile (${where.op}).`,
}
const refused: Meaning = {
  code: 'invalid-request',
  retry: 'never',
  says: (where, refusal) => `${sentence(at(where))} refused the request: ${told(refusal)}.`,
}
const notImplemented: Meaning = {
  ...refused,
  code: 'not-implemented',
  hint: 'This store does not know what was asked of it. Leave the option out that needs it, such as --tags keep.',
}
const foreign: Meaning = {
  code: 'protocol',
  retry: 'never',
  says: ({ endpoint }, { status }) => `${endpoint} does not answer like an S3 server (status ${status}).`,
  hint: 'Check the endpoint: its address, its port, and whether it is http or https.',
}

const byCode = new Map<string, Meaning>()
const mean = (meaning: Meaning, ...codes: string[]) => {
  for (const code of codes) byCode.set(code, meaning)
}
mean(noBucket, 'NoSuchBucket')
mean(notImplemented, 'NotImplemented')
mean(
  {
    ...noBucket,
    says: ({ bucket, endpoint }) => `"${bucket}" cannot be a bucket's name at ${endpoint}.`,
    hint: 'Check the bucket’s name.',
  },
  'InvalidBucketName',
)
mean(
  { code: 'not-found', retry: 'never', says: (where) => `There is no such object (${where.op}).` },
  'NoSuchKey',
  'NoSuchVersion',
  'NotFound',
)
mean(
  { code: 'not-found', retry: 'never', says: (where) => `The multipart upload is gone (${where.op}).` },
  'NoSuchUpload',
)
mean(unknownKey, 'InvalidAccessKeyId')
mean(wrongSecret, 'SignatureDoesNotMatch')
mean(expired, 'ExpiredToken', 'InvalidToken', 'TokenRefreshRequired', 'ExpiredTokenException')
mean(unauthenticated, 'MissingAuthenticationToken', 'MissingSecurityHeader', 'NotSignedUp', 'InvalidSecurity')
mean(unauthenticated, 'Unauthorized', 'AuthorizationHeaderMalformed', 'CredentialsNotSupported')
mean(
  denied,
  'AccessDenied',
  'AccessDeniedException',
  'AllAccessDisabled',
  'AccountProblem',
  'AccessForbidden',
)
mean(elsewhere, 'PermanentRedirect', 'TemporaryRedirect', 'Redirect', 'IllegalLocationConstraintException')
mean(elsewhere, 'InvalidRegion', 'InvalidRegionName')
mean(skewed, 'RequestTimeTooSkewed', 'RequestExpired', 'RequestInTheFuture')
mean(throttled, 'GlacierExpeditedRetrievalNotAvailable')
mean({ ...refused, code: 'busy' }, 'RestoreAlreadyInProgress')
mean(throttled, 'SlowDown', 'SlowDownRead', 'SlowDownWrite', 'Throttling', 'ThrottlingException')
mean(throttled, 'ServiceUnavailable', 'TooManyRequests', 'TooManyRequestsException', 'RequestLimitExceeded')
mean(throttled, 'BandwidthLimitExceeded', 'Busy', 'EC2ThrottledException', 'ProvisionedThroughputExceeded')
mean(serverError, 'InternalError', 'InternalServerError', 'OperationAborted', 'ConditionalRequestConflict')
mean(tooSlow, 'RequestTimeout', 'RequestTimeoutException')
mean(
  {
    code: 'archived',
    retry: 'never',
    says: (where) => `The object is archived and must be restored before it can be read (${where.op}).`,
    hint: 'Let it be restored with --archived restore, or left out with --archived skip.',
  },
  'InvalidObjectState',
)
mean(
  {
    code: 'bad-digest',
    retry: 'now',
    says: (where) => `The bytes that arrived were not those that were sent (${where.op}).`,
  },
  'BadDigest',
  'XAmzContentSHA256Mismatch',
  'XAmzContentChecksumMismatch',
)
mean(
  {
    code: 'unreachable',
    retry: 'now',
    says: ({ endpoint }) => `The request's body did not reach ${endpoint} whole.`,
  },
  'IncompleteBody',
)
mean(
  {
    code: 'too-large',
    retry: 'never',
    says: (where) => `The object is larger than ${at(where)} takes (${where.op}).`,
  },
  'EntityTooLarge',
  'MaxMessageLengthExceeded',
)
mean(
  {
    code: 'unsupported-key',
    retry: 'never',
    says: (where, refusal) => `${sentence(at(where))} cannot hold this key: ${told(refusal)}.`,
    hint: 'Rename the object at the source.',
  },
  'KeyTooLongError',
  'KeyTooLong',
  'InvalidObjectName',
  'XMinioInvalidObjectName',
  'InvalidURI',
)
mean(
  {
    code: 'no-space',
    retry: 'never',
    says: (where) => `There is no room left in ${at(where)}.`,
    hint: 'Free some space or raise the quota, and run the same command again.',
  },
  'QuotaExceeded',
  'XMinioStorageFull',
  'InsufficientStorage',
)
mean(changed, 'PreconditionFailed', 'InvalidRange')

/** What an answer with an error in it means. */
export function refusalError(where: Where, answered: Refusal): DrayError {
  const hide = (text: string) => withoutSecrets(text, where.secrets ?? [])
  const { code, message, region } = answered
  const refusal = {
    ...answered,
    code: code && hide(code),
    message: hide(message),
    region: region && hide(region),
  }
  const meaning = meaningOf(where, refusal)
  const hint = typeof meaning.hint === 'function' ? meaning.hint(where, refusal) : meaning.hint
  return new DrayError(meaning.code, where.op, meaning.says(where, refusal), {
    retry: meaning.retry,
    hint: hint ?? null,
    retryAfter: retryAfterMs(refusal.retryAfter),
  })
}

function meaningOf(where: Where, refusal: Refusal): Meaning {
  const { status, code, region, skewMs } = refusal
  if ((status === 401 || status === 403) && skewMs !== null && Math.abs(skewMs) > tolerableSkewMs)
    return skewed
  // AWS names the bucket's region in most answers, in those about a key or a right too.
  const misplaced = status === 301 || status === 307 || status === 400 || status === 403
  if (region !== null && region !== where.region && misplaced) return elsewhere
  const known = code === null ? undefined : byCode.get(code)
  if (known) return known
  if (status === 404 && !refusal.foreign) return byCode.get('NotFound')!
  if (status === 412 || status === 416) return changed
  if (status === 429 || status === 503 || status === 509) return throttled
  if (status === 413) return byCode.get('EntityTooLarge')!
  if (status === 507) return byCode.get('InsufficientStorage')!
  if (status === 501) return notImplemented
  if (status >= 500) return serverError
  if (status === 401) return unauthenticated
  if (status === 403) return denied
  if (status === 301 || status === 307) return refusal.foreign ? foreign : elsewhere
  return refusal.foreign || status < 400 ? foreign : refused
}

/** An answer of success that cannot be one. */
export const malformed = (where: Where, what: string) =>
  new DrayError('server-error', where.op, `${where.endpoint} answered with ${what} (${where.op}).`, {
    retry: 'later',
  })

/** Shorter ones are nobody's, and may be part of any word. */
const shortestSecret = 4

function withoutSecrets(text: string, secrets: readonly (string | undefined)[]): string {
  let left = text
  for (const secret of secrets) {
    if (secret === undefined || secret.length < shortestSecret) continue
    for (const form of [secret, encodeURIComponent(secret)]) left = left.replaceAll(form, '***')
  }
  return left
}

/** What a server says, for people: one line, and nothing that looks like part of a signature or a credential. */
export function cleaned(text: string): string {
  return text
    .replace(/[^\x20-\x7e]+/g, ' ')
    .replace(/(credential|signature|security-token|authorization|accesskeyid)\s*[=:]\s*[^\s,&]+/gi, '$1=…')
    .replace(/\b(?:[0-9a-f]{40,}|(?:AKIA|ASIA)[0-9A-Z]{12,})\b/gi, '…')
    .trim()
    .replace(/[.\s]+$/, '')
    .slice(0, 200)
}

function told({ code, status, message }: Refusal): string {
  const words = [code === null ? `status ${status}` : cleaned(code), cleaned(message)]
  return words.filter((word) => word !== '').join(', ')
}

const sentence = (words: string) => words[0]!.toUpperCase() + words.slice(1)
const verbOf = ({ op }: Where) => op.split(' ', 1)[0]!

const rightsFor: Record<string, string | undefined> = {
  LIST: 's3:ListBucket is needed',
  HEAD: 's3:GetObject is needed, and s3:ListBucket so that a missing object can be told from a forbidden one',
  GET: 's3:GetObject is needed, and s3:ListBucket so that a missing object can be told from a forbidden one',
  PUT: 's3:PutObject is needed',
  'GET-TAGS': 's3:GetObjectTagging is needed (or --tags drop)',
  'PUT-TAGS': 's3:PutObjectTagging is needed (or --tags drop)',
  'GET-ACL': 's3:GetObjectAcl and s3:GetBucketAcl are needed (or --acl drop)',
  'PUT-LOCK': 's3:PutObjectRetention and s3:PutObjectLegalHold are needed (or --object-lock drop)',
  DELETE: 's3:DeleteObject is needed',
  'LIST-VERSIONS': 's3:ListBucketVersions is needed',
  'GET-VERSIONING': 's3:GetBucketVersioning is needed',
  RESTORE: 's3:RestoreObject is needed',
  'LIST-PARTS': 's3:ListMultipartUploadParts is needed',
  ABORT: 's3:AbortMultipartUpload is needed',
}
const allRights = 's3:PutObject is needed'

/** Seconds or a date, as milliseconds from now. */
export function retryAfterMs(value: string | null): number | null {
  if (value === null || value === '') return null
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now()
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), longestWaitMs) : null
}
