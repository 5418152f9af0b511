/**
 * What a running pass does about changes that are told of: they become packets of it (changes.ts), or wait for the next pass that takes them
 * (change-table.ts). And how long it stays open for them.
 */
import { Changes } from './changes.ts'
import type { ReadyQueue } from './core/queue.ts'
import { type Change, followedSide, type Side, toldRanges } from './core/told-range.ts'
import type { Holders } from './holders.ts'
import type { Ledger } from './ledger.ts'
import type { Definition, MigrationTables } from './migration-tables.ts'

interface Around {
  readonly tables: MigrationTables
  readonly queue: ReadyQueue
  readonly ledger: Ledger
  readonly holders: Holders
}

export class PassEvents {
  readonly #around: Around
  readonly changes: Changes
  /** The migration as it was when the pass began. */
  readonly #definition: Definition
  #holdsUntil: number | null

  constructor(around: Around) {
    const { tables } = around
    this.#around = around
    this.changes = new Changes(around)
    this.#definition = tables.definition()!
    this.#holdsUntil = tables.holdsUntil()
  }

  get #pass() {
    return this.#around.ledger.pass
  }

  get #followed(): Side {
    return followedSide(this.#pass.options)
  }

  /** Null where it ends as soon as nothing is left to do. */
  get holdsUntil(): number | null {
    return this.#holdsUntil
  }

  hold(until: number | null): void {
    if (this.#holdsUntil === until) return
    this.#holdsUntil = until
    this.#around.tables.setHoldsUntil(until)
  }

  /** When the pass ends by itself (ms), as far as is known; null: not before something is done. */
  get endsAt(): number | null {
    return this.#around.ledger.isSettled && !this.changes.areLeased ? this.#holdsUntil : null
  }

  /** Nothing is left to do, and it is not to stay open for what events bring. */
  #isEnding(now: number): boolean {
    return this.#around.ledger.isSettled && (this.#holdsUntil ?? 0) <= now
  }

  /** Whether what is told of becomes a packet of this pass; else it is kept for the next one. */
  #takes(now: number): boolean {
    const { kind, dryRun } = this.#pass.options
    return kind === 'copy' && !dryRun && !this.#isEnding(now)
  }

  /** Takes what was kept for it. */
  tick(now: number): void {
    const { changes } = this.#around.tables
    if (this.#takes(now) && changes.has(this.#followed)) this.changes.add(changes.take(this.#followed), now)
  }

  /** Keys of that side have changed. Those of the side that follows are ignored: they are our own work, mostly. */
  changed(side: Side, changes: readonly Change[], now: number): { taken: number; ignored: number } {
    const told = side === this.#followed ? toldRanges(this.#definition, side, changes, now) : []
    if (this.#takes(now)) this.changes.add(told, now)
    else this.#around.tables.changes.keep(side, told)
    return { taken: told.length, ignored: changes.length - told.length }
  }

  /** Whether the pass may end now. If so those that wait are the next one's, or what comes all the time would keep it open for ever. */
  mayEnd(now: number): boolean {
    if (!this.#isEnding(now)) return false
    this.#around.tables.changes.keep(this.#followed, this.changes.withdraw())
    return !this.changes.areLeased
  }

  /** The pass is over. What is not done, and what could not be, is the next one's; of what an earlier one left, nothing is, where this one saw everything. */
  over(): void {
    const { changes } = this.#around.tables
    const side = this.#followed
    changes.keep(side, this.changes.withdraw())
    changes.keep(side, this.changes.atWork())
    if (this.#hasSeenAll) changes.found(side)
    const { leftSince } = this.#pass.counters.events ?? {}
    if (leftSince) changes.miss(side, leftSince)
    this.hold(null)
  }

  /** Whether all that an earlier pass left is found, or failed by name: it has looked at everything. */
  get #hasSeenAll(): boolean {
    const { state, options, retries, counters } = this.#pass
    const isWalk = options.kind === 'copy' && !options.dryRun && retries === null
    return isWalk && state !== 'cancelled' && this.#around.ledger.isSettled && counters.packets.parked === 0
  }

  /** When the oldest change was that was told of and is not carried over (ms); null: there is none, as far as is known. */
  get oldest(): number | null {
    const { changes } = this.#around.tables
    const side = this.#followed
    const times = [
      this.changes.oldest,
      this.#pass.counters.events?.leftSince ?? null,
      changes.oldest(side),
      this.#hasSeenAll ? null : changes.missed(side),
    ].filter((time) => time !== null)
    return times.length === 0 ? null : Math.min(...times)
  }
}
