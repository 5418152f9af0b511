/**
 * Whether two locations are one place, or one is inside the other, by what they say of themselves. That two endpoints are one store, or
 * that a directory is a link to another, cannot be seen from here: the agents' own checks (agent/looking/refuse-overlap.ts) go further.
 */
import type { Location } from '../../shared/location.ts'

export type Overlap = 'apart' | 'same' | 'destination-inside' | 'source-inside'

export function overlap(source: Location, destination: Location): Overlap {
  if (rootOf(source) !== rootOf(destination)) return 'apart'
  const [from, to] = [folderOf(source), folderOf(destination)]
  if (from === to) return 'same'
  if (to.startsWith(from)) return 'destination-inside'
  return from.startsWith(to) ? 'source-inside' : 'apart'
}

/** What prefixes are compared in: a bucket, or the directories of a site. */
function rootOf(location: Location): string {
  if (location.kind === 'file') return JSON.stringify(['file', location.site])
  const { bucket, connection = null, endpoint, profile } = location
  // Where a profile may say the endpoint, two profiles may be two stores.
  return JSON.stringify(['s3', bucket, connection, endpoint, endpoint === null ? profile : null])
}

function folderOf(location: Location): string {
  if (location.kind === 's3') return location.prefix
  return location.path.endsWith('/') ? location.path : `${location.path}/`
}
