/** Whether what is written lies in what is read, or the other way round, by how their prefixes begin. */
export type Overlap =
  | { readonly is: 'apart' }
  | { readonly is: 'same' }
  | { readonly is: 'destination-inside' }
  /** `below` is where the source lies in the destination, with a `/` at its end. */
  | { readonly is: 'source-inside'; readonly below: string }

/** Both empty or ending in `/`; of one bucket, or paths of one file system. */
export function overlapOfPrefixes(source: string, destination: string): Overlap {
  if (source === destination) return { is: 'same' }
  if (destination.startsWith(source)) return { is: 'destination-inside' }
  if (source.startsWith(destination)) return { is: 'source-inside', below: source.slice(destination.length) }
  return { is: 'apart' }
}

/** As one that things are in. */
export const folder = (path: string): string => (path.endsWith('/') ? path : `${path}/`)
