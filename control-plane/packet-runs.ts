/**
 * Where in the key space the packets of a pass lie, without an index of keys, which would cost a row with each packet: packets of neighbouring
 * ids mostly follow one another, since surveys cut them so. A run is some of them that do, at most 500; a page of packets, or a closer look at a
 * part of the strip, reads the few runs that overlap it. Found by one look at all rows, in windows, when somebody first asks; kept up from then on, some 100
 * bytes a run. A packet that narrows stays where it is; one that widens is found where it was, and where it is.
 */
import type { Key } from '../shared/key.ts'
import type { Range } from '../shared/range.ts'
import type { Packet } from './core/packet.ts'
import type { Ids } from './failure-table.ts'
import { letOthers } from './let-others.ts'
import type { MigrationTables } from './migration-tables.ts'
import type { PacketTable, Placed } from './packet-table.ts'
import type { PassRow } from './pass-table.ts'

/** Of packets in one run: as much as is read where one of them is wanted. */
const longest = 500
/** Ids that are looked at in one go: some 10 ms. */
const window = 5_000

interface Run {
  readonly first: number
  /** Past its last id. */
  end: number
  after: Key | null
  through: Key | null
}

/** Of the pass that somebody looked at last. */
export class PlacedPackets {
  readonly #tables: MigrationTables
  #known: { readonly pass: number; readonly runs: PacketRuns } | null = null

  constructor(tables: MigrationTables) {
    this.#tables = tables
  }

  async of({ number, firstPacket }: PassRow): Promise<PacketRuns> {
    if (this.#known?.pass !== number) this.#known = { pass: number, runs: new PacketRuns(firstPacket) }
    const { runs } = this.#known
    await runs.look(this.#tables.packets, () =>
      Math.min(this.#tables.passes.endOfPackets(number), this.#tables.packets.next()),
    )
    return runs
  }

  /** A packet of the pass that runs is new, or has changed. */
  became(pass: number, packet: Packet): void {
    if (this.#known?.pass === pass) this.#known.runs.became(packet)
  }
}

export class PacketRuns {
  /** In the order of ids. */
  readonly #runs: Run[] = []
  #inOrder: readonly Run[] | null = null
  /** Packets with ids from here on are not looked at yet. */
  #next: number
  #looking: Promise<void> | null = null

  constructor(first: number) {
    this.#next = first
  }

  /** Settles once all are placed; `end` says past which id there is none. */
  look(packets: Pick<PacketTable, 'placed'>, end: () => number): Promise<void> {
    this.#looking ??= this.#look(packets, end)
    return this.#looking
  }

  async #look(packets: Pick<PacketTable, 'placed'>, end: () => number): Promise<void> {
    while (this.#next < end()) {
      const next = Math.min(this.#next + window, end())
      for (const placed of packets.placed(this.#next, next)) this.#append(placed)
      this.#next = next
      if (next < end()) await letOthers()
    }
    this.#next = Number.POSITIVE_INFINITY
  }

  /** A packet is new, or has changed. */
  became(packet: Packet): void {
    if (packet.id >= this.#next || packet.kind === 'parts' || packet.kind === 'event') return
    const last = this.#runs.at(-1)
    if (!last || packet.id >= last.end) this.#append(packet)
    else this.#widen(packet)
  }

  #append({ id, after, through }: Placed): void {
    const last = this.#runs.at(-1)
    const follows =
      last && last.through !== null && after !== null && after >= last.through && id - last.first < longest
    if (follows) {
      last.end = id + 1
      last.through = through
      return
    }
    this.#runs.push({ first: id, end: id + 1, after, through })
    this.#inOrder = null
  }

  #widen({ id, after, through }: Placed): void {
    const run = this.#runOf(id)
    // A survey that was done when we looked: it stands for nothing any more.
    if (!run) return
    if (run.after !== null && (after === null || after < run.after)) {
      run.after = after
      this.#inOrder = null
    }
    if (run.through !== null && (through === null || through > run.through)) run.through = through
  }

  #runOf(id: number): Run | null {
    let [low, high] = [0, this.#runs.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#runs[middle]!.end <= id) low = middle + 1
      else high = middle
    }
    const run = this.#runs[low]
    return run && run.first <= id ? run : null
  }

  /** Those that may hold packets of `range`, in the order of where they begin. */
  *overlapping({ after, through }: Range): Generator<Ids & { readonly after: Key | null }> {
    this.#inOrder ??= this.#runs.toSorted((a, b) => ((a.after ?? '') < (b.after ?? '') ? -1 : 1))
    for (const run of this.#inOrder) {
      if (through !== null && run.after !== null && run.after >= through) return
      if (after === null || run.through === null || run.through > after) yield run
    }
  }
}
