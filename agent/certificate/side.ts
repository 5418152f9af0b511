/**
 * One side as it is now, beside the leaves of a certificate: listed once, from the first key to the last, and digested range by range. Nothing is
 * read. Memory holds a page of the listing.
 */
import type { Key } from '../../shared/key.ts'
import type { Leaf } from '../../shared/ledger.ts'
import { everything, type Range } from '../../shared/range.ts'
import type { CompiledFilter } from '../core/filter.ts'
import { narrow } from '../core/narrow.ts'
import { ListingDigest, listedOf, listedVersion } from '../listing-digest.ts'
import { versionsOf } from '../runner/look-chains.ts'
import type { Entry, Storage } from '../storage/storage.ts'
import type { Chain } from '../storage/versions.ts'

export interface Difference extends Range {
  /** What the certificate counts there, and what is there now. */
  readonly certified: number
  readonly listed: number
}

export interface SideOptions {
  readonly storage: Storage
  readonly filter: CompiledFilter
  readonly side: 'source' | 'destination'
  readonly versions: 'newest' | 'all'
  readonly signal: AbortSignal
}

/** Of many more, these are told. */
const mostDifferences = 1_000

export class SideNow {
  readonly #options: SideOptions
  readonly #pages: AsyncIterator<readonly (Entry | Chain)[]>
  #page: readonly (Entry | Chain)[] = []
  #at = 0
  /** The first of them; `differing` is how many there are. */
  readonly differences: Difference[] = []
  differing = 0
  objects = 0

  constructor(options: SideOptions) {
    this.#options = options
    this.#pages = pagesOf(options)[Symbol.asyncIterator]()
  }

  /** Leaves in their order. What lies before one, and belongs to none, is part of it. */
  async compare({ after, through, counts, seal }: Leaf): Promise<void> {
    const { storage, side, filter } = this.#options
    const digest = new ListingDigest()
    let listed = 0
    for (let found = await this.#peek(); found && isIn(found.key, through); found = await this.#peek()) {
      this.#at++
      if (!filter.matches(found.key)) continue
      if ('versions' in found) {
        for (const version of found.versions) digest.add(listedVersion(version))
        listed += found.versions.length
        continue
      }
      const line = listedOf(found, storage.kind)
      if (line) digest.add(line)
      if (line) listed++
    }
    this.objects += listed
    if (digest.end().digest === seal[side]) return
    this.differing++
    if (this.differences.length >= mostDifferences) return
    // Links and devices are listed, and are no objects.
    const { listed: seen, skipped, vanished } = counts.objects
    this.differences.push({ after, through, certified: seen - skipped - vanished, listed })
  }

  async close(): Promise<void> {
    await this.#pages.return?.()
  }

  async #peek(): Promise<Entry | Chain | null> {
    while (this.#at >= this.#page.length) {
      const next = await this.#pages.next()
      if (next.done) return null
      this.#page = next.value
      this.#at = 0
    }
    return this.#page[this.#at]!
  }
}

const isIn = (key: Key, through: Key | null) => through === null || key <= through

async function* pagesOf({
  storage,
  filter,
  versions,
  signal,
}: SideOptions): AsyncGenerator<(Entry | Chain)[]> {
  for (const range of narrow(everything, filter.ranges)) {
    if (versions === 'all') yield* versionsOf(storage).list(range, signal)
    else yield* storage.list(range, { signal })
  }
}
