/**
 * Counts what there is, flat, from a key on, and what a filter takes of it: for some seconds, then whoever asks goes on where it ended. What is held
 * meanwhile is sums and a few names.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Answer, Ask } from '../../shared/asks.ts'
import type { Key } from '../../shared/key.ts'
import { formatLocation, type Location } from '../../shared/location.ts'
import { everything, isEmpty, type Range } from '../../shared/range.ts'
import { isArchiveClass } from '../core/archive-class.ts'
import { type CompiledFilter, compileFilter } from '../core/filter.ts'
import type { Entry, Storage } from '../storage/storage.ts'
import { answerMs, inTime } from './in-time.ts'

/** Of one answer: whichever comes first. */
export const scanBounds = { ms: 5_000, keys: 200_000 }
/** Milliseconds until what has been counted has to do, though the next page does not come. */
const stallMs = 15_000
const mostClasses = 20
const mostSamples = 20
const sizeBounds = [1024, 1024 ** 2, 64 * 1024 ** 2, 1024 ** 3]

type Scan = Answer & { kind: 'scan' }

export async function scan(
  { location, filter, after }: Ask & { kind: 'scan' },
  deps: { open(location: Location): Promise<Storage> },
  bounds = scanBounds,
): Promise<Scan> {
  const compiled = compileFilter(filter)
  return inTime(answerMs.look, `scan ${formatLocation(location)}`, async (signal) => {
    const storage = await deps.open(location)
    try {
      return await count(storage, compiled, after, bounds, signal)
    } finally {
      await storage.close()
    }
  })
}

async function count(
  storage: Storage,
  { matches, ranges }: CompiledFilter,
  after: Key | null,
  bounds: typeof scanBounds,
  signal: AbortSignal,
): Promise<Scan> {
  const began = performance.now()
  const tally = openTally(storage.kind === 's3')
  const stalled = new AbortController()
  const either = AbortSignal.any([signal, stalled.signal])
  void sleep(stallMs, undefined, { signal, ref: false }).then(
    () => stalled.abort(),
    () => {},
  )
  const passed = () => Math.round(performance.now() - began)
  const narrowed = ranges.length !== 1 || ranges[0] !== everything
  const answer = (next: Key | null): Scan => ({ kind: 'scan', ...tally.sums(), narrowed, next, ms: passed() })

  let last: Key | null = null
  let keys = 0
  try {
    for (const range of ranges) {
      const rest = past(range, after)
      if (isEmpty(rest)) continue
      for await (const page of storage.list(rest, { signal: either })) {
        for (const entry of page) tally.add(entry, matches(entry.key))
        last = page.at(-1)?.key ?? last
        keys += page.length
        if (last !== null && (passed() >= bounds.ms || keys >= bounds.keys)) return answer(last)
      }
    }
    return answer(null)
  } catch (error) {
    if (stalled.signal.aborted && last !== null) return answer(last)
    throw error
  }
}

function past(range: Range, after: Key | null): Range {
  const isBefore = after === null || (range.after !== null && range.after >= after)
  return isBefore ? range : { after, through: range.through }
}

function openTally(hasClasses: boolean) {
  const sum = () => ({ objects: 0, bytes: 0 })
  const [taken, left, archived] = [sum(), sum(), sum()]
  const classes = new Map<string, ReturnType<typeof sum>>()
  const sizes = [0, 0, 0, 0, 0]
  const samples = { taken: [] as Key[], left: [] as Key[] }
  let largest: { key: Key; bytes: number } | null = null
  let others = 0

  const put = (into: ReturnType<typeof sum>, { size }: Entry) => {
    into.objects++
    into.bytes += size
  }
  const sample = (into: Key[], { key }: Entry) => {
    if (into.length < mostSamples) into.push(key)
  }

  /** As the store calls it, where that is a name. */
  function classOf({ storageClass = 'STANDARD' }: Entry) {
    const isName = /^[A-Za-z0-9_-]{1,64}$/.test(storageClass)
    const isKnown = classes.has(storageClass) || classes.size < mostClasses - 1
    const name = isName && isKnown ? storageClass : 'OTHER'
    const found = classes.get(name) ?? sum()
    classes.set(name, found)
    return found
  }

  return {
    add(entry: Entry, isTaken: boolean): void {
      if (entry.kind !== 'object' || entry.refused) {
        others++
        return
      }
      if (!isTaken) {
        put(left, entry)
        sample(samples.left, entry)
        return
      }
      put(taken, entry)
      sample(samples.taken, entry)
      if (hasClasses) put(classOf(entry), entry)
      if (isArchiveClass(entry.storageClass)) put(archived, entry)
      const size = sizeBounds.findIndex((bound) => entry.size < bound)
      sizes[size < 0 ? sizeBounds.length : size]!++
      if (largest === null || entry.size > largest.bytes) largest = { key: entry.key, bytes: entry.size }
    },
    sums: () => ({
      ...{ taken, left, others, archived, sizes, largest, samples },
      storageClasses: Object.fromEntries(classes),
    }),
  }
}
