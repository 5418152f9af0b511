/**
 * Listing lines as records that sort as their keys do: fields of bytes, the first of which is the key at the destination (the
 * record's *place*). Fields end with 0x01 and records never hold a NUL, so that places of any bytes keep their order.
 */
import type { ErrorCode } from '../../shared/error.ts'
import type { Key } from '../../shared/key.ts'
import type { Entry } from '../storage/storage.ts'

/** An object of the source, and where it goes. */
export interface Placed {
  /** Its key at the destination; its own where it has none. */
  readonly place: Key
  /** As the source lists it; of a manifest's row only `key` and `version` say anything before it is looked up. */
  readonly entry: Entry
  /** Why it goes nowhere. */
  readonly refusal?: { readonly code: ErrorCode; readonly message: string } | undefined
}

const end = '\x01'
/** For a key that is its place; no guarded field is this. */
const same = '\x02'
const special = /[\0-\x02]/
const escapes = ['\x02\x02', '\x02\x03', '\x02\x04']

const guarded = (field: string) =>
  special.test(field) ? field.replace(/[\0-\x02]/g, (c) => escapes[c.charCodeAt(0)]!) : field
const unguarded = (field: string) =>
  field.includes('\x02')
    ? field.replace(/\x02(.)/gs, (_, c: string) => String.fromCharCode(c.charCodeAt(0) - 2))
    : field

export function toRecord({ place, entry, refusal }: Placed): string {
  const { key, kind, size, mtime, token, storageClass = '', version = '' } = entry
  const head = `${guarded(place)}${end}${place === key ? same : guarded(key)}${end}${kind}${end}${size}${end}${mtime}${end}${guarded(token)}`
  if (storageClass === '' && version === '' && refusal === undefined) return head
  const tail = [storageClass, version, refusal?.code ?? '', refusal ? bytesOf(refusal.message) : '']
  return `${head}${end}${tail.map(guarded).join(end)}`
}

export function fromRecord(record: string): Placed {
  const fields = record.split(end)
  const place = unguarded(fields[0]!) as Key
  const [, key, kind, size, mtime, token, storageClass, version, code, message] = fields
  const entry = {
    key: key === same ? place : (unguarded(key!) as Key),
    kind: kind as Entry['kind'],
    size: Number(size),
    mtime: Number(mtime),
    token: unguarded(token!),
    ...(storageClass && { storageClass: unguarded(storageClass) }),
    ...(version && { version: unguarded(version) }),
  }
  if (!code) return { place, entry }
  return { place, entry, refusal: { code: code as ErrorCode, message: textOf(unguarded(message!)) } }
}

/** The first field as it stands in the record: equal where the places are. */
export const placeIn = (record: string): string => record.slice(0, record.indexOf(end))

/** What every record of a place up to `key` comes before, and every other one after. */
export const boundAfter = (key: Key): string => `${guarded(key)}\x02`

const bytesOf = (text: string) => Buffer.from(text).toString('latin1')
const textOf = (bytes: string) => Buffer.from(bytes, 'latin1').toString()
