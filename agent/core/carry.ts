/** What travels with a body, as its destination is to have it. */
import type { Entry, Metadata, Storage } from '../storage/storage.ts'
import { microsFromSeconds, secondsFromMicros } from './mtime.ts'

/**
 * Between object stores nothing is added and nothing left out. A file takes the mtime that the object records, and
 * where it records none that a file could have, the object's LastModified.
 */
export function carry(metadata: Metadata, source: Pick<Entry, 'mtime'>, to: Storage['kind']): Metadata {
  if (to !== 'file') return metadata
  const recorded = metadata.user.mtime
  if (recorded !== undefined && microsFromSeconds(recorded) !== null) return metadata
  return { ...metadata, user: { ...metadata.user, mtime: secondsFromMicros(source.mtime) } }
}
