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
 */
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DrayError, toDrayError } from '../../shared/error.ts'
import { displayKey, type Key } from '../../shared/key.ts'
import { contains, isEmpty, type Range } from '../../shared/range.ts'
import { type Interval, type IntervalIndex, openIndex } from './index-db.ts'
import { LeafBuilder, readLeaf } from './leaf.ts'
import type { BaselineRow } from './row.ts'

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
   * Replaces everything known of `range`, when it is done and not before; rows rise strictly and lie within it. `began`
   * (ms): when their listings began. Throws `io` or `no-space`; the packet is no less done without its leaf.
   */
  write(
    range: Range,
    began: number,
    rows: AsyncIterable<BaselineRow[]> | Iterable<BaselineRow>,
  ): Promise<void>
  close(): Promise<void>
}

/**
 * One process at a time: the state directory is locked by whoever opens it. An index that cannot be read is begun anew. Worker
 * threads (1, 2, …, none twice in a process) open it too while the main one (0) has it open: they have leaf numbers of their own, and
 * leave it to that one to clean up.
 */
export async function openBaseline(dir: string, thread = 0): Promise<Baseline> {
  const leaves = join(dir, 'leaves')
  await mkdir(leaves, { recursive: true, mode: 0o700 })
  const path = join(dir, 'index.sqlite')
  const index = thread === 0 ? await openOrRenew(path) : openIndex(path)
  let next = (await greatestLeaf(leaves, thread, thread === 0 ? index : null)) + 1

  const pathOf = (leaf: number) => join(leaves, shardOf(leaf), `${leaf.toString(16)}.leaf`)

  async function* rows(range: Range): AsyncGenerator<BaselineRow[]> {
    let rest = range
    let lost = -1
    while (!isEmpty(rest)) {
      // Asked anew after each leaf: packets write their leaves while a survey reads ahead of them.
      const interval = firstOf(index, rest)
      if (interval === null) return
      const part = intersection(interval.range, rest)
      let delivered: Key | null = null
      for await (const page of readLeaf(pathOf(interval.leaf), part)) {
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

  async function write(
    range: Range,
    began: number,
    source: AsyncIterable<BaselineRow[]> | Iterable<BaselineRow>,
  ): Promise<void> {
    const written: Interval[] = []
    try {
      let builder = new LeafBuilder()
      let last = range.after
      const begun = () => written.at(-1)?.range.through ?? range.after
      const save = async (through: Key | null) => {
        const leaf = next++
        const piece = { after: begun(), through }
        written.push({ range: piece, leaf, began })
        await mkdir(join(leaves, shardOf(leaf)), { recursive: true, mode: 0o700 })
        await builder.save(pathOf(leaf), piece, began)
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
      if (builder.rows > 0) await save(range.through)
      await discard(index.replace(range, written))
    } catch (error) {
      await discard(written.map(({ leaf }) => leaf))
      throw writeError(error, dir)
    }
  }

  /** What cannot be removed now is an orphan when the baseline is opened next. */
  async function discard(unused: number[]): Promise<void> {
    await Promise.all(unused.map((leaf) => rm(pathOf(leaf), { force: true }).catch(() => {})))
  }

  return {
    rows,
    write,
    async close() {
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

/** Returns the greatest number that a leaf of that thread has. Removes what `index`, if it is given, does not refer to. */
async function greatestLeaf(leaves: string, thread: number, index: IntervalIndex | null): Promise<number> {
  const first = thread * ofOneThread
  let greatest = first
  for (const shard of await readdir(leaves)) {
    if (!/^[0-9a-f]{2}$/.test(shard)) continue
    for (const name of await readdir(join(leaves, shard))) {
      if (!/^[0-9a-f]+\.leaf$/.test(name)) continue
      const leaf = Number.parseInt(name, 16)
      if (leaf < first + ofOneThread) greatest = Math.max(greatest, leaf)
      if (index?.refersTo(leaf) === false) await rm(join(leaves, shard, name), { force: true })
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

function intersection(a: Range, b: Range): Range {
  const after = a.after === null || (b.after !== null && b.after > a.after) ? b.after : a.after
  const through = a.through === null || (b.through !== null && b.through < a.through) ? b.through : a.through
  return { after, through }
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
