/** How old the oldest change is that somebody told of, and that is not carried over: what events say of a migration's lag. */
import { followedSide } from './core/told-range.ts'
import type { LivePass } from './live-pass.ts'
import type { MigrationTables } from './migration-tables.ts'

/** When it was (ms since the epoch); null: there is none, as far as anybody has told. `live`: the pass that runs. */
export function oldestEvent(tables: MigrationTables, live: LivePass | null): number | null {
  if (live) return live.events.oldest
  const last = tables.passes.last()
  if (!last) return null
  const side = followedSide(last.options)
  const times = [tables.changes.oldest(side), tables.changes.missed(side)].filter((time) => time !== null)
  return times.length === 0 ? null : Math.min(...times)
}
