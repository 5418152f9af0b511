/** ListParts and ListMultipartUploads, by the ids that the application knows. */
import { queryNumber } from '../s3-server/request.ts'
import { element, optional, wrap, xmlDocument } from '../s3-server/xml.ts'
import { passedOnQuery } from './headers.ts'
import { openUploadOf, renamed } from './multipart.ts'
import type { Answer, Exchange, World } from './world.ts'
import { outcomeOf, tryAgain } from './writing.ts'

export async function listParts(world: World, exchange: Exchange): Promise<Answer> {
  const upload = openUploadOf(world, exchange)
  const { record } = world.roles
  const query = { ...passedOnQuery(exchange.request.query), uploadId: upload[record.name]! }
  const outcome = await outcomeOf(
    record.ask({ method: 'GET', key: upload.key, query, signal: exchange.signal }),
  )
  if (outcome.response === null) throw tryAgain()
  return renamed(world, record, upload.key, outcome, upload.id)
}

/** Those that were begun through the mirror: of others nobody here could do anything. */
export async function listUploads(world: World, { request }: Exchange): Promise<Answer> {
  const { query } = request
  const prefix = query.get('prefix') ?? ''
  const delimiter = query.get('delimiter') ?? ''
  const keyMarker = query.get('key-marker') ?? ''
  const idMarker = query.get('upload-id-marker') ?? ''
  const most = Math.min(1_000, queryNumber(request, 'max-uploads', 1_000, 1))
  const found = world.uploads.list(
    prefix,
    { key: keyMarker, id: idMarker === '' ? '\xff' : idMarker },
    most + 1,
  )
  const shown = found.slice(0, most)
  const last = found.length > most ? shown.at(-1) : undefined
  const folders = new Set<string>()
  const lines = shown.flatMap(({ key, id, begun }) => {
    const at = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
    if (at >= 0) {
      folders.add(key.slice(0, at + delimiter.length))
      return []
    }
    return [
      wrap(
        'Upload',
        element('Key', key) +
          element('UploadId', id) +
          element('Initiated', new Date(begun).toISOString()) +
          element('StorageClass', 'STANDARD'),
      ),
    ]
  })
  return {
    status: 200,
    headers: { 'content-type': 'application/xml' },
    body: xmlDocument(
      'ListMultipartUploadsResult',
      element('Bucket', world.bucket) +
        element('KeyMarker', keyMarker) +
        element('UploadIdMarker', idMarker) +
        optional('NextKeyMarker', last?.key) +
        optional('NextUploadIdMarker', last?.id) +
        optional('Delimiter', delimiter) +
        element('Prefix', prefix) +
        element('MaxUploads', most) +
        element('IsTruncated', String(last !== undefined)) +
        lines.join('') +
        [...folders].map((folder) => wrap('CommonPrefixes', element('Prefix', folder))).join(''),
    ),
  }
}
