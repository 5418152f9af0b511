/**
 * A page of ListObjectsV2, read from its bytes. Listing is the bulk of a pass in which little has changed, so the page is
 * scanned for the few elements that matter instead of being made a tree. The scanner takes exactly the documents that it
 * understands; anything else (comments, CDATA, nested or repeated elements, prefixes, attributes within) goes to the
 * real parser, and a test holds the two to one result.
 *
 * Keys come percent-escaped where the server says `<EncodingType>url`, so they become byte strings without any detour
 * by text: `%XX` is a byte and `+` a space. A server that ignores the encoding gives XML text, whose bytes are the key's.
 */
import { type Key, keyFromText } from '../../../shared/key.ts'
import type { Entry } from '../storage.ts'
import { unquoted } from './object-headers.ts'
import { withoutEntities } from './xml.ts'

/** An entry whose key is still the whole one. */
export type Listed = { -readonly [Field in keyof Entry]: Entry[Field] }

export interface ListingPage {
  readonly entries: Listed[]
  /** How to ask for the next page; null where this is the last. */
  readonly next: string | null
}

const lt = 0x3c
const rootTag =
  /^(?:\xef\xbb\xbf)?(?:<\?xml version="1\.[01]"(?: encoding="(?:UTF|utf)-8")?(?: standalone="(?:yes|no)")?\s*\?>)?\s*<ListBucketResult(?: [A-Za-z:]+="[^"<&]*")*>/

/** Null for a document that the scanner does not know. Ends only at the root's end tag, so a cut page is never whole. */
export function scanListing(bytes: Buffer): ListingPage | null {
  const text = bytes.toString('latin1')
  const root = rootTag.exec(text)
  if (!root) return null
  const escaped = text.includes('<EncodingType>url</EncodingType>')
  // XML makes one line end of another; the real parser knows when.
  if (!escaped && text.includes('\r')) return null

  const entries: Listed[] = []
  let truncated: boolean | null = null
  let token: string | null = null
  let at = root[0].length
  for (;;) {
    at = pastBlanks(bytes, at)
    if (text.startsWith('<Contents>', at)) {
      const end = scanContents(bytes, text, at + 10, escaped, entries)
      if (end < 0) return null
      at = end
      continue
    }
    if (text.startsWith('</ListBucketResult>', at)) {
      if (pastBlanks(bytes, at + 19) !== bytes.length || truncated === null) return null
      if (truncated && token === null) return null
      // A page that says it is the last and names a next one all the same is not believed to be the last.
      return { entries, next: token }
    }
    const open = /<([A-Za-z]+)(\/?)>/y
    open.lastIndex = at
    const [tag, name = '', empty] = open.exec(text) ?? []
    if (!tag) return null
    if (empty) {
      at += tag.length
      if (name === 'Contents') return null
      continue
    }
    const end = text.indexOf('<', at + tag.length)
    if (!text.startsWith(`</${name}>`, end)) return null
    const value = text.slice(at + tag.length, end)
    at = end + name.length + 3
    if (name === 'IsTruncated') {
      if (truncated !== null || (value !== 'true' && value !== 'false')) return null
      truncated = value === 'true'
    } else if (name === 'NextContinuationToken') {
      if (token !== null) return null
      token = plain(value)
      if (token === null || token === '') return null
    } else if ((name === 'EncodingType' && value !== 'url') || plain(value) === null) {
      return null
    }
  }
}

/** One `<Contents>`, from after its tag. Where it ends, or -1 for one that is not known. */
function scanContents(bytes: Buffer, text: string, from: number, escaped: boolean, into: Listed[]): number {
  let key: string | null = null
  let token: string | null = null
  let mtime = -1
  let size = -1
  let storageClass = ''
  let at = from
  for (;;) {
    if (bytes[at] !== lt) at = pastBlanks(bytes, at)
    const start = text.indexOf('>', at) + 1
    // The second letter and the tag's length tell the five apart; then the tag is compared whole.
    switch (bytes[at + 1]! * 256 + (start - at)) {
      case 0x4b05: {
        const end = leafEnd(text, at, start, '<Key>', '</Key>')
        if (end < 0 || key !== null) return -1
        key = escaped ? unescaped(bytes, start, end) : plain(bytes.toString('latin1', start, end))
        if (key === null) return -1
        at = end + 6
        break
      }
      case 0x4c0e: {
        const end = leafEnd(text, at, start, '<LastModified>', '</LastModified>')
        if (end < 0 || mtime >= 0) return -1
        mtime = scanTime(bytes, start, end)
        if (mtime < 0) return -1
        at = end + 15
        break
      }
      case 0x4506: {
        const end = leafEnd(text, at, start, '<ETag>', '</ETag>')
        if (end < 0 || token !== null) return -1
        token = scanEtag(bytes, text, start, end)
        if (token === null) return -1
        at = end + 7
        break
      }
      case 0x5306: {
        const end = leafEnd(text, at, start, '<Size>', '</Size>')
        if (end < 0 || size >= 0) return -1
        size = scanSize(bytes, start, end)
        if (size < 0) return -1
        at = end + 7
        break
      }
      case 0x530e: {
        const end = leafEnd(text, at, start, '<StorageClass>', '</StorageClass>')
        if (end < 0 || storageClass !== '') return -1
        const value = text.startsWith('STANDARD<', start)
          ? 'STANDARD'
          : plain(bytes.toString('latin1', start, end))
        if (!value) return -1
        storageClass = value
        at = end + 15
        break
      }
      case 0x2f0b: {
        if (!text.startsWith('</Contents>', at)) return -1
        if (key === null || key === '' || token === null || mtime < 0 || size < 0) return -1
        into.push(listed(key, size, mtime, token, storageClass))
        return start
      }
      default:
        at = pastElement(text, at)
        if (at < 0) return -1
    }
  }
}

