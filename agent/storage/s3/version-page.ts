/** A page of ListObjectVersions: scanned where the scanner knows it, else read by the real parser, to the same result. */
import { type Key, keyFromText } from '../../../shared/key.ts'
import type { Version } from '../versions.ts'
import { unescaped } from './listing-scan.ts'
import { unquoted } from './object-headers.ts'
import { type Element, parseXml, textOf, withoutEntities } from './xml.ts'

/** As listed: its key is still the whole one. */
export interface ListedVersion {
  readonly version: Version
  readonly isLatest: boolean
}

/** Where the next page begins: behind this version of this key, both as the store named them. */
export interface VersionCursor {
  /** A byte string. */
  readonly key: string
  readonly version: string
}

export interface VersionPage {
  readonly listed: readonly ListedVersion[]
  /** Null where this is the last page. */
  readonly next: VersionCursor | null
}

const nonsense = 'a listing of versions that makes no sense'

/** The page, or what is wrong with it: a few words for `answered with …`. */
export function readVersionPage(bytes: Buffer): VersionPage | string {
  const scanned = scanVersionPage(bytes)
  if (scanned) return scanned
  const root = parseXml(bytes)
  if (!root) return 'a listing that is cut off or is no XML'
  if (root.name !== 'ListVersionsResult' && root.name !== 'ListVersionsOutput')
    return `<${root.name.slice(0, 40)}> for a listing of versions`
  return parseVersionPage(root)
}

/** What the elements of a document, or of one version, say; null where there is none of that name, or more than one. */
type Field = (name: string) => string | null
type Listed = readonly [kind: string, field: Field]

export function parseVersionPage(root: Element): VersionPage | string {
  const listed = root.children.flatMap((child): Listed[] =>
    typeof child !== 'string' && kinds.has(child.name) ? [[child.name, (name) => textOf(child, name)]] : [],
  )
  return pageOf((name) => textOf(root, name), listed)
}

const kinds = new Set(['Version', 'DeleteMarker'])
const rootTag =
  /^(?:\xef\xbb\xbf)?(?:<\?xml version="1\.[01]"(?: encoding="(?:UTF|utf)-8")?(?: standalone="(?:yes|no)")?\s*\?>)?\s*<ListVersionsResult(?: xmlns="[^"<&]*")?>/

/**
 * The same of documents in the plain form that servers give, ten times as fast; null for all others (text that is no ASCII,
 * keys that are not escaped, comments, attributes, what is nested or repeated), which are the parser's.
 */
export function scanVersionPage(bytes: Buffer): VersionPage | string | null {
  const text = bytes.toString('latin1')
  const root = rootTag.exec(text)
  if (!root || !text.includes('<EncodingType>url</EncodingType>')) return null
  const leaf = /\s*<([A-Za-z]+)(?:\/>|>([^<]*)<\/\1>)/y
  const opening = /\s*<(Version|DeleteMarker|Owner)>/y
  let at = root[0].length

  function leaves(end: string): Map<string, string> | null {
    const found = new Map<string, string>()
    for (;;) {
      leaf.lastIndex = at
      const [whole, name = '', value = ''] = leaf.exec(text) ?? []
      if (whole !== undefined) {
        const plain = plainAscii(value)
        if (plain === null || found.has(name) || kinds.has(name)) return null
        found.set(name, plain)
        at = leaf.lastIndex
        continue
      }
      const close = text.indexOf('<', at)
      if (close < 0 || text.slice(at, close).trim() !== '') return null
      if (text.startsWith(end, close)) {
        at = close + end.length
        return found
      }
      opening.lastIndex = at
      if (opening.exec(text)?.[1] !== 'Owner' || found.has('Owner')) return null
      at = opening.lastIndex
      found.set('Owner', '')
      if (end === '</Owner>' || leaves('</Owner>') === null) return null
    }
  }

  const fields = new Map<string, string>()
  const listed: Listed[] = []
  for (;;) {
    leaf.lastIndex = opening.lastIndex = at
    const kind = opening.exec(text)?.[1]
    if (kind !== undefined) {
      at = opening.lastIndex
      const found = kind === 'Owner' ? null : leaves(`</${kind}>`)
      if (found === null) return null
      listed.push([kind, (name) => found.get(name) ?? null])
      continue
    }
    const [whole, name = '', value = ''] = leaf.exec(text) ?? []
    if (whole === undefined) break
    const plain = plainAscii(value)
    if (plain === null || fields.has(name)) return null
    fields.set(name, plain)
    at = leaf.lastIndex
  }
  if (text.slice(at).trim() !== '</ListVersionsResult>') return null
  return pageOf((name) => fields.get(name) ?? null, listed)
}

/** Null for what is no ASCII, or a reference to nothing. */
const plainAscii = (text: string) =>
  /^[\t\n\x20-\x7e]*$/.test(text) ? withoutEntities(text, (c) => c) : null

function pageOf(field: Field, all: readonly Listed[]): VersionPage | string {
  const truncated = field('IsTruncated')?.trim()
  if (truncated !== 'true' && truncated !== 'false') return nonsense
  const isEscaped = field('EncodingType')?.trim() === 'url'
  const listed: ListedVersion[] = []
  for (const [kind, of] of all) {
    const found = versionIn(kind, of, isEscaped)
    if (found === null) return nonsense
    listed.push(found)
  }
  const marker = field('NextKeyMarker')
  const key = marker === null ? null : keyIn(marker, isEscaped)
  // A page that says it is the last and names a next one all the same is not believed to be the last.
  if (!key) return truncated === 'true' ? nonsense : { listed, next: null }
  // Behind the whole of a key, of which a part was told, the rest of it would be left out in silence.
  const version = field('NextVersionIdMarker')?.trim()
  return version ? { listed, next: { key, version } } : 'a next page that may leave versions out'
}

function versionIn(kind: string, of: Field, isEscaped: boolean): ListedVersion | null {
  const name = of('Key')
  const key = name === null ? null : keyIn(name, isEscaped)
  const version = of('VersionId')?.trim()
  const latest = of('IsLatest')?.trim()
  const modified = Date.parse(of('LastModified') ?? '')
  if (!key || !version || Number.isNaN(modified) || (latest !== 'true' && latest !== 'false')) return null
  const isLatest = latest === 'true'
  const mtime = Math.floor(modified / 1000) * 1_000_000
  if (kind === 'DeleteMarker') {
    return { version: { key, kind: 'delete-marker', size: 0, mtime, token: '', version }, isLatest }
  }
  const size = of('Size')?.trim() ?? ''
  const token = unquoted(of('ETag') ?? '')
  const storageClass = of('StorageClass')?.trim() ?? ''
  if (!/^\d{1,15}$/.test(size) || !token) return null
  const special = storageClass === '' || storageClass === 'STANDARD' ? {} : { storageClass }
  return {
    version: { key, kind: 'object', size: Number(size), mtime, token, version, ...special },
    isLatest,
  }
}

function keyIn(text: string, isEscaped: boolean): Key | null {
  const key = keyFromText(text)
  if (!isEscaped) return key
  const bytes = Buffer.from(key, 'latin1')
  return unescaped(bytes, 0, bytes.length, false) as Key | null
}
