/**
 * Looks into a folder for people, or at the buckets of a store. Where the allow-list names only what lies further down, the way there is shown, by
 * the list's own words: the store is not asked.
 */
import { type Answer, type Ask, type BrowsedEntry, browsedEntries, type Store } from '../../shared/asks.ts'
import { DrayError } from '../../shared/error.ts'
import { type Key, keyFromText } from '../../shared/key.ts'
import { formatLocation, type Location, type S3Location } from '../../shared/location.ts'
import { type AllowList, holdStoreToList, holdToList, seesBucket, waysTo } from '../allow/allow-list.ts'
import type { S3Client } from '../storage/s3/client.ts'
import type { FolderEntry, FolderPage, Storage } from '../storage/storage.ts'
import { answerMs, inTime } from './in-time.ts'

export interface BrowseDeps {
  readonly allow: AllowList
  /** Holds to the list, too. */
  open(location: Location): Promise<Storage>
  /** Of a location without a bucket. */
  openClient(location: S3Location): Promise<S3Client>
}

type Browse = Ask & { kind: 'browse' }

export async function browse({ at, after }: Browse, deps: BrowseDeps): Promise<Answer & { kind: 'browse' }> {
  const name = at.kind === 'store' ? (at.endpoint ?? 'AWS') : formatLocation(at)
  const page = await inTime(answerMs.look, `look at ${name}`, (signal) =>
    at.kind === 'store' ? buckets(at, after, deps, signal) : folder(at, after, deps, signal),
  )
  const entries = page.entries.map((entry) => told(entry, at.kind === 'store'))
  return { kind: 'browse', entries, next: page.more ? (entries.at(-1)?.name ?? null) : null }
}

async function folder(
  location: Location,
  after: Key | null,
  { allow, open }: BrowseDeps,
  signal: AbortSignal,
): Promise<FolderPage> {
  try {
    holdToList(allow, location)
  } catch (refused) {
    const ways = waysTo(allow, location)
    if (ways.length === 0) throw refused
    return pageOf(ways.map(keyFromText).map(folderOf), after)
  }
  const storage = await open(location)
  try {
    if (storage.folder) return await storage.folder({ after, most: browsedEntries, signal })
    throw new DrayError('not-implemented', 'look', `${storage.name} cannot be browsed.`)
  } finally {
    await storage.close()
  }
}

/** Those that the agent may touch, in whole or in part. */
async function buckets(
  { kind: _, ...store }: Store,
  after: Key | null,
  { allow, openClient }: BrowseDeps,
  signal: AbortSignal,
): Promise<FolderPage> {
  holdStoreToList(allow, store.endpoint)
  const client = await openClient({ ...store, kind: 's3', bucket: '', prefix: '' })
  try {
    const { listBuckets } = await import('../storage/s3/folder.ts')
    const all = await listBuckets(client, signal)
    return pageOf(
      all.filter(({ name }) => seesBucket(allow, store.endpoint, name)),
      after,
    )
  } catch (error) {
    if (!(error instanceof DrayError) || error.code !== 'access-denied') throw error
    throw new DrayError(error.code, error.op, 'These credentials may not list the buckets.', {
      hint: 'Type the name of the bucket; or allow s3:ListAllMyBuckets.',
      cause: error,
    })
  } finally {
    await client.close()
  }
}

function pageOf(entries: readonly FolderEntry[], after: Key | null): FolderPage {
  const rising = [...entries].sort((a, b) => (a.name < b.name ? -1 : 1))
  const rest = after === null ? rising : rising.filter(({ name }) => name > after)
  return { entries: rest.slice(0, browsedEntries), more: rest.length > browsedEntries }
}

const folderOf = (name: Key): FolderEntry => ({ kind: 'folder', name, size: null, mtime: null })

/** Delete markers are in no folder. */
function told({ kind, name, size, mtime, storageClass }: FolderEntry, isBucket: boolean): BrowsedEntry {
  return {
    kind: isBucket ? 'bucket' : kind === 'delete-marker' ? 'special' : kind,
    name,
    bytes: size,
    modifiedAt: mtime === null ? null : Math.floor(mtime / 1000),
    storageClass: storageClass?.slice(0, 64) ?? null,
  }
}
