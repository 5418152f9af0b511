/** ListObjectsV2 and ListObjects (version 1): the current objects of a bucket, a page at a time. */
import type { Key } from '../../../shared/key.ts'
import { isVisible, type Stored, versionAt } from '../bucket.ts'
import { S3Error } from '../errors.ts'
import { bucketOf, type Exchange, isoDate, type Reply, xmlReply } from '../exchange.ts'
import type { ListedObject } from '../faults.ts'
import { type Step, take, walk } from '../listing.ts'
import { storageClassOf } from '../object-headers.ts'
import { queryNumber, type S3Request } from '../request.ts'
import { element, etagElement, optional, urlEncode, wrap, xmlDocument } from '../xml.ts'

const owner = wrap('Owner', element('ID', 'dray') + element('DisplayName', 'dray'))

export function listObjectsV2(exchange: Exchange): Reply {
  const { request } = exchange
  const token = request.query.get('continuation-token')
  const startAfter = request.query.get('start-after') ?? null
  const page = listPage(exchange, token === undefined ? startAfter : parseToken(token))
  return pageReply(request, page, request.query.get('fetch-owner') === 'true', [
    optional('StartAfter', startAfter && page.encode(startAfter)),
    optional('ContinuationToken', token),
    page.next === null ? '' : element('NextContinuationToken', makeToken(page.next)),
    element('KeyCount', page.steps.length),
  ])
}

export function listObjects(exchange: Exchange): Reply {
  const { request } = exchange
  const marker = request.query.get('marker') ?? null
  const page = listPage(exchange, marker)
  // As on AWS: without a delimiter, the last key is the next marker, and there is no element for it.
  const next = request.query.get('delimiter') ? page.next : null
  return pageReply(request, page, true, [
    element('Marker', page.encode(marker ?? '')),
    optional('NextMarker', next && page.encode(next)),
  ])
}

interface Page {
  readonly steps: Step<Stored>[]
  readonly objects: ListedObject[]
  readonly maxKeys: number
  /** The last result, where there are more. */
  readonly next: string | null
  readonly encode: (bytes: string) => string
}

function listPage(exchange: Exchange, after: string | null): Page {
  const { request, fault } = exchange
  const bucket = bucketOf(exchange)
  const maxKeys = Math.min(1000, queryNumber(request, 'max-keys', 1000))
  const prefix = request.query.get('prefix') ?? ''
  const delimiter = request.query.get('delimiter') ?? ''
  const { taken, more } = take(walk(bucket.objects, { prefix, delimiter, after }, isVisible), maxKeys)
  const objects = taken.flatMap((step): ListedObject[] =>
    'key' in step ? [listed(step.key, step.value)] : [],
  )
  const last = taken.at(-1)
  return {
    steps: taken,
    objects: typeof fault === 'object' && fault && 'listing' in fault ? fault.listing(objects) : objects,
    maxKeys,
    next: more && last ? ('key' in last ? last.key : last.commonPrefix) : null,
    encode: encodingOf(request),
  }
}

function listed(key: Key, stored: Stored): ListedObject {
  const version = versionAt(key, stored)
  const { size, etag, modified } = version
  return { key, size, etag, modified, storageClass: storageClassOf(version) }
}

export function encodingOf(request: S3Request): (bytes: string) => string {
  const encoding = request.query.get('encoding-type')
  if (encoding === undefined || encoding === '') return (bytes) => bytes
  if (encoding.toLowerCase() === 'url') return urlEncode
  throw new S3Error('InvalidArgument', 'Invalid Encoding Method specified in Request', {
    fields: { ArgumentName: 'encoding-type', ArgumentValue: encoding },
  })
}

function pageReply(request: S3Request, page: Page, withOwner: boolean, markers: string[]): Reply {
  const { encode } = page
  const contents = page.objects.map(({ key, modified, etag, size, storageClass }) =>
    wrap(
      'Contents',
      element('Key', encode(key)) +
        element('LastModified', isoDate(modified)) +
        etagElement(etag) +
        element('Size', size) +
        (withOwner ? owner : '') +
        element('StorageClass', storageClass),
    ),
  )
  const prefixes = page.steps.flatMap((step) =>
    'commonPrefix' in step ? [wrap('CommonPrefixes', element('Prefix', encode(step.commonPrefix)))] : [],
  )
  return xmlReply(
    xmlDocument(
      'ListBucketResult',
      element('Name', request.bucket!) +
        element('Prefix', encode(request.query.get('prefix') ?? '')) +
        markers.join('') +
        element('MaxKeys', page.maxKeys) +
        optional('Delimiter', encode(request.query.get('delimiter') ?? '')) +
        optional('EncodingType', request.query.get('encoding-type')) +
        element('IsTruncated', String(page.next !== null)) +
        contents.join('') +
        prefixes.join(''),
    ),
  )
}

/** Opaque to clients, so that nobody comes to rely on its being a key. */
const makeToken = (last: string): string => `1${Buffer.from(last, 'latin1').toString('base64')}`

function parseToken(token: string): string {
  const bytes = Buffer.from(token.slice(1), 'base64').toString('latin1')
  if (makeToken(bytes) === token) return bytes
  throw new S3Error('InvalidArgument', 'The continuation token provided is incorrect', {
    fields: { ArgumentName: 'continuation-token' },
  })
}
