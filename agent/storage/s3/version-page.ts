/** A page of ListObjectVersions, from the tree that the real parser makes: the order of its elements is what it is about. */
import { type Key, keyFromText } from '../../../shared/key.ts'
import type { Version } from '../versions.ts'
import { unescaped } from './listing-scan.ts'
import { unquoted } from './object-headers.ts'
import { type Element, parseXml, textOf } from './xml.ts'

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
export function readVersionPage(bytes: Uint8Array): VersionPage | string {
  const root = parseXml(bytes)
  if (!root) return 'a listing that is cut off or is no XML'
  if (root.name !== 'ListVersionsResult' && root.name !== 'ListVersionsOutput')
    return `<${root.name.slice(0, 40)}> for a listing of versions`
  const truncated = textOf(root, 'IsTruncated')?.trim()
  if (truncated !== 'true' && truncated !== 'false') return nonsense
  const isEscaped = textOf(root, 'EncodingType')?.trim() === 'url'
  const keyOf = (text: string | null) => (text === null ? null : keyIn(text, isEscaped))

  const listed: ListedVersion[] = []
  for (const child of root.children) {
    if (typeof child === 'string' || (child.name !== 'Version' && child.name !== 'DeleteMarker')) continue
    const found = versionIn(child, keyOf(textOf(child, 'Key')))
    if (found === null) return nonsense
    listed.push(found)
  }
  const key = keyOf(textOf(root, 'NextKeyMarker'))
  // A page that says it is the last and names a next one all the same is not believed to be the last.
  if (!key) return truncated === 'true' ? nonsense : { listed, next: null }
  // Behind the whole of a key, of which a part was told, the rest of it would be left out in silence.
  const version = textOf(root, 'NextVersionIdMarker')?.trim()
  return version ? { listed, next: { key, version } } : 'a next page that may leave versions out'
}

function versionIn(element: Element, key: Key | null): ListedVersion | null {
  const version = textOf(element, 'VersionId')?.trim()
  const latest = textOf(element, 'IsLatest')?.trim()
  const modified = Date.parse(textOf(element, 'LastModified') ?? '')
  if (!key || !version || Number.isNaN(modified) || (latest !== 'true' && latest !== 'false')) return null
  const isLatest = latest === 'true'
  const mtime = Math.floor(modified / 1000) * 1_000_000
  if (element.name === 'DeleteMarker') {
    return { version: { key, kind: 'delete-marker', size: 0, mtime, token: '', version }, isLatest }
  }
  const size = textOf(element, 'Size')?.trim() ?? ''
  const token = unquoted(textOf(element, 'ETag') ?? '')
  const storageClass = textOf(element, 'StorageClass')?.trim() ?? ''
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
