/**
 * What a running pass deletes (core/deletes.ts): which packets are held back until that is counted, how many objects a lease may delete, and
 * the question to the operator. All of it is in the counters of the pass, so it costs no row of its own and outlives the object's memory.
 */
import { deletesOf } from './core/counters.ts'
import {
  counts,
  type DeletesAnswer,
  type DeletesState,
  deletesState,
  uncountedAllowance,
  zeroDeletes,
} from './core/deletes.ts'
import type { Packet } from './core/packet.ts'
import type { Ledger } from './ledger.ts'
import type { MigrationTables } from './migration-tables.ts'
import type { PassRow } from './pass-table.ts'

export interface Asked {
  readonly deletes: number
  /** Objects at the destination. */
  readonly of: number
}

export class PassDeletes {
  readonly #ledger: Ledger
  readonly #isListing: () => boolean
  /** Found at the destination by the pass over everything before this one, or that this one goes back to. */
  readonly #earlier: number
  /** Whether packets with deletes wait in the rows, and not in the queue. */
  isHolding: boolean

  /** `isListing`: whether anything is left to survey. */
  constructor(tables: MigrationTables, ledger: Ledger, isListing: () => boolean) {
    const { pass } = ledger
    this.#ledger = ledger
    this.#isListing = isListing
    this.#earlier = foundBefore(tables, pass)
    this.isHolding = counts(pass.options)
  }

  get state(): DeletesState {
    const { options } = this.#ledger.pass
    if (!counts(options)) return 'making'
    return deletesState(this.#deletes, options.deleteCap, this.#of, this.#isListing())
  }

  /** What it asks; null where it asks nothing. */
  get asks(): Asked | null {
    return this.state === 'asks' ? { deletes: this.#deletes.expected, of: this.#of } : null
  }

  /** To be called where something may have changed. True where those that were held back are to be queued now. */
  decide(): boolean {
    if (!this.isHolding) return false
    const { state } = this
    if (state === 'asks' && !this.#deletes.asked) {
      this.#ledger.change((counters) => {
        Object.assign(deletesOf(counters), { asked: true, of: this.#of })
      })
    }
    if (state === 'counting' || state === 'asks') return false
    this.isHolding = false
    return true
  }

  /** Refused, as it says, where that is not enough. Null: it is taken, now or before. */
  answer(answer: DeletesAnswer): string | null {
    const { answer: before } = this.#deletes
    if (JSON.stringify(before) === JSON.stringify(answer)) return null
    const asked = this.asks
    if (!asked) return 'it does not ask whether it may delete'
    if (answer.do === 'allow' && answer.objects < asked.deletes)
      return `it would delete ${asked.deletes} objects, more than the ${answer.objects} that are allowed`
    this.#ledger.change((counters) => {
      deletesOf(counters).answer = answer
    })
    return null
  }

  /** How many objects a lease of `packet` may delete. */
  allowanceOf({ kind, work }: Packet): number {
    const { options } = this.#ledger.pass
    if (options.kind !== 'copy' || !options.delete || (kind !== 'copy' && kind !== 'event')) return 0
    // A dry run only counts.
    if (options.dryRun) return work.deletes ?? work.objects
    if (work.deletes !== undefined) return this.#deletes.answer?.do === 'leave' ? 0 : work.deletes
    return uncountedAllowance(this.#deletes, options.deleteCap, this.#most, Math.max(1, work.objects))
  }

  get #deletes() {
    return this.#ledger.pass.counters.deletes ?? zeroDeletes()
  }

  /** What the share is of. A retry looks at some of the objects only. */
  get #of(): number {
    return this.#ledger.pass.retries === null ? this.#deletes.found : this.#most
  }

  get #most(): number {
    return Math.max(this.#deletes.found, this.#earlier)
  }
}

/** Passes that are looked at for one that has counted: a verification does not. */
const mostBefore = 10

function foundBefore(tables: MigrationTables, { number, base }: PassRow): number {
  let pass = base === number ? tables.passes.wholeBefore(number) : tables.passes.get(base)
  for (let i = 1; pass && !pass.counters.deletes && i < mostBefore; i++)
    pass = tables.passes.wholeBefore(pass.number)
  return pass?.counters.deletes?.found ?? 0
}
