/**
 * A source whose keys are those of the destination, in their order, although the source lists them in another one (or does
 * not list them: a manifest). On the first need all of it is read, placed, sorted outside memory and kept on disk; from then on every
 * range of it is cheap, and everything above works as it does with any source.
 *
 *   records of places (listed.ts, manifest.ts) → external sort → run on disk (sorted-run.ts) → entries, by range or by key
 *
 * The sort is also the only way to see that two objects would get one key: all of them are listed as one entry that is
 * `refused`, which names each and is neither copied nor deleted. Without a complete sort nothing is listed at all.
 */
import { DrayError } from '../../shared/error.ts'
import type { Key } from '../../shared/key.ts'
import { oneKey, type Range } from '../../shared/range.ts'
import { sortLines } from '../storage/external-sort.ts'
import { interrupted, orAbort } from '../storage/interrupt.ts'
import type { Entry, Head, Refusal, Storage } from '../storage/storage.ts'
import { clashOf } from './listed.ts'
import { fromRecord, type Placed } from './record.ts'
import { translated } from './shifted-storage.ts'
import { type SortedRun, writeRun } from './sorted-run.ts'

export interface SortedOptions {
  /** Everything that belongs to the migration, in any order. */
  records(signal: AbortSignal): AsyncIterable<string[]>
  /** Of a page of the run: what the source has of it now. Absent where the records say so already. */
  resolve?(placed: readonly Placed[], signal: AbortSignal): Promise<Placed[]>
  /** Where records are spilled: about 150 bytes an object, twice while they are sorted. Made when it is needed. */
  spillDir: string
}

/** Sorted in memory at once. Beside that the sort holds some megabytes, however many there are. */
const runLength = 40_000
const runBytes = 24 << 20
/** A fresh listing of so few keys (somebody wants to know of one) asks the source for each. */
const fewKeys = 4

export function sortedStorage(source: Storage, options: SortedOptions): Storage {
  const closing = new AbortController()
  const op = `sort the keys of ${source.name}`
  let sorting: Promise<SortedRun> | null = null
  let unplaced = 0

  async function sort(): Promise<SortedRun> {
    const { signal } = closing
    unplaced = 0
    const sorted = await sortLines(counted(options.records(signal)), {
      runLength,
      runBytes,
      dir: options.spillDir,
    })
    const batches = async function* () {
      for (let lines = await sorted.next(); lines.length > 0; lines = await sorted.next()) yield lines
    }
    try {
      return await writeRun(batches(), { dir: options.spillDir, signal })
    } finally {
      await sorted.close()
    }
  }

  async function* counted(batches: AsyncIterable<string[]>): AsyncGenerator<string[]> {
    for await (const batch of batches) {
      for (const record of batch) if (record.includes('\x01unmapped\x01')) unplaced++
      yield batch
    }
  }

  function run(signal: AbortSignal): Promise<SortedRun> {
    if (closing.signal.aborted) return Promise.reject(interrupted(op))
    // What failed is tried again by whoever comes next.
    sorting ??= sort().catch((error) => {
      sorting = null
      throw error
    })
    return orAbort(sorting, signal, op)
  }

  /** The one object that is to become `key`; null where there is none, or several. */
  async function originOf(key: Key, signal: AbortSignal): Promise<Entry | null> {
    const placed = distinct((await (await run(signal)).at(key)).map(fromRecord))
    return placed.length === 1 && !placed[0]!.refusal ? placed[0]!.entry : null
  }

  const named = <T extends Head>(head: T | null, key: Key): T | null =>
    head && { ...head, entry: renamed(head.entry, key) }

  async function* list(range: Range, signal: AbortSignal, fresh: boolean): AsyncGenerator<Entry[]> {
    for await (const records of (await run(signal)).pages(range)) {
      let placed = records.map(fromRecord)
      if (options.resolve) placed = await options.resolve(placed, signal)
      else if (fresh && placed.length <= fewKeys) placed = await stillThere(source, placed, signal)
      if (signal.aborted) throw interrupted(op)
      yield entriesOf(placed)
    }
  }

  return {
    kind: source.kind,
    name: source.name,
    get tokens() {
      return source.tokens
    },
    walks: true,
    // Nobody uploads to a source; where its uploads would have been cut is asked.
    multipart: source.multipart,
    versions: null,
    get blind() {
      if (unplaced === 0) return null
      return `The mapping has no place for ${unplaced.toLocaleString('en')} of the source's objects, so nobody knows whose copy this is.`
    },
    list: (range, { signal, fresh = false }) => list(range, signal, fresh),
    async head(key, signal) {
      const origin = await originOf(key, signal)
      return origin && named(await source.head(origin.key, signal, origin.version), key)
    },
    async read(key, reading) {
      const origin = await originOf(key, reading.signal)
      if (!origin) return null
      const { version } = origin
      return named(
        await source.read(origin.key, version === undefined ? reading : { ...reading, version }),
        key,
      )
    },
    ...translated(source, named),
    write: () => {
      throw new DrayError('invalid-request', `write to ${source.name}`, 'What is mapped is only read.')
    },
    async delete(key, deletion) {
      const origin = await originOf(key, deletion.signal)
      return origin !== null && source.delete(origin.key, deletion)
    },
    unsupported: () => null,
    async close() {
      closing.abort()
      const run = await sorting?.catch(() => null)
      await run?.close()
      await source.close()
    },
  }
}

const renamed = (entry: Entry, place: Key): Entry =>
  entry.key === place ? entry : { ...entry, key: place, origin: entry.key }

/** The source's word on each of them now, by its listing: a HEAD says the same of a bucket that is gone. */
async function stillThere(
  source: Storage,
  placed: readonly Placed[],
  signal: AbortSignal,
): Promise<Placed[]> {
  const now: Placed[] = []
  for (const one of placed) {
    for await (const page of source.list(oneKey(one.entry.key), { signal, fresh: true })) {
      const entry = page.find(({ key }) => key === one.entry.key)
      if (entry) now.push({ ...one, entry })
    }
  }
  return now
}

/** One entry for each place; `placed` is in order of places. */
function entriesOf(placed: readonly Placed[]): Entry[] {
  const entries: Entry[] = []
  for (let i = 0; i < placed.length; ) {
    const first = placed[i]!
    let end = i + 1
    while (end < placed.length && placed[end]!.place === first.place) end++
    // Hot: nearly all are alone.
    if (end === i + 1 && !first.refusal) entries.push(renamed(first.entry, first.place))
    else entries.push(together(distinct(placed.slice(i, end))))
    i = end
  }
  return entries
}

/** Without repetitions, which a manifest may have. */
function distinct(placed: readonly Placed[]): Placed[] {
  if (placed.length < 2) return [...placed]
  return [...new Map(placed.map((one) => [`${one.entry.key}\0${one.entry.version ?? ''}`, one])).values()]
}

function together(placed: readonly Placed[]): Entry {
  const [first] = placed
  const { place, entry } = first!
  if (placed.length === 1 && !first!.refusal) return renamed(entry, place)
  const refused = placed.map(
    (one): Refusal => ({
      key: one.entry.key,
      size: one.entry.size,
      ...(one.refusal ?? { code: 'key-clash', message: clashOf(one, placed) }),
    }),
  )
  return { key: place, kind: 'object', size: 0, mtime: 0, token: '', refused }
}
