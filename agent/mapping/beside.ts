/**
 * What a store has under some keys: by listing where they lie close together, else by asking for each. A thousand keys in a bucket
 * of a billion cost a thousand HEADs and not a million pages; an inventory of a whole bucket costs pages, and not a billion HEADs.
 */
import type { Key } from '../../shared/key.ts'
import { oneKey, type Range } from '../../shared/range.ts'
import type { Entry, ListOptions, Storage } from '../storage/storage.ts'

/** Pages that are listed at most, for as many keys as a page of a listing has; a page costs about what a hundred HEADs do. */
const mostPages = 8
const headsAtOnce = 32

/** A destination's listing for a migration that is about a source's keys only (a manifest): just what stands under those. */
export function listBeside(destination: Storage, source: Pick<Storage, 'list'>): Storage['list'] {
  const head = async (key: Key, signal: AbortSignal) => (await destination.head(key, signal))?.entry
  return async function* list(range: Range, options: ListOptions): AsyncGenerator<Entry[]> {
    for await (const page of source.list(range, { signal: options.signal })) {
      const keys = page.map(({ key }) => key)
      yield await present(destination, keys, head, options)
    }
  }
}

/** What stands under `keys`, which rise. `head` is asked where it is not listed. */
export async function present(
  storage: Storage,
  keys: readonly Key[],
  head: (key: Key, signal: AbortSignal) => Promise<Entry | undefined>,
  options: ListOptions,
): Promise<Entry[]> {
  const found: Entry[] = []
  let next = 0
  /** Lists on while it looks as if few pages were enough for all; true when nothing is left to ask. */
  async function list(): Promise<boolean> {
    const range = { after: oneKey(keys[0]!).after, through: keys.at(-1)! }
    let pages = 0
    for await (const page of storage.list(range, options)) {
      for (const entry of page) {
        while (next < keys.length && keys[next]! < entry.key) next++
        if (keys[next] === entry.key) found.push(entry)
      }
      // What is not in this page and before its end is not there.
      const last = page.at(-1)?.key
      while (last !== undefined && next < keys.length && keys[next]! <= last) next++
      pages++
      if (next * mostPages < keys.length * pages) return next === keys.length
    }
    return true
  }
  // Where a listing costs a walk, a look at each key is cheaper.
  if (keys.length < 2 || storage.walks || !(await list())) {
    found.push(...(await heads(keys.slice(next), head, options.signal)))
  }
  return found
}

async function heads(
  keys: readonly Key[],
  head: (key: Key, signal: AbortSignal) => Promise<Entry | undefined>,
  signal: AbortSignal,
): Promise<Entry[]> {
  const entries: (Entry | undefined)[] = []
  await eachAtOnce(keys, async (key, i) => {
    entries[i] = await head(key, signal)
  })
  return entries.filter((entry) => entry !== undefined)
}

/** Some requests at once; the first error ends it. */
export async function eachAtOnce<T>(
  items: readonly T[],
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0
  async function go(): Promise<void> {
    for (let i = next++; i < items.length; i = next++) await work(items[i]!, i)
  }
  await Promise.all(Array.from({ length: Math.min(headsAtOnce, items.length) }, go))
}
