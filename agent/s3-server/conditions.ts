/** Conditional requests: on reads as in RFC 9110, on writes the two forms that S3 has. */

import type { Key } from '../../shared/key.ts'
import type { Bucket } from './bucket.ts'
import { S3Error } from './errors.ts'
import type { ObjectVersion } from './object-version.ts'
import type { S3Request } from './request.ts'

const failed = (condition: string) =>
  new S3Error('PreconditionFailed', undefined, { fields: { Condition: condition } })

const matches = (header: string, etag: string): boolean =>
  header.split(',').some((each) => {
    const tag = each.trim().replace(/^W\//, '')
    return tag === '*' || tag === etag || tag === `"${etag}"`
  })

/** `prefix`: of the header's names; `x-amz-copy-source-` for the source of a copy, where nothing answers 304. */
export function checkRead(request: S3Request, version: ObjectVersion, prefix = ''): void {
  const header = (name: string) => request.headers.get(prefix + name)
  const date = (name: string) => Date.parse(header(name) ?? '')
  const ifMatch = header('if-match')
  const ifNoneMatch = header('if-none-match')
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, version.etag)) throw failed('If-Match')
  } else if (version.modified > date('if-unmodified-since')) throw failed('If-Unmodified-Since')
  const unchanged =
    ifNoneMatch !== undefined
      ? matches(ifNoneMatch, version.etag)
      : version.modified <= date('if-modified-since')
  if (!unchanged) return
  if (prefix !== '') throw failed(ifNoneMatch === undefined ? 'If-Modified-Since' : 'If-None-Match')
  throw new S3Error('NotModified', undefined, {
    headers: { etag: `"${version.etag}"`, 'last-modified': new Date(version.modified).toUTCString() },
  })
}

/** Judged when the object is about to be put in place, so of two writers under If-None-Match one is refused. */
export function checkWrite(request: S3Request, bucket: Bucket, key: Key): void {
  const ifNoneMatch = request.headers.get('if-none-match')
  const ifMatch = request.headers.get('if-match')
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*') throw new S3Error('NotImplemented')
  if (ifNoneMatch !== undefined && bucket.current(key)) throw failed('If-None-Match')
  if (ifMatch === undefined) return
  const current = bucket.current(key)
  if (!current) throw new S3Error('NoSuchKey', undefined, { fields: { Key: key } })
  if (!matches(ifMatch, current.etag)) throw failed('If-Match')
}
