/** The strips of a migration's passes: of the one that runs, of those that are over, and of a part of one, closer. */
import type { BucketRow } from '../shared/api/watch.ts'
import { everything, type Range } from '../shared/range.ts'
import type { Strip } from './core/strip.ts'
import { rowsOf, stripOf } from './core/strip-rows.ts'
import type { LivePass } from './live-pass.ts'
import type { MigrationTables } from './migration-tables.ts'
import type { PlacedPackets } from './packet-runs.ts'
import { zoomed } from './pass-strip.ts'
import type { PassRow } from './pass-table.ts'

export class Strips {
  readonly #tables: MigrationTables
  readonly #placed: PlacedPackets
  readonly #live: () => LivePass | null
  /** Of a pass that is over, where somebody looked at it. */
  #over: { readonly pass: number; readonly strip: Strip } | null = null

  constructor(tables: MigrationTables, placed: PlacedPackets, live: () => LivePass | null) {
    this.#tables = tables
    this.#placed = placed
    this.#live = live
  }

  /** The buckets of a pass, or of what overlaps `range`; null where there is no such pass. */
  async rows(number: number, range: Range): Promise<BucketRow[] | null> {
    const pass = this.#tables.passes.get(number)
    if (!pass) return null
    if (range.after === null && range.through === null) return rowsOf(await this.of(pass))
    const runs = await this.#placed.of(pass)
    const strip = await zoomed(this.#tables, [...runs.overlapping(range)], range)
    if (pass.state !== 'running') strip.cancel()
    return rowsOf(strip, range.through)
  }

  /** Counted where it is not known yet. */
  async of(pass: PassRow): Promise<Strip> {
    const { number } = pass
    const live = this.#live()
    if (live?.pass.number === number) {
      const strip = await live.countStrip()
      if (live.pass.state === 'running') return strip
    }
    const kept = this.#tables.passes.strip(number)
    const strip = kept ? stripOf(JSON.parse(kept)) : await this.#whole(pass)
    if (!kept) {
      strip.cancel()
      this.#tables.passes.keepStrip(number, JSON.stringify(rowsOf(strip)))
    }
    if (this.#over?.pass !== number) this.#over = { pass: number, strip }
    return this.#over.strip
  }

  /** Null where it would have to be counted. */
  known(pass: PassRow): Strip | null {
    const live = this.#live()
    if (live) return live.strip
    return this.#over?.pass === pass.number ? this.#over.strip : null
  }

  /** The pass is over; null where nobody has looked at its strip. */
  ended(number: number, strip: Strip | null): void {
    this.#over = strip && { pass: number, strip }
  }

  #whole({ number, firstPacket }: PassRow): Promise<Strip> {
    const end = Math.min(this.#tables.passes.endOfPackets(number), this.#tables.packets.next())
    return zoomed(this.#tables, [{ first: firstPacket, end }], everything)
  }
}
