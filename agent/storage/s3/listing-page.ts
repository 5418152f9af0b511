/** A page of ListObjectsV2: scanned where the scanner knows it, else read by the real parser, to the same result. */
import { keyFromText } from '../../../shared/key.ts'
import { type Listed, type ListingPage, listed, scanListing, unescaped } from './listing-scan.ts'
import { unquoted } from './object-headers.ts'
import { childrenOf, type Element, parseXml, textOf } from './xml.ts'

/** The page, or what is wrong with it: a few words for `answered with …`. */
export function readListing(bytes: Buffer): ListingPage | string {
  const page = scanListing(bytes)
  if (page) return page
  const root = rootOf(bytes, 'ListBucketResult')
  if (typeof root === 'string') return root
  return parseListing(root) ?? 'a listing that makes no sense'
}

/** The document's root, or what is wrong with it. */
export function rootOf(bytes: Buffer, name: string): Element | string {
  const root = parseXml(bytes)
  if (!root) return 'a listing that is cut off or is no XML'
  return root.name === name ? root : `<${root.name.slice(0, 40)}> for a listing`
}

/** The same from the tree, for whatever the scanner left; null for a page that no S3 server may give. */
export function parseListing(root: Element): ListingPage | null {
  const truncated = textOf(root, 'IsTruncated')?.trim()
  const next = textOf(root, 'NextContinuationToken')
  if (truncated !== 'true' && truncated !== 'false') return null
  if (truncated === 'true' && !next) return null
  const encoding = textOf(root, 'EncodingType')
  const entries: Listed[] = []
  for (const contents of childrenOf(root, 'Contents')) {
    const name = textOf(contents, 'Key')
    const size = textOf(contents, 'Size')?.trim()
    const token = unquoted(textOf(contents, 'ETag') ?? '')
    const modified = Date.parse(textOf(contents, 'LastModified') ?? '')
    if (!name || !token || Number.isNaN(modified) || !size || !/^\d{1,15}$/.test(size)) return null
    const key = keyOf(name, encoding)
    if (key === null) return null
    const mtime = Math.floor(modified / 1000) * 1_000_000
    entries.push(listed(key, Number(size), mtime, token, textOf(contents, 'StorageClass') ?? ''))
  }
  return { entries, next: next ? keyFromText(next) : null }
}

/** What a listing calls `name`, as bytes; null where an escape is none. */
export function keyOf(name: string, encoding: string | null | undefined): string | null {
  const key = keyFromText(name)
  if (encoding !== 'url') return key
  const bytes = Buffer.from(key, 'latin1')
  return unescaped(bytes, 0, bytes.length, false)
}
