/**
 * What an object is besides its headers and user metadata, as S3's headers say it on the way out of a store and ask for
 * it on the way in. Values stay byte strings; tags alone are text, since they come out of a document.
 */
import type { Encryption, Properties, Retention, Tag } from '../properties.ts'
import { canned } from './acl.ts'

type Headers = Readonly<Record<string, string | undefined>>

const encryptionHeader = 'x-amz-server-side-encryption'
const checksumPrefix = 'x-amz-checksum-'

/** Whether a header says something that `propertiesOf` reads: most answers have none such. */
export const saysProperty = (name: string): boolean => telling.has(name) || name.startsWith(checksumPrefix)

const telling = new Set([
  'x-amz-storage-class',
  'x-amz-tagging-count',
  'x-amz-website-redirect-location',
  'x-amz-object-lock-mode',
  'x-amz-object-lock-legal-hold',
  'x-amz-missing-meta',
  encryptionHeader,
  `${encryptionHeader}-customer-algorithm`,
])

/** Undefined where there is nothing to say. */
export function propertiesOf(headers: Headers): Properties | undefined {
  const storageClass = headers['x-amz-storage-class']
  const redirect = headers['x-amz-website-redirect-location']
  const tagCount = Number(headers['x-amz-tagging-count'] ?? 0)
  const missing = Number(headers['x-amz-missing-meta'] ?? 0)
  const retention = retentionOf(headers)
  const encryption = encryptionOf(headers)
  const checksum = checksumOf(headers)
  const found: Properties = {
    ...(storageClass && storageClass !== 'STANDARD' && { storageClass }),
    ...(tagCount > 0 && { tagCount }),
    ...(redirect !== undefined && { redirect }),
    ...(retention && { retention }),
    ...(headers['x-amz-object-lock-legal-hold'] === 'ON' && { legalHold: true }),
    ...(encryption && { encryption }),
    ...(checksum && { checksum }),
    ...(missing > 0 && { missing }),
  }
  return Object.keys(found).length === 0 ? undefined : found
}

function retentionOf(headers: Headers): Retention | null {
  const mode = headers['x-amz-object-lock-mode']
  const until = headers['x-amz-object-lock-retain-until-date']
  if ((mode !== 'GOVERNANCE' && mode !== 'COMPLIANCE') || until === undefined) return null
  return { mode, until }
}

function encryptionOf(headers: Headers): Encryption | null {
  if (headers[`${encryptionHeader}-customer-algorithm`] !== undefined) return { algorithm: 'customer' }
  const algorithm = headers[encryptionHeader]
  if (algorithm === 'AES256') return { algorithm }
  if (algorithm !== 'aws:kms' && algorithm !== 'aws:kms:dsse') return null
  const key = headers[`${encryptionHeader}-aws-kms-key-id`]
  const bucketKey = headers[`${encryptionHeader}-bucket-key-enabled`]?.toLowerCase() === 'true'
  return { algorithm, ...(key !== undefined && { key }), ...(bucketKey && { bucketKey }) }
}

/** That of the whole body: one made of its parts' checksums (`…-3`) says nothing of a body that comes in one piece. */
function checksumOf(headers: Headers): Properties['checksum'] | null {
  if ((headers[`${checksumPrefix}type`] ?? 'FULL_OBJECT') !== 'FULL_OBJECT') return null
  for (const algorithm of ['crc64nvme', 'crc32c', 'crc32', 'sha256', 'sha1']) {
    const value = headers[checksumPrefix + algorithm]
    if (value !== undefined && !value.includes('-')) return { algorithm, value }
  }
  return null
}

/** The headers of a PUT or of an upload's beginning. What is no header of either (`lock`, grants to accounts) is left out. */
export function headersOfProperties(
  properties: Properties,
  upload: 'whole' | 'parts',
): Record<string, string> {
  const { storageClass, tags, redirect, encryption, checksum, acl } = properties
  const headers: Record<string, string> = {}
  if (storageClass !== undefined) headers['x-amz-storage-class'] = storageClass
  if (tags !== undefined && tags.length > 0) headers['x-amz-tagging'] = taggingOf(tags)
  if (redirect !== undefined) headers['x-amz-website-redirect-location'] = redirect
  if (encryption && encryption.algorithm !== 'customer') {
    headers[encryptionHeader] = encryption.algorithm
    if (encryption.key !== undefined) headers[`${encryptionHeader}-aws-kms-key-id`] = encryption.key
    if (encryption.bucketKey) headers[`${encryptionHeader}-bucket-key-enabled`] = 'true'
  }
  // A checksum of the whole is none of a part's.
  if (checksum && upload === 'whole') headers[checksumPrefix + checksum.algorithm] = checksum.value
  const name = acl && canned(acl)
  if (name) headers['x-amz-acl'] = name
  return headers
}

/** As S3 wants a lock with a PUT, which must then have a digest too. */
export function headersOfLock({ retention, legalHold }: Properties): Record<string, string> {
  return {
    ...(retention && {
      'x-amz-object-lock-mode': retention.mode,
      'x-amz-object-lock-retain-until-date': retention.until,
    }),
    ...(legalHold && { 'x-amz-object-lock-legal-hold': 'ON' }),
  }
}

const taggingOf = (tags: readonly Tag[]): string =>
  tags.map(({ name, value }) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&')
