/**
 * The packets of a pass that tries failures again. Together they tile the key space, as those of any pass do: a packet for each key, or, where
 * there are too many keys for that, a survey for each run of neighbours; surveys of the ranges that were left undone; and settled packets of no
 * objects in the gaps between.
 */
import { zeroCounts } from '../../shared/counts.ts'
import type { Key } from '../../shared/key.ts'
import type { Work } from '../../shared/protocol.ts'
import { compareRanges, oneKey, type Range } from '../../shared/range.ts'
import { type NewPacket, newPacket, settledPacket } from './packet.ts'

/** Packets of work, at most; and where a side is a directory, which lists a part of itself as dearly as the whole. */
export const mostRetried = { store: 1_000, directory: 64 } as const
/** Keys that are looked at for each run, to make runs of about as many keys. */
const perRun = 8

export interface FailedKey {
  readonly key: Key
  readonly bytes: number
}

interface Run {
  first: Key
  last: Key
  objects: number
  bytes: number
}

/**
 * `keys`: all of them, in any order, some of them perhaps twice; asked for twice where there are many. Memory holds some thousand of them,
 * however many there are.
 */
export function retryPackets(
  keys: () => Iterable<FailedKey>,
  undone: readonly Range[],
  kind: 'copy' | 'verify',
  most: number,
): NewPacket[] {
  const ranges = joined(undone, Math.max(1, Math.floor(most / 2)))
  const runs = runsOf(keys, most - ranges.length)
  const pieces = [
    ...runs.map((run) => ({ ...rangeOf(run), work: run.first === run.last ? workOf(run) : null })),
    ...ranges.map((range) => ({ ...range, work: null })),
  ].sort(compareRanges)
  const packets: NewPacket[] = []
  let at: Key | null = null
  let isEnd = false
  for (const { after: start, through, work } of pieces) {
    // What was left undone may hold keys that failed: it is surveyed, and they with it.
    if (isEnd || (at !== null && through !== null && through <= at)) continue
    const after: Key | null = at !== null && (start === null || start < at) ? at : start
    if (after !== at) packets.push(settledPacket(kind, { after: at, through: after }, zeroCounts()))
    packets.push(work ? newPacket(kind, { after, through }, work) : newPacket('survey', { after, through }))
    at = through
    isEnd = through === null
  }
  if (!isEnd) packets.push(settledPacket(kind, { after: at, through: null }, zeroCounts()))
  return packets
}

const rangeOf = ({ first, last }: Run): Range => ({ after: oneKey(first).after, through: last })
const workOf = ({ objects, bytes }: Run): Work => ({ objects, bytes })

/** Sorted, apart from one another; a run for each key where there are at most `most`. */
function runsOf(keys: () => Iterable<FailedKey>, most: number): Run[] {
  let sample: Key[] = []
  let stride = 1
  let seen = 0
  const each = new Map<Key, Run>()
  for (const { key, bytes } of keys()) {
    if (each.size <= most) count(each, key, key, bytes)
    if (seen++ % stride === 0) sample.push(key)
    if (sample.length < 2 * perRun * most) continue
    sample = sample.filter((_, i) => i % 2 === 0)
    stride *= 2
  }
  if (each.size <= most) return sorted(each.values())
  const unique = [...new Set(sample)].sort()
  const ends = Array.from(
    { length: most - 1 },
    (_, i) => unique[Math.floor(((i + 1) * unique.length) / most)]!,
  )
  const runs = new Map<Key | null, Run>()
  for (const { key, bytes } of keys()) count(runs, endOver(ends, key), key, bytes)
  return sorted(runs.values())
}

function count<T>(runs: Map<T, Run>, name: T, key: Key, bytes: number): void {
  const run = runs.get(name)
  if (!run) {
    runs.set(name, { first: key, last: key, objects: 1, bytes })
    return
  }
  run.objects++
  run.bytes += bytes
  if (key < run.first) run.first = key
  if (key > run.last) run.last = key
}

const sorted = (runs: Iterable<Run>) => [...runs].sort((a, b) => (a.first < b.first ? -1 : 1))

/** The first of `ends`, which rise, that is not less than `key`; null past the last. */
function endOver(ends: readonly Key[], key: Key): Key | null {
  let [low, high] = [0, ends.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (ends[middle]! < key) low = middle + 1
    else high = middle
  }
  return ends[low] ?? null
}

/** In order, and at most `most`: neighbours become one range, with what is between them. */
function joined(ranges: readonly Range[], most: number): Range[] {
  const all = ranges.toSorted(compareRanges)
  const size = Math.ceil(all.length / most)
  return Array.from({ length: size === 0 ? 0 : Math.ceil(all.length / size) }, (_, i) => {
    const some = all.slice(i * size, (i + 1) * size)
    return { after: some[0]!.after, through: some.at(-1)!.through }
  })
}
