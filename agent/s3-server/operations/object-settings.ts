/** What can be asked of or changed on an object apart from its body: tags, attributes, retention and legal hold. */
import { keyFromText } from '../../../shared/key.ts'
import { receiveBytes } from '../body.ts'
import { S3Error } from '../errors.ts'
import {
  bucketOf,
  type Exchange,
  isoDate,
  keyOf,
  objectOf,
  type Reply,
  versionHeader,
  xmlReply,
} from '../exchange.ts'
import { checkRetention, checkTags, storageClassOf } from '../object-headers.ts'
import type { Lock, ObjectVersion } from '../object-version.ts'
import { element, nodesOf, optional, parseXml, textOf, wrap, xmlDocument } from '../xml.ts'

/** The object, kept in the bucket as one that can be changed (a synthetic one is made afresh whenever it is asked for). */
export function changeable(exchange: Exchange): ObjectVersion {
  const version = objectOf(exchange)
  const { objects } = bucketOf(exchange)
  const key = keyOf(exchange)
  if (bucketOf(exchange).top(key) !== version && version.previous === null && version.versionId === 'null')
    objects.set(key, version)
  return version
}

const versioned = (exchange: Exchange, version: ObjectVersion) => versionHeader(bucketOf(exchange), version)

export function getObjectTagging(exchange: Exchange): Reply {
  const version = objectOf(exchange)
  const tags = (version.extra?.tags ?? []).map(([name, value]) =>
    wrap('Tag', element('Key', name) + element('Value', value)),
  )
  return xmlReply(xmlDocument('Tagging', wrap('TagSet', tags.join(''))), versioned(exchange, version))
}

export async function putObjectTagging(exchange: Exchange): Promise<Reply> {
  const document = parseXml(await receiveBytes(exchange), 'Tagging')
  const set = document.TagSet
  const tags = (typeof set === 'object' && !Array.isArray(set) ? nodesOf(set, 'Tag') : []).map(
    (tag) => [keyFromText(textOf(tag, 'Key') ?? ''), keyFromText(textOf(tag, 'Value') ?? '')] as const,
  )
  const version = changeable(exchange)
  version.extra = { ...version.extra, tags: checkTags(tags) }
  return { status: 200, headers: versioned(exchange, version) }
}

export function deleteObjectTagging(exchange: Exchange): Reply {
  const version = changeable(exchange)
  const { tags: _, ...rest } = version.extra ?? {}
  version.extra = rest
  return { status: 204, headers: versioned(exchange, version) }
}

export function getObjectAttributes(exchange: Exchange): Reply {
  const version = objectOf(exchange)
  const { checksum, parts } = version.extra ?? {}
  const asked = new Set(
    (exchange.request.headers.get('x-amz-object-attributes') ?? '').split(',').map((each) => each.trim()),
  )
  const name = checksum && `Checksum${checksum.name}`
  // Parts themselves are told only where they have checksums, as on AWS.
  const listed = (checksum?.type === 'COMPOSITE' ? (parts ?? []) : []).map((part) =>
    wrap(
      'Part',
      element('PartNumber', part.number) + element('Size', part.size) + optional(name ?? '', part.checksum),
    ),
  )
  const attributes: [string, string][] = [
    ['ETag', element('ETag', version.etag)],
    [
      'Checksum',
      name
        ? wrap(
            'Checksum',
            element(name, checksum.value.replace(/-\d+$/, '')) + element('ChecksumType', checksum.type),
          )
        : '',
    ],
    ['ObjectParts', parts ? wrap('ObjectParts', element('PartsCount', parts.length) + listed.join('')) : ''],
    ['StorageClass', element('StorageClass', storageClassOf(version))],
    ['ObjectSize', element('ObjectSize', version.size)],
  ]
  const shown = attributes.filter(([attribute]) => asked.has(attribute)).map(([, xml]) => xml)
  if (shown.length === 0) throw new S3Error('InvalidArgument', 'Invalid attribute name specified.')
  return xmlReply(xmlDocument('GetObjectAttributesResponse', shown.join('')), {
    'last-modified': new Date(version.modified).toUTCString(),
    ...versioned(exchange, version),
  })
}

const lockOf = (exchange: Exchange): Lock => {
  const lock = objectOf(exchange).extra?.lock
  if (lock) return lock
  throw new S3Error('NoSuchObjectLockConfiguration')
}

export function getObjectRetention(exchange: Exchange): Reply {
  const { mode, until } = lockOf(exchange)
  if (mode === null) throw new S3Error('NoSuchObjectLockConfiguration')
  return xmlReply(
    xmlDocument('Retention', element('Mode', mode) + element('RetainUntilDate', isoDate(until))),
  )
}

export function getObjectLegalHold(exchange: Exchange): Reply {
  return xmlReply(xmlDocument('LegalHold', element('Status', lockOf(exchange).legalHold ? 'ON' : 'OFF')))
}

/** A compliance lock can only be made longer; a governance lock can be eased by who says so. */
export async function putObjectRetention(exchange: Exchange): Promise<Reply> {
  const document = parseXml(await receiveBytes(exchange), 'Retention')
  const wanted = checkRetention(textOf(document, 'Mode'), textOf(document, 'RetainUntilDate'))
  const version = lockable(exchange)
  const lock = version.extra?.lock
  const bypass = exchange.request.headers.get('x-amz-bypass-governance-retention') === 'true'
  const bound = lock?.mode && lock.until > exchange.world.now() && !(lock.mode === 'GOVERNANCE' && bypass)
  if (bound && (wanted.until < lock.until || (lock.mode === 'COMPLIANCE' && wanted.mode !== 'COMPLIANCE')))
    throw new S3Error('AccessDenied', 'Access Denied because object protected by object lock.')
  version.extra = { ...version.extra, lock: { legalHold: lock?.legalHold ?? false, ...wanted } }
  return { status: 200 }
}

export async function putObjectLegalHold(exchange: Exchange): Promise<Reply> {
  const status = textOf(parseXml(await receiveBytes(exchange), 'LegalHold'), 'Status')
  if (status !== 'ON' && status !== 'OFF') throw new S3Error('MalformedXML')
  const version = lockable(exchange)
  const lock = version.extra?.lock ?? { mode: null, until: 0 }
  version.extra = { ...version.extra, lock: { ...lock, legalHold: status === 'ON' } }
  return { status: 200 }
}

function lockable(exchange: Exchange): ObjectVersion {
  if (!bucketOf(exchange).lockable)
    throw new S3Error('InvalidRequest', 'Bucket is missing Object Lock Configuration')
  return changeable(exchange)
}
