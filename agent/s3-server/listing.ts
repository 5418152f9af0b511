/**
 * The walk behind every listing: from a key on, in byte order, rolling keys up into common prefixes. A page costs what
 * it shows: past a common prefix the walk seeks, it does not step. A result is shown only where it is greater than
 * `after`, common prefixes included, as on AWS; so the last result of a page is where the next one goes on.
 */
import type { Key } from '../../shared/key.ts'
import type { SortedMap } from './sorted-map.ts'

export interface Walk {
  readonly prefix: string
  /** Empty: none. */
  readonly delimiter: string
  /** Exclusive. Null: from the start. */
  readonly after: string | null
}

export type Step<V> = { readonly key: Key; readonly value: V } | { readonly commonPrefix: string }

export function* walk<V>(
  map: SortedMap<V>,
  { prefix, delimiter, after }: Walk,
  shown: (value: V) => boolean,
): Generator<Step<V>> {
  let start: string | null = after !== null && after > prefix ? after : prefix
  while (start !== null) {
    let next: string | null = null
    for (const [key, value] of map.from(start as Key)) {
      if (!key.startsWith(prefix)) return
      if ((after !== null && key <= after) || !shown(value)) continue
      const at = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
      if (at < 0) {
        yield { key, value }
        continue
      }
      const commonPrefix = key.slice(0, at + delimiter.length)
      if (after === null || commonPrefix > after) yield { commonPrefix }
      next = behind(commonPrefix)
      break
    }
    start = next
  }
}

/** The least byte string that is greater than everything that begins with `prefix`. */
const behind = (prefix: string): string =>
  prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)

/** Up to `max` items and whether there are more. */
export function take<T>(items: Iterable<T>, max: number): { taken: T[]; more: boolean } {
  const taken: T[] = []
  if (max === 0) return { taken, more: false }
  for (const item of items) {
    if (taken.length === max) return { taken, more: true }
    taken.push(item)
  }
  return { taken, more: false }
}
