/**
 * Versions of objects, for stores that keep them. A *chain* is all that a store has of one key: versions and delete
 * markers, oldest first. A chain is the unit of everything that is done with versions: its order is worth as much as its bodies.
 */
import type { Key } from '../../shared/key.ts'
import type { Range } from '../../shared/range.ts'
import type { Entry } from './storage.ts'

export interface Version extends Entry {
  readonly kind: 'object' | 'delete-marker'
  /** The store's own name for it, never compared between stores. S3: `null` is one, of the time without versioning. */
  readonly version: string
}

export interface Chain {
  readonly key: Key
  /** Oldest first, so the last one is what the key is now. Of more than `mostVersions`, only that one. */
  readonly versions: readonly Version[]
  /** How many the store has. */
  readonly count: number
}

/** Of one key, in memory at once. A key with more is a failure of its own, and not of those around it. */
export const mostVersions = 100_000

export interface Versions {
  /** What a write makes of what was there before: only `enabled` keeps it. */
  state(signal: AbortSignal): Promise<'enabled' | 'suspended' | 'off'>

  /** Pages of the chains in `range`, in strictly rising order of their keys, none in two pieces. As complete as `Storage.list`. */
  list(range: Range, signal: AbortSignal): AsyncIterable<Chain[]>

  /** Lays a delete marker on top, whatever is below it. Done twice, it makes two, so it is never tried again by a wrapper. */
  remove(key: Key, signal: AbortSignal): Promise<void>
}
