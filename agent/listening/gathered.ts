/**
 * Keys that have changed, until they are told: each once, and not before it has been quiet for a moment, since a file is written in many steps. Where there are
 * too many they become the folders that they are in, and these the folders above.
 */
import type { Key } from '../../shared/key.ts'
import { type Change, mostTold } from './listening.ts'

/** Milliseconds that a key has been quiet for when it is told, and that it waits at most. */
export const quietMs = 200
const longestMs = 2_000

/** Of keys, or of folders, that wait. */
const mostKept = 10_000

interface Seen {
  first: number
  last: number
}

export class Gathered {
  #keys = new Map<Key, Seen>()
  /** Ends in `/`, or is empty: anything below it. */
  #folders = new Map<Key, Seen>()

  get size(): number {
    return this.#keys.size + this.#folders.size
  }

  add(key: Key, now: number): void {
    note(this.#keys, key, { first: now, last: now })
    if (this.#keys.size > mostKept) {
      for (const [each, seen] of this.#keys) note(this.#folders, folderOf(each), seen)
      this.#keys.clear()
    }
    this.#bound()
  }

  /** Something below it has changed, nobody knows what. */
  addFolder(folder: Key, now: number): void {
    note(this.#folders, folder, { first: now, last: now })
    this.#bound()
  }

  #bound(): void {
    while (this.#folders.size > mostKept) {
      const above = new Map<Key, Seen>()
      for (const [folder, seen] of this.#folders) note(above, folderOf(folder), seen)
      this.#folders = above
    }
  }

  /** Those that are to be told now, at most as many as a message has; they are here no longer. */
  take(now: number): Change[] {
    const due = ({ first, last }: Seen) => last + quietMs <= now || first + longestMs <= now
    const changes: Change[] = []
    for (const [key, seen] of this.#keys) {
      if (changes.length === mostTold) return changes
      if (!due(seen)) continue
      this.#keys.delete(key)
      changes.push({ key, at: seen.first })
    }
    for (const [key, seen] of this.#folders) {
      if (changes.length === mostTold) return changes
      if (!due(seen)) continue
      this.#folders.delete(key)
      changes.push({ key, at: seen.first, under: true })
    }
    return changes
  }
}

function note(seen: Map<Key, Seen>, key: Key, { first, last }: Seen): void {
  const known = seen.get(key)
  if (!known) seen.set(key, { first, last })
  else {
    known.first = Math.min(known.first, first)
    known.last = Math.max(known.last, last)
  }
}

/** The folder that a key, or a folder, is in. */
function folderOf(key: Key): Key {
  const path = key.endsWith('/') ? key.slice(0, -1) : key
  return path.slice(0, path.lastIndexOf('/') + 1) as Key
}
