/**
 * Walks two listings of one range side by side and pairs their keys. Both listings must rise strictly in byte order and
 * stay within the range; one that does not is an error, since everything above believes in the order.
 *
 * Hot: runs once for every key of a pass. A page is checked and merged by plain loops; the only promises are one a page,
 * and while a page is merged the next one of that side is already on its way.
 */
import { DrayError } from '../shared/error.ts'
import { displayKey, type Key } from '../shared/key.ts'
import { contains, type Range } from '../shared/range.ts'
import type { Entry } from './storage/storage.ts'

/** At least one of the two is there. Listings of versions (storage/versions.ts) pair as those of objects do. */
export interface Pair<Row extends { readonly key: Key } = Entry> {
  key: Key
  source: Row | null
  destination: Row | null
}

/**
 * Batches of pairs in rising order of their keys, none empty. Throws `unordered` and `out-of-range`, and whatever a
 * listing throws. When it ends, in whatever way, both listings have ended: it waits for a page that is on its way, so
 * whoever gives up early aborts the listings' signal first.
 */
export async function* march<Row extends { readonly key: Key }>(
  source: AsyncIterable<Row[]>,
  destination: AsyncIterable<Row[]>,
  range: Range,
): AsyncGenerator<Pair<Row>[]> {
  const left = new Pages('source', source, range)
  const right = new Pages('destination', destination, range)
  try {
    for (;;) {
      if (left.at === left.page.length) await left.turn()
      if (right.at === right.page.length) await right.turn()
      const batch = merge(left, right)
      if (batch.length === 0) return
      yield batch
    }
  } finally {
    await Promise.all([left.close(), right.close()])
  }
}

/** Pairs until one side needs its next page; empty only when both sides are at their end. */
function merge<Row extends { readonly key: Key }>(left: Pages<Row>, right: Pages<Row>): Pair<Row>[] {
  const batch: Pair<Row>[] = []
  const a = left.page
  const b = right.page
  let i = left.at
  let j = right.at
  while (i < a.length && j < b.length) {
    const source = a[i]!
    const destination = b[j]!
    if (source.key === destination.key) {
      batch.push({ key: source.key, source, destination })
      i++
      j++
    } else if (source.key < destination.key) {
      batch.push({ key: source.key, source, destination: null })
      i++
    } else {
      batch.push({ key: destination.key, source: null, destination })
      j++
    }
  }
  // Only a side that has ended lets the other run alone: else its next page might begin before that one's keys.
  if (right.ended) for (; i < a.length; i++) batch.push({ key: a[i]!.key, source: a[i]!, destination: null })
  if (left.ended) for (; j < b.length; j++) batch.push({ key: b[j]!.key, source: null, destination: b[j]! })
  left.at = i
  right.at = j
  return batch
}

/** One side: the page being merged, and the one that is on its way. */
class Pages<Row extends { readonly key: Key }> {
  page: Row[] = []
  at = 0
  ended = false
  readonly #side: 'source' | 'destination'
  readonly #iterator: AsyncIterator<Row[]>
  readonly #range: Range
  #last: Key | null = null
  #next: Promise<IteratorResult<Row[]>>

  constructor(side: 'source' | 'destination', pages: AsyncIterable<Row[]>, range: Range) {
    this.#side = side
    this.#iterator = pages[Symbol.asyncIterator]()
    this.#range = range
    this.#next = this.#fetch()
  }

  /** The next page that has entries, or the end. */
  async turn(): Promise<void> {
    this.page = []
    this.at = 0
    while (!this.ended && this.page.length === 0) {
      const result = await this.#next
      if (result.done === true) {
        this.ended = true
      } else {
        this.#next = this.#fetch()
        this.#check(result.value)
        this.page = result.value
      }
    }
  }

  async close(): Promise<void> {
    await this.#next.catch(() => {})
    // What a listing still has to say once nobody listens changes nothing.
    if (!this.ended) await this.#iterator.return?.().catch(() => {})
  }

  #fetch(): Promise<IteratorResult<Row[]>> {
    const next = this.#iterator.next()
    next.catch(() => {}) // It is thrown when it is awaited; until then it is not unhandled.
    return next
  }

  #check(page: Row[]): void {
    let last = this.#last
    for (let i = 0; i < page.length; i++) {
      const key = page[i]!.key
      if (last !== null && key <= last) throw this.#unordered(last, key)
      last = key
    }
    this.#last = last
    if (page.length === 0) return
    // The page rises, so its ends speak for all of it.
    for (const { key } of [page[0]!, page[page.length - 1]!]) {
      if (!contains(this.#range, key)) throw this.#outOfRange(key)
    }
  }

  #unordered(last: Key, key: Key): DrayError {
    const order = key === last ? 'listed twice' : `listed after ${displayKey(last)}`
    return new DrayError(
      'unordered',
      `list ${this.#side}`,
      `The ${this.#side}'s listing does not rise: ${displayKey(key)} was ${order}.`,
      {
        hint: 'Dray needs a store that lists keys in the order of their bytes; S3 directory buckets do not.',
      },
    )
  }

  #outOfRange(key: Key): DrayError {
    const { after, through } = this.#range
    const bounds = `(${after === null ? 'start' : displayKey(after)}, ${through === null ? 'end' : displayKey(through)}]`
    return new DrayError(
      'out-of-range',
      `list ${this.#side}`,
      `The ${this.#side} listed ${displayKey(key)}, which is not in ${bounds}, as was asked.`,
      { hint: 'The store ignores where a listing is to begin; Dray cannot work with it.' },
    )
  }
}
