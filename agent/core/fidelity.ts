/**
 * What of an object goes to its destination, besides its bytes: by policy, and by what the destination can hold. Pure.
 * Nothing is left out in silence: `dropped` names all that the object has and the destination is not given, `lost` those of it
 * that the policy would have kept, if only the destination could hold them.
 */
import mime from 'mime'
import type { FidelityPolicy, Property } from '../../shared/fidelity.ts'
import type { Encryption, Properties } from '../storage/properties.ts'
import type { Entry, Metadata, Storage } from '../storage/storage.ts'
import { isArchiveClass } from './archive-class.ts'
import { carry } from './carry.ts'

export interface Carried {
  readonly metadata: Metadata
  readonly dropped: readonly Property[]
  readonly lost: readonly Property[]
}

/** What a destination has refused so far. A checksum can be computed again: without it nothing is lost. */
export type Refusable = Property | 'checksum'

const nothing: readonly Property[] = []

export function carried(
  metadata: Metadata,
  source: Pick<Entry, 'mtime' | 'key'>,
  to: Storage['kind'],
  policy: FidelityPolicy,
  refused: ReadonlySet<Refusable>,
): Carried {
  const kept = carry(metadata, source, to)
  if (to === 'file') {
    const lost = lostInFile(metadata, source.key)
    return { metadata: kept, dropped: lost, lost }
  }
  const { encryption } = policy
  const asked = encryption === 'default' || encryption === 'keep' ? undefined : encryptionOf(encryption)
  if (!metadata.properties) {
    // The usual case, and the hot one.
    if (!asked && typeof policy.storageClass !== 'object' && !losesNames(metadata.user, refused))
      return { metadata: kept, dropped: nothing, lost: nothing }
  }
  const { headers, user } = kept
  const had = metadata.properties ?? {}
  const { properties, dropped } = byPolicy(had, policy, asked)
  const lost = [...namesOf(properties)].filter(
    (name): name is Property => refused.has(name) && name !== 'checksum',
  )
  // Nobody asked the source for tags that the destination would not take.
  const areUnasked = had.tags === undefined && (had.tagCount ?? 0) > 0
  if (areUnasked && policy.tags === 'keep' && refused.has('tags')) lost.push('tags')
  if (had.missing !== undefined) lost.push('hidden-metadata')
  if (losesNames(kept.user, refused)) lost.push('user-metadata')
  const given = without(properties, refused)
  return {
    metadata: { headers, user, ...(Object.keys(given).length > 0 && { properties: given }) },
    dropped: lost.length === 0 ? dropped : [...dropped, ...lost],
    lost,
  }
}

/** Ceph's gateway makes hyphens of the underscores in names of user metadata: the values are given to it all the same. */
const losesNames = (user: Metadata['user'], refused: ReadonlySet<Refusable>) =>
  refused.has('user-metadata') && hasUnderscore(user)

export function hasUnderscore(user: Metadata['user']): boolean {
  for (const name in user) if (name.includes('_')) return true
  return false
}

function byPolicy(
  properties: Properties,
  policy: FidelityPolicy,
  asked: Encryption | undefined,
): { properties: Properties; dropped: Property[] } {
  const dropped: Property[] = []
  const { storageClass, tagCount, tags, redirect, retention, legalHold, checksum, acl } = properties
  const toClass = storageClassOf(storageClass, policy)
  if (storageClass !== undefined && toClass === undefined) dropped.push('storage-class')
  if (policy.tags === 'drop' && (tagCount ?? 0) > 0) dropped.push('tags')
  const isLocked = retention !== undefined || legalHold === true
  if (policy.objectLock === 'drop' && isLocked) dropped.push('object-lock')
  // A key of the customer's belongs to a location, and not to a policy.
  const own = properties.encryption?.algorithm === 'customer' ? undefined : properties.encryption
  const encryption = policy.encryption === 'keep' ? own : asked
  return {
    dropped,
    properties: {
      ...(toClass !== undefined && toClass !== 'STANDARD' && { storageClass: toClass }),
      ...(policy.tags === 'keep' && tags && tags.length > 0 && { tags }),
      ...(redirect !== undefined && { redirect }),
      ...(policy.objectLock === 'keep' && retention && { retention }),
      ...(policy.objectLock === 'keep' && legalHold && { legalHold }),
      ...(encryption && { encryption }),
      ...(checksum && { checksum }),
      ...(policy.acl === 'keep' && acl && { acl }),
    },
  }
}

