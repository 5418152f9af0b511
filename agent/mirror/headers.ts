/** Which headers go from the application to a side, and from a side to the application. */
import type { S3Request as Request } from '../s3-server/request.ts'
import type { ResponseHead } from '../storage/s3/http.ts'

const ofObjects = new Set([
  'cache-control',
  'content-disposition',
  'content-language',
  'content-md5',
  'content-type',
  'expires',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'range',
])
/** Of how this request was signed and framed, and of whom a bucket belongs to, which the mirror's own requests say in their own way. */
const ofTheRequest = new Set([
  'x-amz-content-sha256',
  'x-amz-copy-source',
  'x-amz-date',
  'x-amz-decoded-content-length',
  'x-amz-expected-bucket-owner',
  'x-amz-sdk-checksum-algorithm',
  'x-amz-security-token',
  'x-amz-source-expected-bucket-owner',
  'x-amz-te',
  'x-amz-trailer',
  'x-amz-user-agent',
])

/** Those of a request that a side is to have. */
export function passedOn(headers: Request['headers']): Record<string, string> {
  const passed: Record<string, string> = {}
  for (const [name, value] of headers) {
    if (ofObjects.has(name) || (name.startsWith('x-amz-') && !ofTheRequest.has(name))) passed[name] = value
    else if (name === 'content-encoding') {
      const left = value
        .split(',')
        .filter((each) => each.trim().toLowerCase() !== 'aws-chunked')
        .join(',')
        .trim()
      if (left !== '') passed[name] = left
    }
  }
  return passed
}

const conditions = ['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since']

/** Whether it is to happen only where something stands there, which one side alone can say. */
export const isConditional = (headers: Request['headers']): boolean =>
  conditions.some((name) => headers.has(name))

/** What is decided on the side of record is not asked again. */
export function withoutConditions(headers: Readonly<Record<string, string>>): Record<string, string> {
  const { 'if-match': _, 'if-none-match': __, ...rest } = headers
  return rest
}

/** The query without a presigned URL's signature. */
export function passedOnQuery(query: Request['query']): Record<string, string> {
  return Object.fromEntries(
    [...query].filter(([name]) => !/^x-amz-/i.test(name) && name !== 'x-id' && name !== 'AWSAccessKeyId'),
  )
}

const ofTheConnection = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'proxy-connection',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** `isRecord`: versions have other names on the other side. */
export function handedBack(head: ResponseHead, isRecord: boolean): Record<string, string> {
  const passed: Record<string, string> = {}
  const { names } = head
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!
    if (ofTheConnection.has(name) || (!isRecord && name === 'x-amz-version-id')) continue
    passed[name] = head.get(name)!
  }
  return passed
}
