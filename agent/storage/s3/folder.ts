/** A folder of a bucket, as ListObjectsV2 rolls it up at the next `/`: one page of names, whatever size the store's own pages have. */
import { type Key, keyFromText } from '../../../shared/key.ts'
import type { FolderEntry, FolderPage } from '../storage.ts'
import { escaped, type S3Client } from './client.ts'
import { malformed } from './errors.ts'
import { acceptable, askPage, outOfOrder } from './list.ts'
import { keyOf, parseListing, rootOf } from './listing-page.ts'
import { childrenOf, textOf } from './xml.ts'

/** A store may give pages that hold nothing (deleted versions lie between), but it must get somewhere. */
const mostPages = 100
/** U+10FFFF: hardly any key of a folder comes after it, so that whatever a store makes of the folder's own name, the next one is behind it. */
const top = '\xf4\x8f\xbf\xbf'

export async function listFolder(
  client: S3Client,
  prefix: Key,
  { after, most, signal }: { after: Key | null; most: number; signal: AbortSignal },
): Promise<FolderPage> {
  const place = client.where({ verb: 'LIST', key: prefix })
  const start = after === null ? '' : acceptable(prefix + after + (after.endsWith('/') ? top : ''))
  const common = `delimiter=%2F&encoding-type=url&list-type=2&max-keys=${most + 1}`
  const within = prefix === '' ? '' : `&prefix=${escaped(prefix)}`
  const entries: FolderEntry[] = []
  let query = common + within + (start === '' ? '' : `&start-after=${escaped(start)}`)
  for (let page = 0; page < mostPages; page++) {
    const { found, next } = await askPage(client, prefix, query, signal, readFolder)
    for (const entry of found) {
      if (!entry.name.startsWith(prefix)) throw malformed(place, 'a key outside of the prefix')
      const name = entry.name.slice(prefix.length) as Key
      if (after !== null && name <= after) continue
      const last = entries.at(-1)?.name
      if (last !== undefined && name <= last) throw outOfOrder(place.op, name === last)
      entries.push({ ...entry, name })
    }
    if (entries.length > most || next === null) {
      return { entries: entries.slice(0, most), more: entries.length > most }
    }
    // Parameters are signed in the order of their names.
    query = `continuation-token=${escaped(next)}&${common}${within}`
  }
  throw malformed(place, `${mostPages} pages for ${entries.length} names`)
}

/** Objects and folders in one order, by their whole keys. */
function readFolder(bytes: Buffer): { found: FolderEntry[]; next: string | null } | string {
  const root = rootOf(bytes, 'ListBucketResult')
  if (typeof root === 'string') return root
  const page = parseListing(root)
  if (!page) return 'a listing that makes no sense'
  const found: FolderEntry[] = page.entries.map(({ key, kind, size, mtime, storageClass }) => ({
    ...{ kind, name: key, size, mtime },
    ...(storageClass !== undefined && { storageClass }),
  }))
  const encoding = textOf(root, 'EncodingType')
  for (const each of childrenOf(root, 'CommonPrefixes')) {
    const text = textOf(each, 'Prefix')
    const name = text && keyOf(text, encoding)
    if (!name) return 'a folder without a name'
    found.push({ kind: 'folder', name: name as Key, size: null, mtime: null })
  }
  return { found: found.sort((a, b) => (a.name < b.name ? -1 : 1)), next: page.next }
}

/** Of the credentials' owner, sorted by name. */
export async function listBuckets(client: S3Client, signal: AbortSignal): Promise<FolderEntry[]> {
  const { buckets } = await askPage(client, '' as Key, '', signal, readBuckets)
  return buckets.sort((a, b) => (a.name < b.name ? -1 : 1))
}

function readBuckets(bytes: Buffer): { buckets: FolderEntry[] } | string {
  const root = rootOf(bytes, 'ListAllMyBucketsResult')
  if (typeof root === 'string') return root
  const buckets: FolderEntry[] = []
  for (const list of childrenOf(root, 'Buckets')) {
    for (const bucket of childrenOf(list, 'Bucket')) {
      const name = textOf(bucket, 'Name')
      const made = Date.parse(textOf(bucket, 'CreationDate') ?? '')
      if (!name) return 'a bucket without a name'
      const mtime = Number.isNaN(made) ? null : made * 1_000
      buckets.push({ kind: 'folder', name: keyFromText(name), size: null, mtime })
    }
  }
  return { buckets }
}