/** Classes whose objects must be restored before they can be read. */

/** Undefined: the destination's default, where the source's is another. STANDARD where that is what it is to be. */
function storageClassOf(from: string | undefined, { storageClass }: FidelityPolicy): string | undefined {
  if (typeof storageClass === 'object') {
    const to = storageClass.to[from ?? 'STANDARD'] ?? storageClass.to['*']
    if (to !== undefined) return to
  } else if (storageClass === 'default') return undefined
  return from === undefined || isArchiveClass(from) ? undefined : from
}

/** As the policy writes it: `aws:kms:KEY`. */
function encryptionOf(text: string): Encryption {
  const [, algorithm, key] = /^(AES256|aws:kms:dsse|aws:kms)(?::(.*))?$/s.exec(text) ?? []
  return { algorithm: (algorithm ?? 'AES256') as Encryption['algorithm'], ...(key && { key }) }
}

/** What a file system has no place for. Classes and encryption are a store's own affair, and a checksum can be had again. */
function lostInFile({ headers, user, properties }: Metadata, key: Entry['key']): readonly Property[] {
  const lost: Property[] = []
  if (!isSuggested(headers['content-type'], key)) lost.push('content-type')
  for (const name in headers) {
    if (name === 'content-type') continue
    lost.push('content-headers')
    break
  }
  for (const name in user) {
    if (name === 'mtime') continue
    lost.push('user-metadata')
    break
  }
  if (properties) {
    const { tagCount = 0, tags = [], redirect, retention, legalHold, acl, missing } = properties
    if (tagCount + tags.length > 0) lost.push('tags')
    if (redirect !== undefined) lost.push('redirect')
    if (retention || legalHold) lost.push('object-lock')
    if (acl) lost.push('acl')
    if (missing !== undefined) lost.push('hidden-metadata')
  }
  return lost.length === 0 ? nothing : lost
}

/** What stores say of an object that was given no type. */
const untyped = new Set(['binary/octet-stream', 'application/octet-stream', ''])

/** Whether a file of this name would be taken for the same type again. */
function isSuggested(type: string | undefined, key: Entry['key']): boolean {
  if (type === undefined || untyped.has(type)) return true
  return mime.getType(`/${key}`) === type
}

/** Those of them that a store may refuse to take. */
export function namesOf(properties: Properties): Set<Refusable> {
  const { storageClass, tags, redirect, retention, legalHold, encryption, checksum, acl } = properties
  const names = new Set<Refusable>()
  if (storageClass !== undefined) names.add('storage-class')
  if (encryption) names.add('encryption')
  if (retention || legalHold) names.add('object-lock')
  if (tags) names.add('tags')
  if (acl) names.add('acl')
  if (redirect !== undefined) names.add('redirect')
  if (checksum) names.add('checksum')
  return names
}

/** Which member of `Properties` each is. */
const members: Partial<Record<Refusable, readonly (keyof Properties)[]>> = {
  'storage-class': ['storageClass'],
  encryption: ['encryption'],
  'object-lock': ['retention', 'legalHold'],
  tags: ['tags'],
  acl: ['acl'],
  redirect: ['redirect'],
  checksum: ['checksum'],
}

export function without(properties: Properties, names: ReadonlySet<Refusable>): Properties {
  if (names.size === 0) return properties
  const left: { -readonly [name in keyof Properties]?: Properties[name] } = { ...properties }
  for (const name of names) for (const member of members[name] ?? []) delete left[member]
  return left as Properties
}
