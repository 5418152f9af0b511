/** Multipart uploads: begin, parts, complete, abort. A completed object is made of its parts' bodies as they lie. */
import { createHash, randomBytes } from 'node:crypto'
import { aclOf } from '../acl.ts'
import { receiveBody, receiveBytes } from '../body.ts'
import type { Bucket, Part, Upload } from '../bucket.ts'
import { type Checksum, checksumName, checksumNames, headerOf, joinChecksums } from '../checksums.ts'
import { checkWrite } from '../conditions.ts'
import { customerKeyHeaders, customerKeyOf } from '../customer-key.ts'
import { S3Error } from '../errors.ts'
import { bucketOf, type Exchange, isoDate, keyOf, type Reply, versionHeader, xmlReply } from '../exchange.ts'
import { etagOf, extraOf, lockOf, objectHeaders, tagsOf } from '../object-headers.ts'
import { JoinedBody } from '../stored-body.ts'
import { element, etagElement, nodesOf, optional, parseXml, textOf, xmlDocument } from '../xml.ts'
import { copyBytes, copySource } from './copy-object.ts'
import { encryptionHeaders, maxBody } from './put-object.ts'

let lastUpload = 0

export function createMultipartUpload(exchange: Exchange): Reply {
  const { request, world } = exchange
  const bucket = bucketOf(exchange)
  const algorithm = request.headers.get('x-amz-checksum-algorithm')
  const name = algorithm === undefined ? null : checksumName(algorithm)
  const type =
    request.headers.get('x-amz-checksum-type') ?? (name === 'CRC64NVME' ? 'FULL_OBJECT' : 'COMPOSITE')
  if (type !== 'FULL_OBJECT' && type !== 'COMPOSITE')
    throw new S3Error('InvalidRequest', 'Value for x-amz-checksum-type header is invalid.')
  if (name && type === (name === 'CRC64NVME' ? 'COMPOSITE' : name.startsWith('SHA') && 'FULL_OBJECT'))
    throw new S3Error(
      'InvalidRequest',
      `The ${type} checksum type cannot be used with the ${name.toLowerCase()} checksum algorithm.`,
    )
  const upload: Upload = {
    // Rises with time, so that the uploads of one key are listed in the order in which they began.
    id: (++lastUpload).toString(16).padStart(12, '0') + randomBytes(24).toString('hex'),
    key: keyOf(exchange),
    initiated: world.now(),
    headers: objectHeaders(request),
    extra: extraOf({
      tags: tagsOf(request),
      lock: lockOf(request, bucket.lockable),
      acl: aclOf(request, bucket.enforcesOwner),
      customerKey: customerKeyOf(request),
    }),
    checksum: name && { name, type },
    parts: new Map(),
  }
  bucket.uploads.set(upload.id, upload)
  return xmlReply(
    xmlDocument(
      'InitiateMultipartUploadResult',
      element('Bucket', bucket.name) + element('Key', upload.key) + element('UploadId', upload.id),
    ),
    {
      ...(name ? { 'x-amz-checksum-algorithm': name, 'x-amz-checksum-type': type } : {}),
      ...encryptionHeaders(upload.headers),
    },
  )
}

export const uploadOf = (exchange: Exchange): Upload =>
  bucketOf(exchange).upload(keyOf(exchange), exchange.request.query.get('uploadId') ?? '')

function partNumberOf({ request }: Exchange): number {
  const text = request.query.get('partNumber') ?? ''
  const number = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (number >= 1 && number <= 10_000) return number
  throw new S3Error('InvalidArgument', 'Part number must be an integer between 1 and 10000, inclusive', {
    fields: { ArgumentName: 'partNumber', ArgumentValue: text },
  })
}

/** The upload may have ended while the part was on its way. */
function keepPart(exchange: Exchange, part: Part): void {
  try {
    const { parts } = uploadOf(exchange)
    parts.get(part.number)?.body.discard()
    parts.set(part.number, part)
  } catch (error) {
    part.body.discard()
    throw error
  }
}

export async function uploadPart(exchange: Exchange): Promise<Reply> {
  const { world } = exchange
  const number = partNumberOf(exchange)
  const upload = uploadOf(exchange)
  const customerKey = customerKeyOf(exchange.request)
  if (customerKey !== (upload.extra.customerKey ?? null))
    throw new S3Error(
      'InvalidRequest',
      'The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.',
    )
  const { body, md5, checksum } = await receiveBody(exchange, world.dir, maxBody)
  if (upload.checksum && checksum?.name !== upload.checksum.name) {
    body.discard()
    throw new S3Error(
      'InvalidRequest',
      `Checksum Type mismatch occurred, expected checksum Type: ${upload.checksum.name.toLowerCase()}, actual checksum Type: ${checksum?.name.toLowerCase() ?? 'null'}`,
    )
  }
  const etag = etagOf(world, upload.headers, md5, customerKey)
  keepPart(exchange, { number, etag, body, modified: world.now(), checksum: checksum?.value ?? null })
  return {
    status: 200,
    headers: {
      etag: `"${etag}"`,
      ...(checksum ? { [headerOf(checksum.name)]: checksum.value } : {}),
      ...encryptionHeaders(upload.headers),
      ...customerKeyHeaders(customerKey),
    },
  }
}

