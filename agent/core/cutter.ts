/**
 * Cuts a range that is being surveyed into pieces, while its keys go by in rising order. A piece is either *work* (a
 * packet is made of it) or *settled* (everything in it is accounted for). Invariants: the pieces tile the range; every
 * key is in exactly one of them; no piece has more than `listedKeys` keys; a work piece expects at most `workObjects`
 * objects, and at most `workBytes` bytes unless it has one single object.
 *
 * Each piece tells how many objects are to be deleted in it, and how many were found at the destination.
 *
 * Settled keys between work are taken into the work piece (listing some again is cheaper than more packets) as long
 * as they are few; a run of `longRun` or more is cut off on both sides, so that unchanged ranges are listed once.
 */
import { addCounts, type Counts, type Evidence, zeroCounts } from '../../shared/counts.ts'
import type { Key } from '../../shared/key.ts'
import { packetBounds } from '../../shared/policy.ts'
import type { Cut } from '../../shared/protocol.ts'

export interface CutterBounds {
  readonly workBytes: number
  readonly workObjects: number
  readonly listedKeys: number
  readonly longRun: number
}

export const surveyBounds: CutterBounds = { ...packetBounds, longRun: 1_000 }

/** Of one key; what is left out is 1 for the first two, and 0 for the others. */
export interface KeyWork {
  /** Versions to work on, of how many that were listed on both sides. */
  readonly objects?: number
  readonly listed?: number
  /** Whether it is to be deleted, and whether the destination has it. */
  readonly deletes?: 0 | 1
  readonly found?: 0 | 1
}

export interface Cutter {
  /** An object that somebody must work on: so many bytes. */
  work(key: Key, bytes: number, of?: KeyWork): void
  /** An object that turned out equal. */
  same(key: Key, bytes: number, evidence: Evidence): void
  /** A key all of whose versions turned out equal, or count for nothing; `listed` of them on both sides. */
  settled(key: Key, counts: Counts, listed: number, found: 0 | 1): void
  /** A key that was listed and counts for nothing: left out by the filter, or left alone at the destination. */
  passed(key: Key, found?: 0 | 1): void
  /** The finished pieces since it was last asked. */
  take(): Cut[]
  /** Ends the last piece at `through`, the end of the range; then `take` once more. */
  finish(through: Key | null): void
}

/** `tellsFound`: whether pieces say what was found at the destination. */
export function createCutter(bounds: CutterBounds = surveyBounds, tellsFound = false): Cutter {
  let cuts: Cut[] = []
  /** Keys of the open piece, the run included. */
  let listed = 0
  let objects = 0
  let bytes = 0
  let deletes = 0
  let found = 0
  /** The last key of the open piece that is work. */
  let lastWork: Key | null = null
  let last: Key | null = null
  /** Where the last piece ended; null: none has. */
  let ended: Key | null = null
  /** The settled keys at the open piece's end, since its last work. */
  let runKeys = 0
  let runFound = 0
  let run: Counts = zeroCounts()

  function close(through: Key | null): void {
    cuts.push(objects > 0 ? workPiece(through, found) : { ...settledPiece(through, run), ...telling(found) })
    ended = through
    listed = objects = bytes = deletes = found = runKeys = runFound = 0
    lastWork = null
    run = zeroCounts()
  }

  /** Ends the open work piece at its last work, and goes on with the run behind it as a piece of its own. */
  function closeBeforeRun(): void {
    cuts.push(workPiece(lastWork, found - runFound))
    ended = lastWork
    listed = runKeys
    found = runFound
    objects = bytes = deletes = 0
    lastWork = null
  }

  function workPiece(through: Key | null, found: number): Cut {
    const work = { objects, bytes, ...(deletes > 0 && { deletes }) }
    return { through, work, settled: null, ...telling(found) }
  }

  const telling = (found: number) => (tellsFound && found > 0 ? { found } : {})

  function settle(key: Key, count: number, isFound: 0 | 1): void {
    last = key
    found += isFound
    runFound += isFound
    listed += count
    runKeys += count
    if (objects > 0 && runKeys >= bounds.longRun) closeBeforeRun()
    if (listed >= bounds.listedKeys) close(key)
  }

  return {
    work(key, size, of = {}) {
      if (objects === 0 && runKeys >= bounds.longRun) close(last)
      if (objects > 0 && bytes + size > bounds.workBytes) close(last)
      last = lastWork = key
      listed += of.listed ?? 1
      objects += of.objects ?? 1
      bytes += size
      deletes += of.deletes ?? 0
      found += of.found ?? 0
      if (runKeys > 0) run = zeroCounts()
      runKeys = runFound = 0
      if (objects >= bounds.workObjects || bytes >= bounds.workBytes || listed >= bounds.listedKeys)
        close(key)
    },
    same(key, size, evidence) {
      run.objects.listed++
      run.objects.same++
      run.bytes.listed += size
      run.evidence[evidence] = (run.evidence[evidence] ?? 0) + 1
      settle(key, 1, 1)
    },
    settled(key, counts, versions, isFound) {
      addCounts(run, counts)
      settle(key, versions, isFound)
    },
    passed: (key, isFound = 0) => settle(key, 1, isFound),
    take() {
      const taken = cuts
      cuts = []
      return taken
    },
    finish(through) {
      const final = cuts.at(-1)
      if (listed > 0) close(through)
      // The range ends with the last piece: one more would be of nothing.
      else if (ended !== null && ended === through) return
      else if (final) cuts[cuts.length - 1] = { ...final, through }
      else close(through)
    },
  }
}

function settledPiece(through: Key | null, settled: Counts): Cut {
  return { through, work: { objects: 0, bytes: 0 }, settled }
}
