/** Archived objects: which they are, and RestoreObject, which makes a readable copy of one for some days. */
import { receiveBytes } from '../body.ts'
import { S3Error } from '../errors.ts'
import { bucketOf, type Exchange, objectOf, type Reply, versionHeader, type World } from '../exchange.ts'
import { storageClassOf } from '../object-headers.ts'
import type { ObjectVersion } from '../object-version.ts'
import { parseXml, textOf } from '../xml.ts'
import { changeable } from './object-settings.ts'

const day = 24 * 3_600_000

const isArchived = (version: ObjectVersion): boolean =>
  ['GLACIER', 'DEEP_ARCHIVE'].includes(storageClassOf(version)) ||
  version.headers['x-amz-archive-status'] !== undefined

/** Throws where it must be restored before it can be read. */
export function checkReadable({ now }: World, version: ObjectVersion): void {
  const { restore } = version.extra ?? {}
  if (!isArchived(version) || (restore && restore.ready <= now())) return
  throw new S3Error('InvalidObjectState', undefined, { fields: { StorageClass: storageClassOf(version) } })
}

export function restoreHeader({ now }: World, { extra }: ObjectVersion): Record<string, string> {
  if (!extra?.restore) return {}
  const { ready, days } = extra.restore
  const expires = new Date(ready + days * day).toUTCString()
  return {
    'x-amz-restore':
      ready > now() ? 'ongoing-request="true"' : `ongoing-request="false", expiry-date="${expires}"`,
  }
}

export async function restoreObject(exchange: Exchange): Promise<Reply> {
  const { world } = exchange
  const document = parseXml(await receiveBytes(exchange), 'RestoreRequest')
  const version = objectOf(exchange)
  if (!isArchived(version)) throw new S3Error('InvalidObjectState')
  const isTiered = storageClassOf(version) === 'INTELLIGENT_TIERING'
  const days = Number(textOf(document, 'Days') ?? (isTiered ? 1 : Number.NaN))
  if (!Number.isInteger(days) || days < 1) throw new S3Error('MalformedXML')
  const before = version.extra?.restore
  if (before && before.ready > world.now()) throw new S3Error('RestoreAlreadyInProgress')
  const kept = changeable(exchange)
  const ready = before?.ready ?? world.now() + world.restoreMs
  kept.extra = { ...kept.extra, restore: { ready, days } }
  return { status: before ? 200 : 202, headers: versionHeader(bucketOf(exchange), kept) }
}
