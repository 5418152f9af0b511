/** To waive failures, and to take that back: some in one transaction, so that a million of them hold nobody up. */
import { Causes } from './core/causes.ts'
import type { Ids, Meant, WaiverRow } from './failure-table.ts'
import type { MigrationTables } from './migration-tables.ts'
import type { PassRow } from './pass-table.ts'

/** Ids that are gone through in one transaction: some 20 ms, and ten times that where keys come in no order and the table is large. */
const window = 5_000

/** Where to go on. */
export interface Rest {
  readonly from: number
  /** The row of the waiver; null: none was needed so far. */
  readonly waiver: number | null
}
export interface Waived {
  /** Failures that have changed. */
  readonly objects: number
  readonly rest: Rest | null
}

/** `waiver`: null takes waivers back. `causes`: of a pass that runs, those in memory. */
export function waive(
  tables: MigrationTables,
  pass: PassRow,
  meant: Meant,
  waiver: WaiverRow | null,
  { from, waiver: known }: Rest,
  causes = new Causes(tables.failures.causes(pass.number)),
): Waived {
  const { failures } = tables
  const all = tables.failureIds(pass)
  const first = Math.max(all.first, from)
  const ids: Ids = { first, end: Math.min(all.end, first + window) }
  if (first >= all.end) return { objects: 0, rest: null }
  // What a pass over everything has tried again needs no waiver.
  const state = waiver ? 'open' : 'waived'
  const some =
    waiver && tables.passes.wholeAfter(pass.number) ? [] : failures.byCause(ids, { ...meant, state })
  const objects = some.reduce((sum, { n }) => sum + n, 0)
  const row = known ?? (waiver && objects > 0 ? failures.addWaiver(waiver) : null)
  if (objects > 0) failures.mark(ids, { ...meant, state }, 'waiver', waiver ? row : null)
  for (const { cause, n } of some) causes.mark(cause, 'waived', waiver ? n : -n)
  failures.saveCauses(pass.number, causes.changed())
  return { objects, rest: ids.end < all.end ? { from: ids.end, waiver: row } : null }
}
