/** Which of what is told is of a location. */
import { type Key, keyFromText } from '../key.ts'
import { longestKey } from '../key-schema.ts'
import type { Location } from '../location.ts'
import type { Changed } from './notice.ts'

/**
 * Its key relative to the location, or null where it is elsewhere. In a directory keys are paths below it, as they are, and belong to no bucket.
 */
export function keyWithin(location: Location, { bucket, key }: Changed): Key | null {
  if (key.length > longestKey) return null
  if (location.kind === 'file') return bucket === null ? key : null
  if (bucket !== null && bucket !== location.bucket) return null
  const prefix = keyFromText(location.prefix)
  return key.startsWith(prefix) ? (key.slice(prefix.length) as Key) : null
}
