/** DeleteObject and DeleteObjects. Deleting what is not there succeeds, unless a condition says otherwise. */
import type { Key } from '../../../shared/key.ts'
import { keyFromText } from '../../../shared/key.ts'
import { receiveBytes } from '../body.ts'
import type { Bucket } from '../bucket.ts'
import { checkWrite } from '../conditions.ts'
import { S3Error } from '../errors.ts'
import { bucketOf, type Exchange, keyOf, type Reply, xmlReply } from '../exchange.ts'
import type { ObjectVersion } from '../object-version.ts'
import { element, nodesOf, optional, parseXml, textOf, wrap, xmlDocument } from '../xml.ts'

interface Deleted {
  /** Of the marker that was laid or removed. */
  readonly marker: boolean
  readonly versionId: string | null
}

export function deleteObject(exchange: Exchange): Reply {
  const { request, world } = exchange
  const bucket = bucketOf(exchange)
  const key = keyOf(exchange)
  if (request.headers.has('if-match')) checkWrite(request, bucket, key)
  const bypass = request.headers.get('x-amz-bypass-governance-retention') === 'true'
  const deleted = deleteOne(bucket, key, request.query.get('versionId') ?? null, world.now(), bypass)
  return {
    status: 204,
    headers: {
      ...(deleted.versionId === null ? {} : { 'x-amz-version-id': deleted.versionId }),
      ...(deleted.marker ? { 'x-amz-delete-marker': 'true' } : {}),
    },
  }
}

function deleteOne(
  bucket: Bucket,
  key: Key,
  versionId: string | null,
  now: number,
  bypass: boolean,
): Deleted {
  if (versionId === null) {
    const marker = bucket.delete(key, now)
    return { marker: marker !== null, versionId: marker?.versionId ?? null }
  }
  const version = bucket.version(key, versionId)
  if (version === null) return { marker: false, versionId }
  if (isLocked(version, now, bypass))
    throw new S3Error('AccessDenied', 'Access Denied because object protected by object lock.')
  bucket.deleteVersion(key, version)
  return { marker: version.body === null, versionId }
}

const isLocked = ({ extra }: ObjectVersion, now: number, bypass: boolean): boolean => {
  const lock = extra?.lock
  if (!lock) return false
  return lock.legalHold || (lock.until > now && !(lock.mode === 'GOVERNANCE' && bypass))
}

export async function deleteObjects(exchange: Exchange): Promise<Reply> {
  const { request, world } = exchange
  const bucket = bucketOf(exchange)
  const integrity = [...request.headers.keys()].some(
    (name) => name === 'content-md5' || name === 'x-amz-trailer' || name.startsWith('x-amz-checksum-'),
  )
  if (!integrity) throw new S3Error('InvalidRequest', 'Missing required header for this request: Content-MD5')
  const node = parseXml(await receiveBytes(exchange, { most: 8 * 1024 * 1024 }), 'Delete')
  const objects = nodesOf(node, 'Object')
  if (objects.length === 0 || objects.length > 1000) throw new S3Error('MalformedXML')
  const quiet = textOf(node, 'Quiet') === 'true'
  const bypass = request.headers.get('x-amz-bypass-governance-retention') === 'true'
  const results = objects.map((object) => {
    const text = textOf(object, 'Key')
    if (text === null || text === '') throw new S3Error('MalformedXML')
    const key = keyFromText(text)
    const versionId = textOf(object, 'VersionId')
    const etag = textOf(object, 'ETag')
    try {
      if (etag !== null) checkWrite({ ...request, headers: new Map([['if-match', etag]]) }, bucket, key)
      const deleted = deleteOne(bucket, key, versionId, world.now(), bypass)
      if (quiet) return ''
      const marker = deleted.marker
        ? element('DeleteMarker', 'true') + element('DeleteMarkerVersionId', deleted.versionId ?? '')
        : ''
      return wrap('Deleted', element('Key', key) + optional('VersionId', versionId) + marker)
    } catch (error) {
      if (!(error instanceof S3Error)) throw error
      return wrap(
        'Error',
        element('Key', key) +
          optional('VersionId', versionId) +
          element('Code', error.code) +
          element('Message', error.message),
      )
    }
  })
  return xmlReply(xmlDocument('DeleteResult', results.join('')))
}
