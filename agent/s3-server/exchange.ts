/** What an operation is given and what it gives back. */

import type { Key } from '../../shared/key.ts'
import type { Incoming } from './body.ts'
import type { Bucket } from './bucket.ts'
import { S3Error } from './errors.ts'
import type { Fault } from './faults.ts'
import type { Change } from './notifications.ts'
import type { ObjectVersion } from './object-version.ts'
import type { StoredBody } from './stored-body.ts'

/** All that the server keeps. */
export interface World {
  readonly buckets: Map<string, Bucket>
  readonly region: string
  /** Bodies on disk; null: in memory. */
  readonly dir: string | null
  readonly minPartSize: number
  readonly opaqueEtags: boolean
  /** How long a restore from an archive takes. */
  readonly restoreMs: number
  /** Told of each object that was put or deleted. */
  changed(change: Change): void
  now(): number
}

export interface Exchange extends Incoming {
  readonly world: World
  readonly requestId: string
  readonly fault: Fault | null
}

export interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** A byte string (XML, mostly), or some bytes of a stored body. */
  readonly body?: string | { readonly stored: StoredBody; readonly first: number; readonly last: number }
}

export type Handler = (exchange: Exchange) => Reply | Promise<Reply>

export const xmlReply = (body: string, headers: Record<string, string> = {}): Reply => ({
  status: 200,
  headers: { 'content-type': 'application/xml', ...headers },
  body,
})

export function bucketOf({ world, request }: Exchange): Bucket {
  const bucket = world.buckets.get(request.bucket!)
  if (bucket) return bucket
  throw new S3Error('NoSuchBucket', undefined, { fields: { BucketName: request.bucket! } })
}

export const keyOf = ({ request }: Exchange): Key => request.key!

/** The version that the request is about: the current one, or that of `versionId`. */
export function objectOf(exchange: Exchange): ObjectVersion {
  const versionId = exchange.request.query.get('versionId')
  return findObject(bucketOf(exchange), keyOf(exchange), versionId)
}

export function findObject(bucket: Bucket, key: Key, versionId: string | undefined): ObjectVersion {
  const found = versionId === undefined ? bucket.top(key) : bucket.version(key, versionId)
  if (found?.body) return found
  if (found === null)
    throw versionId === undefined
      ? new S3Error('NoSuchKey', undefined, { fields: { Key: key } })
      : new S3Error('NoSuchVersion', undefined, { fields: { Key: key, VersionId: versionId } })
  const headers = { 'x-amz-delete-marker': 'true', 'x-amz-version-id': found.versionId }
  if (versionId === undefined) throw new S3Error('NoSuchKey', undefined, { fields: { Key: key }, headers })
  throw new S3Error('MethodNotAllowed', undefined, {
    fields: { Method: 'GET', ResourceType: 'DeleteMarker' },
    headers: { ...headers, allow: 'DELETE' },
  })
}

export const versionHeader = (bucket: Bucket, version: ObjectVersion): Record<string, string> =>
  bucket.versioning === null ? {} : { 'x-amz-version-id': version.versionId }

let lastDate = { ms: 0, text: '1970-01-01T00:00:00.000Z' }
/** Remembers the last one: the objects of a listing often share theirs. */
export function isoDate(ms: number): string {
  if (lastDate.ms !== ms) lastDate = { ms, text: new Date(ms).toISOString() }
  return lastDate.text
}