export function listed(
  key: string,
  size: number,
  mtime: number,
  token: string,
  storageClass: string,
): Listed {
  const entry: Listed = { key: key as Key, kind: 'object', size, mtime, token }
  if (storageClass !== '' && storageClass !== 'STANDARD') entry.storageClass = storageClass
  return entry
}

/** Where the text of a leaf ends, or -1. */
function leafEnd(text: string, at: number, start: number, open: string, close: string): number {
  if (!text.startsWith(open, at)) return -1
  const end = text.indexOf('<', start)
  return text.startsWith(close, end) ? end : -1
}

function pastBlanks(bytes: Buffer, from: number): number {
  let at = from
  for (;;) {
    const byte = bytes[at]
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at
    at++
  }
}

const leaves = /^\s*(?:<([A-Za-z][A-Za-z0-9]*)(?:\/>|>[^<]*<\/\1>)\s*)+$/

/** Past an element of no interest (its owner, its checksum), or -1. */
function pastElement(text: string, at: number): number {
  const open = /<([A-Za-z][A-Za-z0-9]*)(\/?)>/y
  open.lastIndex = at
  const [tag, name = '', empty] = open.exec(text) ?? []
  if (!tag || /^(?:Key|LastModified|ETag|Size|StorageClass|Contents)$/.test(name)) return -1
  if (empty) return at + tag.length
  const close = `</${name}>`
  const end = text.indexOf(close, at)
  if (end < 0) return -1
  const inside = text.slice(at + tag.length, end)
  if (inside.includes('<') && !leaves.test(inside)) return -1
  if (plain(inside) === null) return -1
  return end + close.length
}

let scratch = Buffer.allocUnsafeSlow(4096)

const hexDigits = new Int8Array(256).fill(-1)
for (const [i, c] of [...'0123456789abcdef'].entries()) {
  hexDigits[c.charCodeAt(0)] = i
  hexDigits[c.toUpperCase().charCodeAt(0)] = i
}

/** The bytes of an escaped key, or null where an escape is none, or for a `&`, which may be XML's. */
export function unescaped(bytes: Buffer, start: number, end: number, isXml = true): string | null {
  if (end - start > scratch.length) scratch = Buffer.allocUnsafeSlow(2 * (end - start))
  let length = 0
  for (let i = start; i < end; i++) {
    let byte = bytes[i]!
    if (byte === 0x25) {
      if (i + 2 >= end) return null
      byte = hexDigits[bytes[i + 1]!]! * 16 + hexDigits[bytes[i + 2]!]!
      if (hexDigits[bytes[i + 1]!]! < 0 || hexDigits[bytes[i + 2]!]! < 0) return null
      i += 2
    } else if (byte === 0x2b) byte = 0x20
    else if (byte === 0x26 && isXml) return null
    scratch[length++] = byte
  }
  // A string of its own, not a slice that keeps the whole page alive.
  return scratch.toString('latin1', 0, length)
}

/** XML text as a byte string: what is raw is UTF-8 already, a reference becomes UTF-8. Null for a reference to nothing. */
const plain = (text: string) => withoutEntities(text, keyFromText)

function scanEtag(bytes: Buffer, text: string, start: number, end: number): string | null {
  if (end - start > 12 && text.startsWith('&quot;', start) && text.indexOf('&', start + 6) === end - 6) {
    if (text.startsWith('&quot;', end - 6)) return bytes.toString('latin1', start + 6, end - 6)
  }
  const value = plain(bytes.toString('latin1', start, end))
  return (value !== null && unquoted(value)) || null
}

function scanSize(bytes: Buffer, start: number, end: number): number {
  if (end === start || end - start > 15) return -1
  let size = 0
  for (let i = start; i < end; i++) {
    const digit = bytes[i]! - 0x30
    if (digit < 0 || digit > 9) return -1
    size = size * 10 + digit
  }
  return size
}

const two = (bytes: Buffer, at: number) => {
  const tens = bytes[at]! - 0x30
  const ones = bytes[at + 1]! - 0x30
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN
}

/**
 * `2026-01-31T23:59:59.123Z` as microseconds of the whole second, or -1. What is below a second is left out, since HEAD
 * and GET do not tell it: the same object must have the same time whichever way it was asked for.
 */
function scanTime(bytes: Buffer, at: number, end: number): number {
  const length = end - at
  if (length !== 20 && length !== 24) return -1
  if (bytes[at + 10] !== 0x54 || bytes[end - 1] !== 0x5a) return -1
  if (
    bytes[at + 4] !== 0x2d ||
    bytes[at + 7] !== 0x2d ||
    bytes[at + 13] !== 0x3a ||
    bytes[at + 16] !== 0x3a
  ) {
    return -1
  }
  if (length === 24 && (bytes[at + 19] !== 0x2e || Number.isNaN(two(bytes, at + 20) + two(bytes, at + 21)))) {
    return -1
  }
  const year = two(bytes, at) * 100 + two(bytes, at + 2)
  const month = two(bytes, at + 5)
  const day = two(bytes, at + 8)
  const seconds = (two(bytes, at + 11) * 60 + two(bytes, at + 14)) * 60 + two(bytes, at + 17)
  if (!(year >= 1970 && month >= 1 && month <= 12 && day >= 1 && day <= 31 && seconds < 86_400)) return -1
  // Days since the epoch, with years that begin in March so that a leap day is a year's last.
  const y = month < 3 ? year - 1 : year
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1
  const days = y * 365 + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) + dayOfYear - 719_468
  return (days * 86_400 + seconds) * 1_000_000
}
