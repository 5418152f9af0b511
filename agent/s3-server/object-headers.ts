/** The headers that stay with an object and come back exactly as they were given. */
import { randomBytes } from 'node:crypto'
import { S3Error } from './errors.ts'
import type { World } from './exchange.ts'
import type { Extra, Lock, ObjectVersion, Tags } from './object-version.ts'
import { parseQuery, type S3Request } from './request.ts'

const kept = new Set([
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
  'x-amz-server-side-encryption',
  'x-amz-server-side-encryption-aws-kms-key-id',
  'x-amz-server-side-encryption-bucket-key-enabled',
  'x-amz-storage-class',
  'x-amz-website-redirect-location',
])
const maxUserMetadata = 2048
const storageClasses = new Set(
  'STANDARD REDUCED_REDUNDANCY STANDARD_IA ONEZONE_IA INTELLIGENT_TIERING GLACIER_IR GLACIER DEEP_ARCHIVE'.split(
    ' ',
  ),
)
const encryptions = new Set(['AES256', 'aws:kms', 'aws:kms:dsse'])

export function objectHeaders(request: S3Request): Record<string, string> {
  const headers: Record<string, string> = { 'content-type': 'binary/octet-stream' }
  let userBytes = 0
  for (const [name, value] of request.headers) {
    if (name.startsWith('x-amz-meta-')) userBytes += name.length - 'x-amz-meta-'.length + value.length
    else if (!kept.has(name)) continue
    if (name !== 'content-encoding') headers[name] = value
    else {
      // aws-chunked is a form of this one transfer, no property of the object.
      const encodings = value.split(',').filter((each) => each.trim().toLowerCase() !== 'aws-chunked')
      if (encodings.length > 0) headers[name] = encodings.join(',').trim()
    }
  }
  if (userBytes > maxUserMetadata)
    throw new S3Error('MetadataTooLarge', undefined, {
      fields: { Size: String(userBytes), MaxSizeAllowed: String(maxUserMetadata) },
    })
  const storageClass = headers['x-amz-storage-class']
  if (storageClass !== undefined && !storageClasses.has(storageClass))
    throw new S3Error('InvalidStorageClass')
  if (storageClass === 'STANDARD') delete headers['x-amz-storage-class']
  const encryption = headers['x-amz-server-side-encryption']
  if (encryption !== undefined && !encryptions.has(encryption))
    throw new S3Error('InvalidArgument', 'The encryption method specified is not supported')
  return headers
}

export const storageClassOf = (version: ObjectVersion): string =>
  version.headers['x-amz-storage-class'] ?? 'STANDARD'

/** The MD5, but under SSE-KMS and SSE-C, and where the server was asked to be such a store, 32 hex digits that say nothing. */
export function etagOf(
  world: World,
  headers: Readonly<Record<string, string>>,
  md5: string,
  customerKey: string | null = null,
): string {
  const opaque =
    world.opaqueEtags ||
    customerKey !== null ||
    headers['x-amz-server-side-encryption']?.startsWith('aws:kms')
  return opaque ? randomBytes(16).toString('hex') : md5
}

export function tagsOf(request: S3Request): Tags {
  const header = request.headers.get('x-amz-tagging')
  return header === undefined ? [] : checkTags(parseQuery(header))
}

export function checkTags(tags: Tags): Tags {
  if (tags.length > 10) throw new S3Error('InvalidTag', 'Object tags cannot be greater than 10')
  if (new Set(tags.map(([name]) => name)).size !== tags.length)
    throw new S3Error('InvalidTag', 'Cannot provide multiple Tags with the same key')
  for (const [name, value] of tags)
    if (name === '' || name.length > 128 * 4 || value.length > 256 * 4) throw new S3Error('InvalidTag')
  return tags
}

export function lockOf(request: S3Request, lockable: boolean): Lock | null {
  const mode = request.headers.get('x-amz-object-lock-mode') ?? null
  const until = request.headers.get('x-amz-object-lock-retain-until-date')
  const legalHold = request.headers.get('x-amz-object-lock-legal-hold')
  if (mode === null && until === undefined && legalHold === undefined) return null
  if (!lockable) throw new S3Error('InvalidRequest', 'Bucket is missing Object Lock Configuration')
  return { ...checkRetention(mode, until ?? null), legalHold: legalHold === 'ON' }
}

export function checkRetention(
  mode: string | null,
  until: string | null,
): { mode: string | null; until: number } {
  if (mode === null && until === null) return { mode, until: 0 }
  const time = Date.parse(until ?? '')
  if ((mode !== 'GOVERNANCE' && mode !== 'COMPLIANCE') || Number.isNaN(time))
    throw new S3Error(
      'InvalidArgument',
      'x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied',
    )
  return { mode, until: time }
}

/** What of tags, checksum and lock there is, or nothing at all. */
export function extraOf(parts: Partial<Record<keyof Extra, unknown>>): Extra {
  return Object.fromEntries(
    Object.entries(parts).filter(
      ([, value]) => value !== null && !(Array.isArray(value) && value.length === 0),
    ),
  ) as Extra
}
