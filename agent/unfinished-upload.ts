/**
 * An upload that goes on where an earlier attempt left it, or a new one: in both cases its intent is stored first. What an
 * earlier attempt left that is of no use any more (the source changed since, or its metadata) is aborted here. Uploads of others
 * are never touched.
 */
import { createHash } from 'node:crypto'
import type { Boundaries } from '../shared/boundaries.ts'
import { DrayError, type ErrorCode } from '../shared/error.ts'
import type { FidelityPolicy } from '../shared/fidelity.ts'
import type { Key } from '../shared/key.ts'
import { type Pinned, samePinned } from '../shared/large-object.ts'
import type { Intent, Intents } from './intents.ts'
import { retrying } from './storage/retry.ts'
import type { Entry, Head, Metadata, Multipart, Part } from './storage/storage.ts'

/** What an upload is to be. */
export interface Wanted {
  readonly source: Pinned
  readonly boundaries: Boundaries
  /** What it is created with. */
  readonly metadata: Metadata
  /** What that follows from (`fingerprint`). */
  readonly basis: string
}

export interface Unfinished {
  readonly upload: string
  readonly boundaries: Boundaries
  /** What the store has of it, by part number; only parts of the size that they should have. */
  readonly parts: ReadonlyMap<number, Part>
}

/** Of a machine's clock and a store's, where nobody sets them: an upload that began just before its intent is ours. */
const clocksApartMs = 2_000
/** As long as a store may take to make an upload. */
const creationMs = 300_000

export const pinnedOf = ({ token, size, mtime, version }: Entry): Pinned => ({
  token,
  size,
  mtime,
  version: version ?? null,
})

/** The one that `intents` tells of, as far as it has come, or a new one. Null for `intents`: a new one that nobody will know of. */
export async function openUpload(
  multipart: Multipart,
  intents: Intents | null,
  key: Key,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<Unfinished> {
  const metadata = wanted.basis
  const left = intents?.find(key) ?? null
  if (left !== null) {
    const isUseful = left.metadata === metadata && samePinned(left.source, wanted.source)
    const unfinished = isUseful ? await goOn(multipart, left, signal) : null
    if (unfinished !== null) return unfinished
    await abortLeft(multipart, left, signal)
  }
  const { source, boundaries } = wanted
  const begun = Date.now()
  intents?.put({ key, source, boundaries, metadata, begun, upload: null })
  const upload = await createUpload(multipart, key, wanted.metadata, begun, signal)
  intents?.created(key, upload)
  return { upload, boundaries, parts: new Map() }
}

/** Tried again where that may help; what an answer that was lost has left is aborted before. `begun`: of its intent. */
export function createUpload(
  multipart: Multipart,
  key: Key,
  metadata: Metadata,
  begun: number,
  signal: AbortSignal,
): Promise<string> {
  const create = async (attempt: number) => {
    if (attempt > 1) await abortLeft(multipart, { key, begun, upload: null }, signal)
    return multipart.create(key, metadata, signal)
  }
  return retrying(create, { attempts: 4 }, signal)
}

/** Null where it was never made, or is gone. */
async function goOn(multipart: Multipart, intent: Intent, signal: AbortSignal): Promise<Unfinished | null> {
  const { upload, key, boundaries } = intent
  if (upload === null) return null
  const parts = await partsOf(multipart, key, upload, signal)
  return parts && { upload, boundaries, parts }
}

/** What the store has of an upload; null where there is no such upload. */
export async function partsOf(
  multipart: Multipart,
  key: Key,
  upload: string,
  signal: AbortSignal,
  after = 0,
  through = Number.POSITIVE_INFINITY,
): Promise<Map<number, Part> | null> {
  const parts = new Map<number, Part>()
  try {
    for await (const page of multipart.list(key, upload, signal, after)) {
      for (const part of page) if (part.number <= through) parts.set(part.number, part)
      if ((page.at(-1)?.number ?? 0) >= through) break
    }
    return parts
  } catch (error) {
    if (isGone(error)) return null
    throw error
  }
}

/** Aborts what an intent led to. Where the id was never learned, that is an upload which began after it and has no part yet. */
export async function abortLeft(
  multipart: Multipart,
  { key, upload, begun }: Pick<Intent, 'key' | 'upload' | 'begun'>,
  signal: AbortSignal,
): Promise<void> {
  if (upload !== null) return abortUpload(multipart, key, upload, signal)
  for await (const page of openUploads(multipart, key, signal)) {
    for (const other of page) {
      const isTimely = other.begun >= begun - clocksApartMs && other.begun <= begun + creationMs
      if (other.key !== key || !isTimely) continue
      const parts = await partsOf(multipart, key, other.upload, signal)
      if (parts?.size === 0) await abortUpload(multipart, key, other.upload, signal)
    }
  }
}

/** An upload that is gone already is what is wanted. */
export async function abortUpload(
  multipart: Multipart,
  key: Key,
  upload: string,
  signal: AbortSignal,
): Promise<void> {
  await multipart.abort(key, upload, signal).catch((error) => {
    if (!isGone(error)) throw error
  })
}

const unlisted = new Set<ErrorCode>(['access-denied', 'invalid-request', 'not-implemented'])

/** Whoever may not list uploads cannot have them cleared away; that is no reason not to copy. */
export async function* openUploads(multipart: Multipart, prefix: Key, signal: AbortSignal) {
  try {
    yield* multipart.uploads(prefix, signal)
  } catch (error) {
    if (error instanceof DrayError && unlisted.has(error.code)) return
    throw error
  }
}

const isGone = (error: unknown) => error instanceof DrayError && error.code === 'not-found'

/**
 * What an upload is created with follows from this: the source's own metadata, and what of them is to be carried. Not what comes
 * of it: a destination may turn out not to take some of it, to one agent and not yet to another.
 */
export function fingerprint(
  { metadata }: Pick<Head, 'metadata'>,
  policy: FidelityPolicy | undefined,
): string {
  // A checksum is told only to those who ask.
  const { checksum: _, ...properties } = metadata.properties ?? {}
  const basis = sorted({ ...metadata, properties, policy })
  return createHash('sha256').update(JSON.stringify(basis)).digest('base64')
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, each]) => each !== undefined)
  return entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, each]) => [name, sorted(each)])
}
