/**
 * Remembers listings where listing is dear (a file system must walk to the middle of a directory): what has been walked
 * once is served from disk, as often and in as many ranges as anybody asks, so that a survey and its packets cost one
 * walk together. What is remembered is as old as its segment: a change since then is the next pass's, or a `fresh` listing's.
 */
import type { Key } from '../../shared/key.ts'
import { contains, isEmpty, type Range } from '../../shared/range.ts'
import { interrupted, orAbort, throwIfAborted } from './interrupt.ts'
import { ListingSegment, type Progress } from './listing-segment.ts'
import { ListingSpill } from './listing-spill.ts'
import type { Entry, Storage } from './storage.ts'

export interface RememberOptions {
  /** Where rows are spilled; made when it is needed. */
  dir: string
  /** Most bytes there. */
  maxBytes: number
}

/**
 * Rows that a walker is driven on for, to get to where somebody wants to begin; beyond that a new walk, begun right there, is
 * cheaper. It is some packets' worth: packets are leased about in order, so the next one begins near.
 */
const patience = 50_000
/** Walkers hold the names of the directories that they are in, so only these many wait for somebody to go on. */
const mostIdleWalkers = 8
const mostSegments = 128

export function rememberListings(storage: Storage, { dir, maxBytes }: RememberOptions): Storage {
  const spill = new ListingSpill(dir, maxBytes)
  const segments = new Set<ListingSegment>()
  const op = `list ${storage.name}`
  let uses = 0
  let closed = false

  function begin(at: Key | null): ListingSegment {
    const segment = new ListingSegment(storage, at, spill, Date.now())
    segments.add(segment)
    const idle = [...segments].filter((s) => s.users === 0 && s !== segment).sort((a, b) => a.used - b.used)
    const walking = idle.filter((s) => s.isOpen)
    for (const old of walking.slice(0, Math.max(0, walking.length - mostIdleWalkers))) void old.stop()
    for (const old of idle) if (old.isSpent || segments.size > mostSegments) void forget(old)
    return segment
  }

  async function forget(segment: ListingSegment): Promise<void> {
    segments.delete(segment)
    await segment.drop()
  }

  /** The segment that knows what follows `at`, else the open one that is nearest before it (`driven`: or right there). */
  function find(at: Key | null, driven: boolean): ListingSegment | null {
    let nearest: ListingSegment | null = null
    for (const segment of segments) {
      if (segment.knows(at)) return segment
      if (!segment.leadsTo(at) || (driven && segment.covered !== at)) continue
      if (nearest === null || isBefore(nearest.covered, segment.covered)) nearest = segment
    }
    return nearest
  }

  /** What follows `at`, or leads there; null where it was forgotten meanwhile. */
  async function advance(
    segment: ListingSegment,
    at: Key | null,
    signal: AbortSignal,
  ): Promise<Progress | null> {
    segment.used = ++uses
    try {
      return await (segment.knows(at) ? segment.read(at) : orAbort(segment.drive(), signal, op))
    } catch (error) {
      // Whoever goes away leaves the walk to the others; whatever else went wrong with it, nobody builds on it.
      if (!signal.aborted || segment.hasFailed) void forget(segment)
      throw error
    }
  }

  async function* list(range: Range, signal: AbortSignal): AsyncGenerator<Entry[]> {
    let at = range.after
    let rowsToGo = patience
    let segment: ListingSegment | null = null
    try {
      for (;;) {
        throwIfAborted(signal, op)
        if (closed) throw interrupted(op)
        const next: ListingSegment = find(at, rowsToGo <= 0) ?? begin(at)
        next.users++
        if (segment) segment.users--
        segment = next
        const progress = await advance(segment, at, signal)
        if (progress === null) continue
        if (progress.ended) return
        const { rows } = progress
        const wanted = rows.filter((row) => contains({ after: at, through: range.through }, row.key))
        at = wanted.at(-1)?.key ?? at
        if (wanted.length > 0) yield wanted
        else rowsToGo -= rows.length
        if (range.through !== null && rows.length > 0 && rows.at(-1)!.key >= range.through) return
      }
    } finally {
      if (segment) segment.users--
    }
  }

  return {
    kind: storage.kind,
    name: storage.name,
    // A store may find out while it is used.
    get tokens() {
      return storage.tokens
    },
    walks: storage.walks,
    multipart: storage.multipart,
    versions: storage.versions ?? null,
    ...(storage.place && { place: storage.place }),
    ...(storage.copyFrom && { copyFrom: storage.copyFrom }),
    ...(storage.archive && { archive: storage.archive }),
    get blind() {
      return storage.blind ?? null
    },
    list: (range, options) =>
      options.fresh || isEmpty(range) ? storage.list(range, options) : list(range, options.signal),
    head: (key, signal, version) => storage.head(key, signal, version),
    ...(storage.headPart && {
      headPart: (entry, number, signal) => storage.headPart!(entry, number, signal),
    }),
    read: (key, options) => storage.read(key, options),
    write: (key, body, metadata, signal, expected) => storage.write(key, body, metadata, signal, expected),
    delete: (key, options) => storage.delete(key, options),
    ...(storage.describe && {
      describe: (head, wanted, signal) => storage.describe!(head, wanted, signal),
    }),
    ...(storage.holds && { holds: (signal) => storage.holds!(signal) }),
    ...(storage.amend && {
      amend: (key, properties, signal) => storage.amend!(key, properties, signal),
    }),
    unsupported: (key) => storage.unsupported(key),
    ...(storage.refusesWrongMd5 && { refusesWrongMd5: (signal) => storage.refusesWrongMd5!(signal) }),
    async close() {
      closed = true
      await Promise.all([...segments].map(forget))
      await spill.close()
      await storage.close()
    },
  }
}

/** Null, the open beginning, stands before every key. */
const isBefore = (a: Key | null, b: Key | null) => b !== null && (a === null || a < b)
