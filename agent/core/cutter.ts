/**
 * Cuts a range that is being surveyed into pieces, while its keys go by in rising order. A piece is either *work* (a
 * packet is made of it) or *settled* (everything in it is accounted for). Invariants: the pieces tile the range; every
 * key is in exactly one of them; no piece has more than `listedKeys` keys; a work piece expects at most `workObjects`
 * objects, and at most `workBytes` bytes unless it has one single object.
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

export interface Cutter {
  /** An object that somebody must work on: so many bytes. Of a key with versions: how many of how many that were listed. */
  work(key: Key, bytes: number, objects?: number, listed?: number): void
  /** An object that turned out equal. */
  same(key: Key, bytes: number, evidence: Evidence): void
  /** A key all of whose versions turned out equal, or count for nothing; `listed` of them on both sides. */
  settled(key: Key, counts: Counts, listed: number): void
  /** A key that was listed and counts for nothing: left out by the filter, or left alone at the destination. */
  passed(key: Key): void
  /** The finished pieces since it was last asked. */
  take(): Cut[]
  /** Ends the last piece at `through`, the end of the range; then `take` once more. */
  finish(through: Key | null): void
}

export function createCutter(bounds: CutterBounds = surveyBounds): Cutter {
  let cuts: Cut[] = []
  /** Keys of the open piece, the run included. */
  let listed = 0
  let objects = 0
  let bytes = 0
  /** The last key of the open piece that is work. */
  let lastWork: Key | null = null
  let last: Key | null = null
  /** Where the last piece ended; null: none has. */
  let ended: Key | null = null
  /** The settled keys at the open piece's end, since its last work. */
  let runKeys = 0
  let run: Counts = zeroCounts()

  function close(through: Key | null): void {
    cuts.push(objects > 0 ? { through, work: { objects, bytes }, settled: null } : settledPiece(through, run))
    ended = through
    listed = objects = bytes = runKeys = 0
    lastWork = null
    run = zeroCounts()
  }

  /** Ends the open work piece at its last work, and goes on with the run behind it as a piece of its own. */
  function closeBeforeRun(): void {
    cuts.push({ through: lastWork, work: { objects, bytes }, settled: null })
    ended = lastWork
    listed = runKeys
    objects = bytes = 0
    lastWork = null
  }

  function settle(key: Key, count = 1): void {
    last = key
    listed += count
    runKeys += count
    if (objects > 0 && runKeys >= bounds.longRun) closeBeforeRun()
    if (listed >= bounds.listedKeys) close(key)
  }

  return {
    work(key, size, count = 1, versions = 1) {
      if (objects === 0 && runKeys >= bounds.longRun) close(last)
      if (objects > 0 && bytes + size > bounds.workBytes) close(last)
      last = lastWork = key
      listed += versions
      objects += count
      bytes += size
      if (runKeys > 0) run = zeroCounts()
      runKeys = 0
      if (objects >= bounds.workObjects || bytes >= bounds.workBytes || listed >= bounds.listedKeys)
        close(key)
    },
    same(key, size, evidence) {
      run.objects.listed++
      run.objects.same++
      run.bytes.listed += size
      run.evidence[evidence] = (run.evidence[evidence] ?? 0) + 1
      settle(key)
    },
    settled(key, counts, versions) {
      addCounts(run, counts)
      settle(key, versions)
    },
    passed: (key) => settle(key),
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