export async function uploadPartCopy(exchange: Exchange): Promise<Reply> {
  const { request, world } = exchange
  const number = partNumberOf(exchange)
  const upload = uploadOf(exchange)
  const { version, headers } = copySource(exchange)
  const range = request.headers.get('x-amz-copy-source-range')
  const found = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(range ?? `bytes=0-${Math.max(0, version.size - 1)}`)
  const [first, last] = [Number(found?.[1]), Number(found?.[2])]
  if (!found || first > last || (range !== undefined && last >= version.size))
    throw new S3Error(
      found ? 'InvalidRange' : 'InvalidArgument',
      'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy',
    )
  if (last - first >= maxBody) throw new S3Error('InvalidRequest', 'The specified copy source is too large')
  const { body, md5 } = await copyBytes(version.body!, first, Math.min(last, version.size - 1), world.dir)
  const etag = etagOf(world, upload.headers, md5)
  const part = { number, etag, body, modified: world.now(), checksum: null }
  keepPart(exchange, part)
  return xmlReply(
    xmlDocument(
      'CopyPartResult',
      element('LastModified', isoDate(Math.floor(part.modified / 1000) * 1000)) + etagElement(etag),
    ),
    headers,
  )
}

export async function completeMultipartUpload(exchange: Exchange): Promise<Reply> {
  const { request, world } = exchange
  uploadOf(exchange)
  const document = parseXml(await receiveBytes(exchange, { checksumOf: 'object' }), 'CompleteMultipartUpload')
  const upload = uploadOf(exchange)
  const bucket = bucketOf(exchange)
  const wanted = nodesOf(document, 'Part').map((node) => ({
    number: Number(textOf(node, 'PartNumber') ?? Number.NaN),
    etag: (textOf(node, 'ETag') ?? '').trim().replace(/^"|"$/g, ''),
    checksum: upload.checksum && textOf(node, `Checksum${upload.checksum.name}`),
  }))
  if (wanted.length === 0 || wanted.some(({ number }) => !Number.isInteger(number)))
    throw new S3Error('MalformedXML')
  const parts = wanted.map(({ number, etag, checksum }, i) => {
    if (i > 0 && number <= wanted[i - 1]!.number)
      throw new S3Error('InvalidPartOrder', undefined, { fields: { UploadId: upload.id } })
    const part = upload.parts.get(number)
    if (!part || part.etag !== etag || (checksum && checksum !== part.checksum))
      throw new S3Error('InvalidPart', undefined, {
        fields: { UploadId: upload.id, PartNumber: String(number), ETag: etag },
      })
    if (upload.checksum?.type === 'COMPOSITE' && !checksum)
      throw new S3Error(
        'InvalidRequest',
        `The upload was created using a ${upload.checksum.name.toLowerCase()} checksum. The complete request must include the checksum for each part. It was missing for part ${number} in the request.`,
      )
    return part
  })
  const small = parts.slice(0, -1).find((part) => part.body.size < world.minPartSize)
  if (small)
    throw new S3Error('EntityTooSmall', undefined, {
      fields: {
        ProposedSize: String(small.body.size),
        MinSizeAllowed: String(world.minPartSize),
        PartNumber: String(small.number),
        ETag: small.etag,
      },
    })
  const body = new JoinedBody(parts.map((part) => part.body))
  const saidSize = request.headers.get('x-amz-mp-object-size')
  if (saidSize !== undefined && Number(saidSize) !== body.size)
    throw new S3Error(
      'InvalidRequest',
      'The provided x-amz-mp-object-size header does not match what was computed.',
    )
  const checksum = joined(exchange, upload, parts)
  checkWrite(request, bucket, upload.key)

  bucket.uploads.delete(upload.id)
  for (const part of upload.parts.values()) if (!parts.includes(part)) part.body.discard()
  const version = bucket.put(upload.key, {
    etag: multipartEtag(parts),
    body,
    headers: upload.headers,
    modified: upload.initiated,
    extra: {
      ...upload.extra,
      ...extraOf({ checksum }),
      parts: parts.map((part, i) => ({ number: i + 1, size: part.body.size, checksum: part.checksum })),
    },
  })
  return xmlReply(
    xmlDocument(
      'CompleteMultipartUploadResult',
      element('Location', `http://${request.headers.get('host')}${request.path}`) +
        element('Bucket', bucket.name) +
        element('Key', upload.key) +
        etagElement(version.etag) +
        optional(`Checksum${checksum?.name}`, checksum?.value) +
        optional('ChecksumType', checksum?.type),
    ),
    { ...versionHeader(bucket, version), ...encryptionHeaders(upload.headers) },
  )
}

function multipartEtag(parts: readonly Part[]): string {
  const md5 = createHash('md5')
  for (const part of parts) md5.update(part.etag, 'hex')
  return `${md5.digest('hex')}-${parts.length}`
}

/** The whole object's checksum, which a request to complete may state too. */
function joined({ request }: Exchange, upload: Upload, parts: readonly Part[]): Checksum | null {
  const { checksum } = upload
  if (!checksum || parts.some((part) => part.checksum === null)) return null
  const whole = joinChecksums(
    checksum.name,
    checksum.type,
    parts.map((part) => ({ value: part.checksum!, size: part.body.size })),
  )
  for (const name of checksumNames) {
    const said = request.headers.get(headerOf(name))
    if (
      said !== undefined &&
      (name !== checksum.name || said.replace(/-\d+$/, '') !== whole.value.replace(/-\d+$/, ''))
    )
      throw new S3Error(
        'BadDigest',
        `The ${name.toLowerCase()} you specified did not match the calculated checksum.`,
      )
  }
  return whole
}

export function abortMultipartUpload(exchange: Exchange): Reply {
  const upload = uploadOf(exchange)
  discardUpload(bucketOf(exchange), upload)
  return { status: 204 }
}

export function discardUpload(bucket: Bucket, upload: Upload): void {
  bucket.uploads.delete(upload.id)
  for (const part of upload.parts.values()) part.body.discard()
}
