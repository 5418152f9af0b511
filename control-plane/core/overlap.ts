/**
 * Whether two locations are one place, or one is inside the other, by what they say of themselves. That two endpoints are one store, or
 * that a directory is a link to another, cannot be seen from here: the agents' own checks (agent/looking/refuse-overlap.ts) go further.
 */
import type { Location } from '../../shared/location.ts'
import { folder, type Overlap, overlapOfPrefixes } from '../../shared/overlap.ts'

export function overlap(source: Location, destination: Location): Overlap['is'] {
  if (rootOf(source) !== rootOf(destination)) return 'apart'
  return overlapOfPrefixes(folderOf(source), folderOf(destination)).is
}

/** What prefixes are compared in: a bucket, or the directories of a site. */
function rootOf(location: Location): string {
  if (location.kind === 'file') return JSON.stringify(['file', location.site])
  const { bucket, connection = null, endpoint, profile } = location
  // Where a profile may say the endpoint, two profiles may be two stores.
  return JSON.stringify(['s3', bucket, connection, endpoint, endpoint === null ? profile : null])
}

const folderOf = (location: Location): string =>
  location.kind === 's3' ? location.prefix : folder(location.path)
