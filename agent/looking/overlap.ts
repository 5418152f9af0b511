/**
 * Whether a migration would read what it writes, or write over what it reads. Pure: real paths and the identity of
 * stores come from the caller.
 */
import { relative } from 'node:path'

export type Overlap =
  | { is: 'apart' }
  | { is: 'same' }
  | { is: 'destination-inside' }
  /** `below` is where the source lies in the destination, with a `/` at its end. */
  | { is: 'source-inside'; below: string }

/** Both real and absolute. */
export function overlapOfPaths(source: string, destination: string): Overlap {
  return overlapOfPrefixes(folder(source), folder(destination))
}

/** Both empty or ending in `/`. */
export function overlapOfPrefixes(source: string, destination: string): Overlap {
  if (source === destination) return { is: 'same' }
  if (destination.startsWith(source)) return { is: 'destination-inside' }
  if (source.startsWith(destination)) return { is: 'source-inside', below: source.slice(destination.length) }
  return { is: 'apart' }
}

const folder = (path: string): string => (path.endsWith('/') ? path : `${path}/`)

/** Where `inner` lies below `outer`, without a `/` at either end; null where it does not. Both real and absolute. */
export function below(outer: string, inner: string): string | null {
  const way = relative(outer, inner)
  return way === '' || way === '..' || way.startsWith('../') || way.startsWith('/') ? null : way
}
