/**
 * The baseline: what both sides of every key were when they were last made equal. It answers "same" where two listings
 * cannot be compared. Rows are in leaves (leaf.ts), one or more for each range that was settled; an index (index-db.ts)
 * says which leaf speaks for which range.
 *
 *   <dir>/index.sqlite           <dir>/leaves/<last two hex digits>/<number in hex>.leaf
 *
 * Invariants: a leaf is on disk before the index names it, has a number that no other ever had while this process lives, and goes
 * only after the index has forgotten it; what a crash leaves between the two is removed when the baseline is opened.
 * A row is a fact about two tokens, so an old one can never make different things look equal, whatever is lost.
 *
 * Where several agents share a baseline (shared-leaves.ts), what is here is a copy: a leaf is written there before it is here, and is fetched when
 * somebody first reads it. Nothing that a crash leaves half done matters: a leaf that is only there is found with the next look.
 */
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DrayError, toDrayError } from '../../shared/error.ts'
import { displayKey, type Key } from '../../shared/key.ts'
import { contains, isEmpty, type Range } from '../../shared/range.ts'
import { type Interval, type IntervalIndex, intersection, noLeaf, openIndex } from './index-db.ts'
import { LeafBuilder, LeafReader, saveLeaf } from './leaf.ts'
import { createLook } from './look-for-leaves.ts'
import type { BaselineRow } from './row.ts'
import type { SharedLeaves } from './shared-leaves.ts'

export {
  type BaselineRow,
  baselineRow,
  isRowOf,
  isWholeRowOf,
  knowsEqual,
  missingRow,
  type Side,
  sideOf,
} from './row.ts'

export interface Baseline {
  /** Rows in rising order of their keys; a page at a time. What was lost reads as nothing, never as an error. */
  rows(range: Range): AsyncIterable<BaselineRow[]>
  /**
   * Replaces everything known of `range`, when it is done and not before, but for what is known by later listings; rows rise strictly and lie
   * within it. `began` (ms): when their listings began. In `holes`, rising and without rows, what is known stays as it is. Throws `io` or `no-space`; the packet is no less done without its leaf.
   */
  write(
    range: Range,
    began: number,
    rows: AsyncIterable<BaselineRow[]> | Iterable<BaselineRow>,
    holes?: readonly Range[],
  ): Promise<void>
  /** Whether what is known of `range` lies in so many places that it had better be written anew, at once. */
  isScattered(range: Range): boolean
  /**
   * Learns what other agents have written, where they share it, unless that was done since `since` (ms; by this machine's clock). False
   * where there was nothing to learn. Throws where it cannot be learnt.
   */
  refresh(since: number): Promise<boolean>
  close(): Promise<void>
}

export interface BaselineOptions {
  /** 1, 2, … of a worker thread; 0, or absent: the main one. */
  readonly thread?: number
  /** Closed with the baseline. */
  readonly shared?: SharedLeaves | null
  /** Told of leaves that could not be fetched. */
  readonly warn?: (error: DrayError) => void
}

/** Intervals of a range past which they are made one. */
const mostScattered = 32

/**
 * One process at a time: the state directory is locked by whoever opens it. An index that cannot be read is begun anew. Worker
 * threads (1, 2, …, none twice in a process) open it too while the main one (0) has it open: they have leaf numbers of their own, and
 * leave it to that one to clean up.
 */
