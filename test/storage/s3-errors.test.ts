/** What each refusal and each fault of a connection is called, whether trying again can help, and that no secret gets out. */
import { describe, expect, test } from 'vitest'
import { cleaned, type Refusal, refusalError } from '../../agent/storage/s3/errors.ts'
import { faultError } from '../../agent/storage/s3/faults.ts'
import { Aborted } from '../../agent/storage/s3/http.ts'
import { DrayError } from '../../shared/error.ts'

const place = {
  op: 'GET s3://photos/a',
  bucket: 'photos',
  endpoint: 'https://s3.example.com',
  region: 'us-east-1',
}
const refusal = (status: number, code: string | null, more: Partial<Refusal> = {}) =>
  refusalError(place, { status, code, message: '', region: null, retryAfter: null, skewMs: null, ...more })

describe('a refusal', () => {
  test.each([
    [404, 'NoSuchBucket', 'no-such-bucket', 'never'],
    [400, 'InvalidBucketName', 'no-such-bucket', 'never'],
    [404, 'NoSuchKey', 'not-found', 'never'],
    [404, 'NoSuchUpload', 'not-found', 'never'],
    [404, null, 'not-found', 'never'],
    [403, 'InvalidAccessKeyId', 'bad-credentials', 'never'],
    [403, 'SignatureDoesNotMatch', 'bad-credentials', 'never'],
    [400, 'ExpiredToken', 'bad-credentials', 'never'],
    [400, 'InvalidToken', 'bad-credentials', 'never'],
    [400, 'AuthorizationHeaderMalformed', 'bad-credentials', 'never'],
    [401, null, 'bad-credentials', 'never'],
    [403, 'AccessDenied', 'access-denied', 'never'],
    [403, 'AllAccessDisabled', 'access-denied', 'never'],
    [403, null, 'access-denied', 'never'],
    [301, 'PermanentRedirect', 'wrong-region', 'never'],
    [307, 'TemporaryRedirect', 'wrong-region', 'never'],
    [400, 'IllegalLocationConstraintException', 'wrong-region', 'never'],
    [403, 'RequestTimeTooSkewed', 'clock-skew', 'never'],
    [503, 'SlowDown', 'throttled', 'later'],
    [503, 'ServiceUnavailable', 'throttled', 'later'],
    [503, null, 'throttled', 'later'],
    [429, null, 'throttled', 'later'],
    [400, 'ThrottlingException', 'throttled', 'later'],
    [500, 'InternalError', 'server-error', 'later'],
    [502, null, 'server-error', 'later'],
    [504, null, 'server-error', 'later'],
    [409, 'OperationAborted', 'server-error', 'later'],
    [400, 'RequestTimeout', 'timeout', 'now'],
    [403, 'InvalidObjectState', 'archived', 'never'],
    [400, 'BadDigest', 'bad-digest', 'now'],
    [400, 'IncompleteBody', 'unreachable', 'now'],
    [400, 'EntityTooLarge', 'too-large', 'never'],
    [413, null, 'too-large', 'never'],
    [400, 'KeyTooLongError', 'unsupported-key', 'never'],
    [400, 'XMinioInvalidObjectName', 'unsupported-key', 'never'],
    [412, 'PreconditionFailed', 'changed', 'later'],
    [412, null, 'changed', 'later'],
    [416, 'InvalidRange', 'changed', 'later'],
    [403, 'QuotaExceeded', 'no-space', 'never'],
    [507, null, 'no-space', 'never'],
    [400, 'InvalidArgument', 'invalid-request', 'never'],
    [400, null, 'invalid-request', 'never'],
    [501, 'NotImplemented', 'not-implemented', 'never'],
    [405, 'MethodNotAllowed', 'invalid-request', 'never'],
  ] as const)('%s %s is %s, to be tried again %s', (status, code, expected, retry) => {
    const error = refusal(status, code)
    expect(error).toBeInstanceOf(DrayError)
    expect([error.code, error.retry]).toEqual([expected, retry])
    expect(error.op).toBe(place.op)
    // One sentence, that says where.
    expect(error.message).toMatch(/^[A-Z"h][^\n]*\.$/)
    expect(error.message).toMatch(/photos|s3\.example\.com/)
    if (retry === 'never' && !['not-found', 'invalid-request', 'too-large'].includes(expected)) {
      expect(error.hint).toMatch(/^[A-Z].*\.$/)
    }
  })

  test('that names another region is of the wrong region, whatever else it says', () => {
    for (const [status, code] of [
      [301, null],
      [307, null],
      [400, null],
      [400, 'AuthorizationHeaderMalformed'],
      [403, 'AccessDenied'],
    ] as const) {
      const error = refusal(status, code, { region: 'eu-west-1' })
      expect(error.code).toBe('wrong-region')
      expect(error.message).toBe('Bucket "photos" is in region eu-west-1, not in us-east-1.')
      expect(error.hint).toContain('eu-west-1')
    }
    expect(refusal(403, 'AccessDenied', { region: 'us-east-1' }).code).toBe('access-denied')
    expect(refusal(404, 'NoSuchKey', { region: 'eu-west-1' }).code).toBe('not-found')
  })

  test('under a clock that is off by more than S3 bears is about that', () => {
    expect(refusal(403, null, { skewMs: 3_600_000 }).message).toBe(
      "This machine's clock is 60 minutes behind that of https://s3.example.com.",
    )
    expect(refusal(403, 'RequestTimeTooSkewed', { skewMs: -400 }).message).toContain('differ too much')
    expect(refusal(403, 'SignatureDoesNotMatch', { skewMs: -1_000_000 }).code).toBe('clock-skew')
    expect(refusal(403, 'AccessDenied', { skewMs: -60_000 }).code).toBe('access-denied')
  })

  test('from what may be no S3 server says so, but for what any server may say', () => {
    const page = { foreign: true }
    expect(refusal(404, null, page).code).toBe('protocol')
    expect(refusal(400, null, page).code).toBe('protocol')
    expect(refusal(301, null, page).code).toBe('protocol')
    expect(refusal(502, null, page).code).toBe('server-error')
    expect(refusal(503, null, page).code).toBe('throttled')
    expect(refusal(403, null, page).code).toBe('access-denied')
  })

  test('says how long to wait, within reason', () => {
    expect(refusal(503, 'SlowDown', { retryAfter: '7' }).retryAfter).toBe(7000)
    expect(refusal(503, 'SlowDown', { retryAfter: '86400' }).retryAfter).toBe(300_000)
    expect(refusal(503, 'SlowDown', { retryAfter: 'Fri, 20 Nov 2020 18:48:41 GMT' }).retryAfter).toBe(0)
    expect(refusal(503, 'SlowDown', { retryAfter: 'soon' }).retryAfter).toBeNull()
    expect(refusal(503, 'SlowDown').retryAfter).toBeNull()
  })

  test('never repeats what looks like a credential or a signature', () => {
    const signature = 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41'
    const message = `Bad Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, Signature=${signature}, key AKIAIOSFODNN7EXAMPLE; ${signature}\x1b[31m\nnext`
    const said = refusal(400, 'InvalidArgument', { message }).message
    expect(said).not.toMatch(/AKIA|f0e8bd|\x1b|\n/)
    expect(cleaned('The x-amz-security-token: FwoGZXIvYXdzE/// is bad.')).toBe(
      'The x-amz-security-token=… is bad',
    )
    expect(cleaned('a'.repeat(5000)).length).toBeLessThanOrEqual(200)
  })
})

describe('a fault of the connection', () => {
  const fault = (code: string, more: object = {}) =>
    faultError(place, Object.assign(new Error('what node says'), { code }, more))

  test.each([
    ['ENOTFOUND', 'unreachable', 'later'],
    ['EAI_AGAIN', 'unreachable', 'later'],
    ['ECONNREFUSED', 'unreachable', 'later'],
    ['EHOSTUNREACH', 'unreachable', 'later'],
    ['ENETUNREACH', 'unreachable', 'later'],
    ['ETIMEDOUT', 'unreachable', 'later'],
    ['UND_ERR_CONNECT_TIMEOUT', 'unreachable', 'later'],
    ['ECONNRESET', 'unreachable', 'now'],
    ['EPIPE', 'unreachable', 'now'],
    ['UND_ERR_SOCKET', 'unreachable', 'now'],
    ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'unreachable', 'now'],
    ['UND_ERR_HEADERS_TIMEOUT', 'timeout', 'now'],
    ['UND_ERR_BODY_TIMEOUT', 'timeout', 'now'],
    ['CERT_HAS_EXPIRED', 'unreachable', 'never'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'unreachable', 'never'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'unreachable', 'never'],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'unreachable', 'never'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'unreachable', 'never'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'unreachable', 'never'],
    ['HPE_INVALID_CONSTANT', 'protocol', 'later'],
    ['UND_ERR_HEADERS_OVERFLOW', 'protocol', 'never'],
    ['UND_ERR_INVALID_ARG', 'invalid-request', 'never'],
    ['UND_ERR_DESTROYED', 'interrupted', 'later'],
    ['ESOMETHING', 'internal', 'later'],
  ] as const)('%s is %s, to be tried again %s', (code, expected, retry) => {
    const error = fault(code)
    expect([error.code, error.retry, error.op]).toEqual([expected, retry, place.op])
    expect(error.message).toMatch(/^[A-Z"h][^\n]*\.$/)
    expect(error.cause).toBeInstanceOf(Error)
  })

  test('of a certificate says what would help', () => {
    expect(fault('DEPTH_ZERO_SELF_SIGNED_CERT').hint).toContain('AWS_CA_BUNDLE')
    expect(fault('CERT_HAS_EXPIRED').hint).toContain('has expired')
    expect(fault('ERR_TLS_CERT_ALTNAME_INVALID').hint).toContain('another name')
  })

  test('is that of the first address where a name has several, or of its cause', () => {
    const refused = Object.assign(new Error('one'), { code: 'ECONNREFUSED' })
    expect(faultError(place, new AggregateError([refused, refused])).code).toBe('unreachable')
    expect(faultError(place, new TypeError('fetch failed', { cause: refused })).code).toBe('unreachable')
  })

  test('is an interruption where the signal aborted, and stays what it is where it is known', () => {
    expect(faultError(place, new Aborted())).toMatchObject({ code: 'interrupted' })
    const known = new DrayError('io', 'read', 'The disk failed.')
    expect(faultError(place, known)).toBe(known)
  })
})

describe('what a request was made with', () => {
  const secret = 'wJalr/secret+key='
  const secrets = [secret, undefined, 'abc', '']
  const said = (more: Partial<Refusal>) => {
    const answered = {
      status: 400,
      code: 'InvalidRequest',
      message: '',
      region: null,
      retryAfter: null,
      skewMs: null,
    }
    const { message, hint } = refusalError({ ...place, secrets }, { ...answered, ...more })
    return `${message} ${hint}`
  }

  test('is not told, though the server says it back', () => {
    expect(said({ message: `the key ${secret} is wrong` })).toContain('the key *** is wrong')
    expect(said({ message: encodeURIComponent(secret) })).not.toContain('wJalr')
    expect(said({ code: secret })).not.toContain('wJalr')
    expect(said({ status: 301, code: 'PermanentRedirect', region: secret })).not.toContain('wJalr')
  })

  test('leaves words alone that are as short as nobody’s secret', () => {
    expect(said({ message: 'the abc of it' })).toContain('the abc of it')
  })
})
