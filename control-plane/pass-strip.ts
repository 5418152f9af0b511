/**
 * The strip of one pass: kept up with the ledger from its start, or, where the object woke in between, counted once from the rows when
 * somebody first looks. Counting goes by windows, between which the object serves others: what changes meanwhile is followed where it was
 * counted already, and is counted as it then is where it was not.
 */
import type { Key } from '../shared/key.ts'
import { everything, type Range } from '../shared/range.ts'
import type { NewPacket, Packet } from './core/packet.ts'
import { maxBuckets, Strip } from './core/strip.ts'
import type { Ids } from './failure-table.ts'
import { letOthers } from './let-others.ts'
import type { MigrationTables } from './migration-tables.ts'

/** Ids that are looked at in one go: some 30 ms. */
const window = 5_000

export class PassStrip {
  readonly strip: Strip
  /** Packets with ids from here on are not counted yet. */
  #counted: number
  #counting: Promise<Strip> | null = null

  private constructor(strip: Strip, counted: number) {
    this.strip = strip
    this.#counted = counted
  }

  /** Of a pass that begins with these. */
  static of(packets: readonly NewPacket[]): PassStrip {
    return new PassStrip(new Strip(packets.map(({ through }) => through)), Number.POSITIVE_INFINITY)
  }

  /** Of a pass that is under way; `count` it. */
  static sampled(tables: MigrationTables, firstPacket: number): PassStrip {
    const ends = tables.packets.sampleEnds(firstPacket, tables.packets.next(), maxBuckets)
    return new PassStrip(new Strip(ends), firstPacket)
  }

  get isWhole(): boolean {
    return this.#counted === Number.POSITIVE_INFINITY
  }

  became(before: Packet | null, after: Packet): void {
    if (after.id < this.#counted) this.strip.became(before, after)
  }

  /** Settles once all is counted; `go` says false when it is of no use any more. */
  count(tables: MigrationTables, go: () => boolean): Promise<Strip> {
    this.#counting ??= this.#count(tables, go)
    return this.#counting
  }

  async #count(tables: MigrationTables, go: () => boolean): Promise<Strip> {
    for (;;) {
      if (!go() || this.isWhole) return this.strip
      const end = tables.packets.next()
      const next = Math.min(this.#counted + window, end)
      for (const packet of tables.packets.covering(this.#counted, next, everything)) this.strip.count(packet)
      this.#counted = next >= end ? Number.POSITIVE_INFINITY : next
      if (!this.isWhole) await letOthers()
    }
  }
}

/**
 * A part of the key space, or all of it, in buckets of its own, from the rows with these ids: looked through twice, for where to
 * divide and then to count. What changes in between is as it was or as it is.
 */
export async function zoomed(tables: MigrationTables, ids: readonly Ids[], range: Range): Promise<Strip> {
  let ends: Key[] = []
  let stride = 1
  let seen = 0
  for await (const { first, end } of windows(ids)) {
    for (const { through } of tables.packets.covering(first, end, range)) {
      if (through === null || (range.through !== null && through >= range.through)) continue
      if (seen++ % stride === 0) ends.push(through)
      if (ends.length < 4 * maxBuckets) continue
      ends = ends.filter((_, i) => i % 2 === 0)
      stride *= 2
    }
  }
  ends.sort((a, b) => (a < b ? -1 : 1))
  const step = Math.max(1, Math.ceil(ends.length / maxBuckets))
  const strip = new Strip(ends.filter((_, i) => i % step === 0))
  for await (const { first, end } of windows(ids)) {
    for (const packet of tables.packets.covering(first, end, range)) strip.count(packet)
  }
  return strip
}

/** The same ids; after some `window` of them the object serves others. */
async function* windows(ids: readonly Ids[]): AsyncGenerator<Ids> {
  let looked = 0
  for (const { first, end } of ids) {
    for (let at = first; at < end; at += window) {
      const next = Math.min(at + window, end)
      yield { first: at, end: next }
      looked += next - at
      if (looked < window) continue
      looked = 0
      await letOthers()
    }
  }
}
