/** ListMultipartUploads and ListParts. */
import type { Key } from '../../../shared/key.ts'
import type { Upload } from '../bucket.ts'
import { bucketOf, type Exchange, isoDate, type Reply, xmlReply } from '../exchange.ts'
import { take, walk } from '../listing.ts'
import { queryNumber } from '../request.ts'
import { SortedMap } from '../sorted-map.ts'
import { element, etagElement, optional, wrap, xmlDocument } from '../xml.ts'
import { encodingOf } from './list-objects.ts'
import { uploadOf } from './multipart.ts'

const owner = wrap('Initiator', element('ID', 'dray')) + wrap('Owner', element('ID', 'dray'))

export function listMultipartUploads(exchange: Exchange): Reply {
  const { request } = exchange
  const bucket = bucketOf(exchange)
  const encode = encodingOf(request)
  const maxUploads = Math.min(1000, queryNumber(request, 'max-uploads', 1000))
  const prefix = request.query.get('prefix') ?? ''
  const delimiter = request.query.get('delimiter') ?? ''
  const keyMarker = request.query.get('key-marker') ?? ''
  const idMarker = request.query.get('upload-id-marker') ?? ''
  const byKey = new SortedMap<Upload[]>()
  for (const upload of bucket.uploads.values()) {
    const before = byKey.get(upload.key)
    if (before) before.push(upload)
    else byKey.set(upload.key, [upload])
  }
  const { taken, more } = take(uploadsFrom(), maxUploads)
  function* uploadsFrom(): Generator<Upload | { commonPrefix: string }> {
    // With both markers, the rest of the marker's own key comes first.
    if (idMarker !== '' && keyMarker !== '' && keyMarker.startsWith(prefix))
      yield* (byKey.get(keyMarker as Key) ?? []).filter(({ id }) => id > idMarker)
    const after = keyMarker === '' ? null : keyMarker
    for (const step of walk(byKey, { prefix, delimiter, after }, () => true)) {
      if ('key' in step) yield* step.value
      else yield step
    }
  }
  const last = more ? taken.at(-1) : undefined
  const nextMarkers =
    last === undefined
      ? ''
      : 'commonPrefix' in last
        ? element('NextKeyMarker', encode(last.commonPrefix))
        : element('NextKeyMarker', encode(last.key)) + element('NextUploadIdMarker', last.id)
  const uploads = taken.flatMap((item) =>
    'id' in item
      ? wrap(
          'Upload',
          element('Key', encode(item.key)) +
            element('UploadId', item.id) +
            owner +
            element('StorageClass', item.headers['x-amz-storage-class'] ?? 'STANDARD') +
            element('Initiated', isoDate(item.initiated)),
        )
      : wrap('CommonPrefixes', element('Prefix', encode(item.commonPrefix))),
  )
  return xmlReply(
    xmlDocument(
      'ListMultipartUploadsResult',
      element('Bucket', bucket.name) +
        element('KeyMarker', encode(keyMarker)) +
        element('UploadIdMarker', idMarker) +
        nextMarkers +
        element('Prefix', encode(prefix)) +
        optional('Delimiter', encode(delimiter)) +
        optional('EncodingType', request.query.get('encoding-type')) +
        element('MaxUploads', maxUploads) +
        element('IsTruncated', String(more)) +
        uploads.join(''),
    ),
  )
}

export function listParts(exchange: Exchange): Reply {
  const { request } = exchange
  const upload = uploadOf(exchange)
  const maxParts = Math.min(1000, queryNumber(request, 'max-parts', 1000))
  const marker = queryNumber(request, 'part-number-marker', 0)
  const after = [...upload.parts.values()]
    .filter(({ number }) => number > marker)
    .sort((a, b) => a.number - b.number)
  const { taken, more } = take(after, maxParts)
  const parts = taken.map((part) =>
    wrap(
      'Part',
      element('PartNumber', part.number) +
        element('LastModified', isoDate(part.modified)) +
        etagElement(part.etag) +
        (upload.checksum ? optional(`Checksum${upload.checksum.name}`, part.checksum) : '') +
        element('Size', part.body.size),
    ),
  )
  return xmlReply(
    xmlDocument(
      'ListPartsResult',
      element('Bucket', request.bucket!) +
        element('Key', encodingOf(request)(upload.key)) +
        element('UploadId', upload.id) +
        owner +
        element('StorageClass', upload.headers['x-amz-storage-class'] ?? 'STANDARD') +
        element('PartNumberMarker', marker) +
        element('NextPartNumberMarker', taken.at(-1)?.number ?? 0) +
        element('MaxParts', maxParts) +
        element('IsTruncated', String(more)) +
        optional('ChecksumAlgorithm', upload.checksum?.name) +
        optional('ChecksumType', upload.checksum?.type) +
        parts.join(''),
    ),
  )
}
