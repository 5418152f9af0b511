/**
 * What failed in one pass beside what failed in another, by key. There is no index of keys (each failure would cost another row), so
 * both are read once or twice, in windows, between which the object serves others. Memory holds eight bytes a failure, and of no more than
 * `atOnce` of a side: where there are more, they are read several times, and each time others are looked at.
 */
import type { comparePasses } from '../shared/api/passes.ts'
import type { Answer } from '../shared/api/route.ts'
import { type Key, publicKey } from '../shared/key.ts'
import { keyHash } from './core/key-hash.ts'
import type { Ids } from './failure-table.ts'
import { letOthers } from './let-others.ts'
import type { MigrationTables } from './migration-tables.ts'
import type { PassRow } from './pass-table.ts'

export type Compared = Answer<typeof comparePasses>['failures']

/** Failures read in one go: some 10 ms. */
const window = 10_000
const mostSamples = 20

export async function compareFailures(
  tables: MigrationTables,
  from: PassRow,
  to: PassRow,
  atOnce = 2_000_000,
): Promise<Compared> {
  const seed = crypto.getRandomValues(new Uint32Array(1))[0]!
  const [before, after] = [tables.failureIds(from), tables.failureIds(to)]
  const parts = Math.max(1, Math.ceil(Math.max(sizeOf(before), sizeOf(after)) / atOnce))
  const found = { fixed: new Found(), still: new Found(), new: new Found() }
  for (let part = 0; part < parts; part++) {
    const isOurs = (hash: number) => hash % parts === part
    const olds = await hashes(tables, before, seed, isOurs)
    const news = await hashes(tables, after, seed, isOurs)
    found.fixed.objects += countMissing(olds, news)
    found.new.objects += countMissing(news, olds)
    found.still.objects += olds.length - countMissing(olds, news)
    const kindOf = (hash: number) => (has(news, hash) ? found.still : found.fixed)
    await sample(tables, before, seed, isOurs, kindOf, [found.still, found.fixed])
    await sample(tables, after, seed, isOurs, (hash) => (has(olds, hash) ? null : found.new), [found.new])
  }
  return { fixed: found.fixed.told, still: found.still.told, new: found.new.told }
}

class Found {
  objects = 0
  readonly #samples = new Set<Key>()

  /** Whether all of its samples are there; there may be fewer of them. */
  get isFull(): boolean {
    return this.#samples.size >= Math.min(mostSamples, this.objects)
  }

  add(key: Key): void {
    if (!this.isFull) this.#samples.add(key)
  }

  get told() {
    return { objects: this.objects, samples: [...this.#samples].map(publicKey) }
  }
}

const sizeOf = ({ first, end }: Ids) => Math.max(0, end - first)

async function* windows(tables: MigrationTables, { first, end }: Ids): AsyncGenerator<Iterable<Key>> {
  for (let at = first; at < end; at += window) {
    yield keysIn(tables, { first: at, end: Math.min(at + window, end) })
    if (at + window < end) await letOthers()
  }
}

function* keysIn(tables: MigrationTables, ids: Ids): Generator<Key> {
  for (const { key } of tables.failures.keys(ids, {})) yield key
}

/** Sorted, each once: a key fails several times where its versions do. */
async function hashes(
  tables: MigrationTables,
  ids: Ids,
  seed: number,
  isOurs: (hash: number) => boolean,
): Promise<Float64Array> {
  let all = new Float64Array(4_096)
  let n = 0
  for await (const keys of windows(tables, ids)) {
    for (const key of keys) {
      const hash = keyHash(key, seed)
      if (!isOurs(hash)) continue
      if (n === all.length) {
        n = sortOnce(all)
        if (n > all.length / 2) all = withRoom(all)
      }
      all[n++] = hash
    }
  }
  return all.subarray(0, sortOnce(all.subarray(0, n)))
}

/** How many are left, at its beginning. */
function sortOnce(hashes: Float64Array): number {
  let n = 0
  for (const hash of hashes.sort()) if (n === 0 || hashes[n - 1] !== hash) hashes[n++] = hash
  return n
}

function withRoom(hashes: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(2 * hashes.length)
  larger.set(hashes)
  return larger
}

/** How many of `these` are not in `those`; both are sorted. */
function countMissing(these: Float64Array, those: Float64Array): number {
  let missing = 0
  let at = 0
  for (const hash of these) {
    while (at < those.length && those[at]! < hash) at++
    if (those[at] !== hash) missing++
  }
  return missing
}

function has(sorted: Float64Array, hash: number): boolean {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle]! < hash) low = middle + 1
    else high = middle
  }
  return sorted[low] === hash
}

/** The first ones of each kind, in the order in which they were told; ends where all `kinds` have theirs. */
async function sample(
  tables: MigrationTables,
  ids: Ids,
  seed: number,
  isOurs: (hash: number) => boolean,
  kindOf: (hash: number) => Found | null,
  kinds: readonly Found[],
): Promise<void> {
  for await (const keys of windows(tables, ids)) {
    if (kinds.every(({ isFull }) => isFull)) return
    for (const key of keys) {
      const hash = keyHash(key, seed)
      if (isOurs(hash)) kindOf(hash)?.add(key)
    }
  }
}