export async function openBaseline(
  dir: string,
  { thread = 0, shared = null, warn = () => {} }: BaselineOptions = {},
): Promise<Baseline> {
  const leaves = join(dir, 'leaves')
  await mkdir(leaves, { recursive: true, mode: 0o700 })
  const path = join(dir, 'index.sqlite')
  const index = thread === 0 ? await openOrRenew(path) : openIndex(path)
  let next = (await greatestLeaf(leaves, thread, index)) + 1

  const pathOf = (leaf: number) => join(leaves, shardOf(leaf), `${leaf.toString(16)}.leaf`)

  async function* rows(range: Range): AsyncGenerator<BaselineRow[]> {
    let rest = range
    let lost = -1
    /** The last two: around what nothing was learnt of, an old leaf and a new one take turns. */
    const readers = new Map<number, LeafReader>()
    async function readerOf(leaf: number): Promise<LeafReader | null> {
      const known = readers.get(leaf)
      if (known) return known
      const bytes = await readFile(pathOf(leaf)).catch(() => fetched(leaf))
      if (bytes === null) return null
      const reader = new LeafReader(bytes)
      const [oldest] = readers.keys()
      if (readers.size > 1) readers.delete(oldest!)
      readers.set(leaf, reader)
      return reader
    }
    while (!isEmpty(rest)) {
      // Asked anew after each leaf: packets write their leaves while a survey reads ahead of them.
      const interval = firstOf(index, rest)
      if (interval === null) return
      const part = intersection(interval.range, rest)
      let delivered: Key | null = null
      if (interval.leaf === noLeaf) {
        if (part.through === null) return
        rest = { after: part.through, through: range.through }
        continue
      }
      const reader = await readerOf(interval.leaf)
      for (const page of reader?.rows(part) ?? []) {
        delivered = page.at(-1)!.key
        yield page
      }
      // A leaf that went while it was being opened has a successor in the index: look once more before passing over it.
      const renewed = delivered === null && lost !== interval.leaf && !isCurrent(index, interval, part)
      lost = interval.leaf
      if (renewed) continue
      if (part.through === null) return
      rest = { after: part.through, through: range.through }
    }
  }

  /** The bytes of a leaf that only others have had, kept here from now on. */
  async function fetched(leaf: number): Promise<Buffer | null> {
    const name = shared && index.shared.nameOf(leaf)
    if (!name) return null
    try {
      const bytes = await shared.read(name)
      if (bytes) await keep(leaf, bytes)
      return bytes
    } catch (error) {
      warn(toDrayError(error, `read ${name} of the shared baseline`))
      return null
    }
  }

  async function keep(leaf: number, bytes: Buffer): Promise<void> {
    await mkdir(join(leaves, shardOf(leaf)), { recursive: true, mode: 0o700 })
    await saveLeaf(pathOf(leaf), bytes).catch((error) => {
      // Somebody else has just fetched it, too.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    })
  }

  async function write(
    range: Range,
    began: number,
    source: AsyncIterable<BaselineRow[]> | Iterable<BaselineRow>,
    holes: readonly Range[] = [],
  ): Promise<void> {
    const written: Interval[] = []
    const names: [name: string, leaf: number][] = []
    try {
      let builder = new LeafBuilder()
      let last = range.after
      const holesIn = (piece: Range) =>
        holes.map((hole) => intersection(hole, piece)).filter((hole) => !isEmpty(hole))
      const begun = () => written.at(-1)?.range.through ?? range.after
      const save = async (through: Key | null) => {
        const leaf = next++
        const piece = { after: begun(), through }
        written.push({ range: piece, leaf, began })
        const bytes = builder.bytes({ range: piece, began, holes: holesIn(piece) })
        await keep(leaf, bytes)
        if (shared) names.push([await shared.write(bytes, began), leaf])
        builder = new LeafBuilder()
      }
      for await (const page of pagesOf(source)) {
        for (const row of page) {
          if (!contains(range, row.key) || (last !== null && row.key <= last)) throw misplaced(row.key)
          if (builder.isFull) await save(last)
          builder.add(row)
          last = row.key
        }
      }
      const tail = { after: begun(), through: range.through }
      // Others have to be told, too, that nothing is left of what they know.
      if (builder.rows > 0 || (shared !== null && index.knows(tail))) await save(range.through)
      else if (!isEmpty(tail)) written.push({ range: tail, leaf: noLeaf, began })
      const unused = index.replace(range, written, began, holes)
      // Only now: a name that is known and not referred to is one that is to be removed.
      for (const [name, leaf] of names) index.shared.name(name, leaf)
      await discard(unused)
    } catch (error) {
      await discard(written.map(({ leaf }) => leaf))
      throw writeError(error, dir)
    }
  }

  /** What cannot be removed now is an orphan when the baseline is opened next. */
  async function discard(unused: number[]): Promise<void> {
    await Promise.all(
      unused
        .filter((leaf) => leaf !== noLeaf)
        .map((leaf) => rm(pathOf(leaf), { force: true }).catch(() => {})),
    )
  }

  const looking = shared && createLook({ shared, index, next: () => next++, discard })
  return {
    rows,
    write,
    isScattered: (range) => index.count(range, mostScattered) >= mostScattered,
    refresh: async (since) => (await looking?.(since)) ?? false,
    async close() {
      await shared?.close()
      index.close()
    },
  }
}

/** Spreads a million leaves over directories of some thousands. */
const shardOf = (leaf: number) => (leaf & 0xff).toString(16).padStart(2, '0')

async function openOrRenew(path: string): Promise<IntervalIndex> {
  try {
    return openIndex(path)
  } catch {
    for (const suffix of ['', '-wal', '-shm']) await rm(path + suffix, { force: true })
    return openIndex(path)
  }
}

/** Leaves that one thread can number. */
const ofOneThread = 2 ** 40

/** Returns the greatest number that a leaf of that thread has. The main thread removes what the index does not refer to. */
async function greatestLeaf(leaves: string, thread: number, index: IntervalIndex): Promise<number> {
  const first = thread * ofOneThread
  // What others share may not be on disk.
  let greatest = index.greatest(first, first + ofOneThread) ?? first
  for (const shard of await readdir(leaves)) {
    if (!/^[0-9a-f]{2}$/.test(shard)) continue
    for (const name of await readdir(join(leaves, shard))) {
      if (!/^[0-9a-f]+\.leaf$/.test(name)) continue
      const leaf = Number.parseInt(name, 16)
      if (leaf < first + ofOneThread) greatest = Math.max(greatest, leaf)
      if (thread === 0 && !index.refersTo(leaf)) await rm(join(leaves, shard, name), { force: true })
    }
  }
  return greatest
}

/** A damaged index knows nothing, as a damaged leaf does. */
function firstOf(index: IntervalIndex, range: Range): Interval | null {
  try {
    return index.first(range)
  } catch {
    return null
  }
}

function isCurrent(index: IntervalIndex, interval: Interval, part: Range): boolean {
  const now = firstOf(index, part)
  return now === null || now.leaf === interval.leaf
}

async function* pagesOf(
  rows: AsyncIterable<BaselineRow[]> | Iterable<BaselineRow>,
): AsyncGenerator<Iterable<BaselineRow>> {
  if (Symbol.asyncIterator in rows) yield* rows
  else yield rows
}

const misplaced = (key: Key) =>
  new DrayError('internal', 'write baseline', `The row of ${displayKey(key)} is out of order or range.`)

function writeError(error: unknown, dir: string): DrayError {
  const op = `write baseline in ${dir}`
  const { code, message } = error as NodeJS.ErrnoException
  // A system's or SQLite's error has a code in text; the rows come from elsewhere and may fail with anything.
  if (error instanceof DrayError || typeof code !== 'string') return toDrayError(error, op)
  return new DrayError(code === 'ENOSPC' ? 'no-space' : 'io', op, message, {
    retry: 'later',
    cause: error,
  })
}
