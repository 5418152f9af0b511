/** CopyObject, and the source of a copy, which UploadPartCopy needs too. */
import { createHash } from 'node:crypto'
import { type Checksum, checksumName, createDigest } from '../checksums.ts'
import { checkRead, checkWrite } from '../conditions.ts'
import { checkCustomerKey } from '../customer-key.ts'
import { S3Error } from '../errors.ts'
import {
  bucketOf,
  type Exchange,
  findObject,
  isoDate,
  keyOf,
  type Reply,
  versionHeader,
  xmlReply,
} from '../exchange.ts'
import { etagOf, extraOf, lockOf, objectHeaders, tagsOf } from '../object-headers.ts'
import type { ObjectVersion } from '../object-version.ts'
import { parseKey, unescapeBytes } from '../request.ts'
import { chunksOf, createBody, type StoredBody } from '../stored-body.ts'
import { element, etagElement, optional, xmlDocument } from '../xml.ts'
import { encryptionHeaders, maxBody } from './put-object.ts'
import { checkReadable } from './restore-object.ts'

export interface CopySource {
  readonly version: ObjectVersion
  /** `bucket/key` and, where asked for, its version. */
  readonly name: string
  readonly headers: Record<string, string>
}

export function copySource({ request, world }: Exchange): CopySource {
  const header = request.headers.get('x-amz-copy-source') ?? ''
  const [path, versionId] = header.split('?versionId=') as [string, string | undefined]
  const found = /^\/?([^/]+)\/(.+)$/s.exec(path.replace(/^(\/?[^/]*?)%2F/i, '$1/'))
  if (!found)
    throw new S3Error(
      'InvalidArgument',
      'Copy Source must mention the source bucket and key: sourcebucket/sourcekey',
    )
  const name = unescapeBytes(found[1]!)
  const key = parseKey(found[2]!)
  const bucket = world.buckets.get(name)
  if (!bucket) throw new S3Error('NoSuchBucket', undefined, { fields: { BucketName: name } })
  if (bucket.requesterPays && request.headers.get('x-amz-request-payer') !== 'requester')
    throw new S3Error('AccessDenied')
  const version = findObject(bucket, key, versionId)
  checkCustomerKey(request, version, 'x-amz-copy-source-')
  checkRead(request, version, 'x-amz-copy-source-')
  checkReadable(world, version)
  const headers: Record<string, string> =
    bucket.versioning === null ? {} : { 'x-amz-copy-source-version-id': version.versionId }
  return { version, name: `${name}/${key}`, headers }
}

/** Writes the bytes anew, since nothing is shared between objects. */
export async function copyBytes(
  source: StoredBody,
  first: number,
  last: number,
  dir: string | null,
  also: (bytes: Buffer) => void = () => {},
): Promise<{ body: StoredBody; md5: string }> {
  const writer = createBody(last - first + 1, dir)
  const md5 = createHash('md5')
  for await (const bytes of chunksOf(source, first, last)) {
    md5.update(bytes)
    also(bytes)
    await writer.write(bytes)
  }
  return { body: await writer.finish(), md5: md5.digest('hex') }
}

export async function copyObject(exchange: Exchange): Promise<Reply> {
  const { request, world } = exchange
  const source = copySource(exchange)
  const { version } = source
  const key = keyOf(exchange)
  const replaces = directive(exchange, 'x-amz-metadata-directive')
  const replacesTags = directive(exchange, 'x-amz-tagging-directive')
  if (version.size > maxBody)
    throw new S3Error(
      'InvalidRequest',
      `The specified copy source is larger than the maximum allowable size for a copy source: ${maxBody}`,
    )
  const given = objectHeaders(request)
  const changes =
    replaces || ['x-amz-storage-class', 'x-amz-server-side-encryption'].some((name) => name in given)
  if (
    source.name === `${request.bucket}/${key}` &&
    !changes &&
    !request.headers.get('x-amz-copy-source')?.includes('?')
  )
    throw new S3Error(
      'InvalidRequest',
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    )
  const headers = replaces ? given : copiedHeaders(version, given)
  const asked = request.headers.get('x-amz-checksum-algorithm')
  const name = asked === undefined ? version.extra?.checksum?.name : checksumName(asked)
  const digest = name && createDigest(name)
  const copy = await copyBytes(version.body!, 0, version.size - 1, world.dir, (bytes) =>
    digest?.update(bytes),
  )
  const checksum: Checksum | null =
    name && digest ? { name, type: 'FULL_OBJECT', value: digest.digest().toString('base64') } : null
  try {
    const bucket = bucketOf(exchange)
    checkWrite(request, bucket, key)
    const placed = bucket.put(key, {
      etag: etagOf(world, headers, copy.md5),
      body: copy.body,
      headers,
      modified: world.now(),
      extra: extraOf({
        tags: replacesTags ? tagsOf(request) : (version.extra?.tags ?? []),
        checksum,
        lock: lockOf(request, bucket.lockable),
      }),
    })
    return xmlReply(
      xmlDocument(
        'CopyObjectResult',
        element('LastModified', isoDate(placed.modified)) +
          etagElement(placed.etag) +
          optional(`Checksum${checksum?.name}`, checksum?.value),
      ),
      { ...source.headers, ...versionHeader(bucket, placed), ...encryptionHeaders(headers) },
    )
  } catch (error) {
    copy.body.discard()
    throw error
  }
}

function directive({ request }: Exchange, name: string): boolean {
  const value = request.headers.get(name) ?? 'COPY'
  if (value !== 'COPY' && value !== 'REPLACE') throw new S3Error('InvalidArgument', `Unknown ${name}.`)
  return value === 'REPLACE'
}

/** The source's, but what is no metadata (storage class, encryption) is as the request says. */
function copiedHeaders(version: ObjectVersion, given: Record<string, string>): Record<string, string> {
  const own = (name: string) =>
    name === 'x-amz-storage-class' || name.startsWith('x-amz-server-side-encryption')
  return Object.fromEntries([
    ...Object.entries(version.headers).filter(([name]) => !own(name)),
    ...Object.entries(given).filter(([name]) => own(name)),
  ])
}
