/** ListObjectVersions: every version and delete marker, newest first within a key. */
import type { Key } from '../../../shared/key.ts'
import { versionAt } from '../bucket.ts'
import { S3Error } from '../errors.ts'
import { bucketOf, type Exchange, isoDate, type Reply, xmlReply } from '../exchange.ts'
import { take, walk } from '../listing.ts'
import { storageClassOf } from '../object-headers.ts'
import type { ObjectVersion } from '../object-version.ts'
import { queryNumber } from '../request.ts'
import { element, etagElement, optional, wrap, xmlDocument } from '../xml.ts'
import { encodingOf } from './list-objects.ts'

type Item = { readonly key: Key; readonly version: ObjectVersion; readonly latest: boolean }

const owner = wrap('Owner', element('ID', 'dray') + element('DisplayName', 'dray'))

export function listObjectVersions(exchange: Exchange): Reply {
  const { request } = exchange
  const bucket = bucketOf(exchange)
  const encode = encodingOf(request)
  const maxKeys = Math.min(1000, queryNumber(request, 'max-keys', 1000))
  const prefix = request.query.get('prefix') ?? ''
  const delimiter = request.query.get('delimiter') ?? ''
  const keyMarker = request.query.get('key-marker') ?? ''
  const versionMarker = request.query.get('version-id-marker') ?? ''
  if (versionMarker !== '' && keyMarker === '')
    throw new S3Error('InvalidArgument', 'A version-id marker cannot be specified without a key marker.', {
      fields: { ArgumentName: 'version-id-marker', ArgumentValue: versionMarker },
    })

  function* versions(key: Key, top: ObjectVersion): Generator<Item> {
    for (let version: ObjectVersion | null = top; version; version = version.previous)
      yield { key, version, latest: version === top }
  }
  function* items(): Generator<Item | { commonPrefix: string }> {
    const top = versionMarker === '' ? null : bucket.top(keyMarker as Key)
    if (top && keyMarker.startsWith(prefix)) {
      // Of a version that has gone meanwhile nobody knows here where it was: rather all of the key again than too little.
      let passed = bucket.version(keyMarker as Key, versionMarker) === null
      for (const item of versions(keyMarker as Key, top)) {
        if (passed) yield item
        passed ||= item.version.versionId === versionMarker
      }
    }
    const after = keyMarker === '' ? null : keyMarker
    for (const step of walk(bucket.objects, { prefix, delimiter, after }, () => true)) {
      if ('key' in step) yield* versions(step.key, versionAt(step.key, step.value))
      else yield step
    }
  }

  const { taken, more } = take(items(), maxKeys)
  const last = more ? taken.at(-1) : undefined
  const nextMarkers =
    last === undefined
      ? ''
      : 'commonPrefix' in last
        ? element('NextKeyMarker', encode(last.commonPrefix))
        : element('NextKeyMarker', encode(last.key)) + element('NextVersionIdMarker', last.version.versionId)
  const listed = taken.map((item) => {
    if ('commonPrefix' in item) return wrap('CommonPrefixes', element('Prefix', encode(item.commonPrefix)))
    const { key, version, latest } = item
    const head =
      element('Key', encode(key)) +
      element('VersionId', version.versionId) +
      element('IsLatest', String(latest)) +
      element('LastModified', isoDate(version.modified))
    return version.body === null
      ? wrap('DeleteMarker', head + owner)
      : wrap(
          'Version',
          head +
            etagElement(version.etag) +
            element('Size', version.size) +
            element('StorageClass', storageClassOf(version)) +
            owner,
        )
  })
  return xmlReply(
    xmlDocument(
      'ListVersionsResult',
      element('Name', bucket.name) +
        element('Prefix', encode(prefix)) +
        element('KeyMarker', encode(keyMarker)) +
        element('VersionIdMarker', versionMarker) +
        nextMarkers +
        element('MaxKeys', maxKeys) +
        optional('Delimiter', encode(delimiter)) +
        optional('EncodingType', request.query.get('encoding-type')) +
        element('IsTruncated', String(more)) +
        listed.join(''),
    ),
  )
}
