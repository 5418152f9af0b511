/** Whether one directory lies in another. Pure: real paths come from the caller. */
import { relative } from 'node:path'
import { folder, type Overlap, overlapOfPrefixes } from '../../shared/overlap.ts'

/** Both real and absolute. */
export function overlapOfPaths(source: string, destination: string): Overlap {
  return overlapOfPrefixes(folder(source), folder(destination))
}

/** Where `inner` lies below `outer`, without a `/` at either end; null where it does not. Both real and absolute. */
export function below(outer: string, inner: string): string | null {
  const way = relative(outer, inner)
  return way === '' || way === '..' || way.startsWith('../') || way.startsWith('/') ? null : way
}
