/** What stands in one directory, a page of names at a time: links and devices are told, and nothing is followed. */
import type { Key } from '../../../shared/key.ts'
import type { FolderEntry, FolderPage } from '../storage.ts'
import type { Directories, Directory } from './directories.ts'
import { entryOf } from './file-entry.ts'
import { fileError } from './file-error.ts'
import { isTemporary } from './names.ts'
import { namesIn, withTypes } from './names-in.ts'
import { missing, unless } from './syscalls.ts'

export async function listFolder(
  directories: Directories,
  name: string,
  { after, most, signal }: { after: Key | null; most: number; signal: AbortSignal },
): Promise<FolderPage> {
  const op = `list ${name}`
  try {
    const directory = await directories.open('' as Key)
    try {
      const names = await withTypes((encoding) => {
        const all = namesIn(directory, { after, through: null }, encoding, signal, op)
        return least(all, most + 1, (each) => (after === null || each > after) && !isTemporary(each))
      })
      const entries = await Promise.all(names.slice(0, most).map((each) => look(directory, each as Key)))
      return { entries: entries.filter((entry) => entry !== null), more: names.length > most }
    } finally {
      directory.release()
    }
  } catch (error) {
    throw fileError(error, op)
  }
}

/** The `most` lowest of them, in their order, without holding many more. */
async function least(
  batches: AsyncIterable<string[]>,
  most: number,
  counts: (name: string) => boolean,
): Promise<string[]> {
  let held: string[] = []
  for await (const batch of batches) {
    held.push(...batch.filter(counts))
    if (held.length > 20 * most) held = held.sort().slice(0, most)
  }
  return held.sort().slice(0, most)
}

/** Null where it is gone meanwhile. */
async function look(directory: Directory, name: Key): Promise<FolderEntry | null> {
  if (name.endsWith('/')) return { kind: 'folder', name, size: null, mtime: null }
  const stat = await unless(directory.calls.lstat(directory.at(name)), missing, null)
  if (stat === null) return null
  const { kind, size, mtime } = entryOf(name, stat)
  return { kind, name, size, mtime }
}
