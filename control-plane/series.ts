/**
 * A pass over everything and the retries that go back to it are a *series*. What is still open in it decides whether its passes are complete,
 * and when somebody waives what was left, an ended pass becomes complete.
 */
import { passEvents } from './core/events.ts'
import { type Earlier, passEnd } from './core/pass.ts'
import type { MigrationTables } from './migration-tables.ts'
import type { PassRow } from './pass-table.ts'

/** Of one pass alone. `open`: of those that failed, whoever counted them. */
function ofOne(tables: MigrationTables, { number, counters }: PassRow): { open: number; waived: number } {
  const { objects, retried, waived } = tables.failures.totals(number)
  const failed = Math.max(objects, counters.counts.objects.failed)
  // A pass over everything has tried all of them again.
  const isOver = tables.passes.wholeAfter(number) !== null
  return { open: isOver ? 0 : failed - retried - waived, waived }
}

/** Of a pass, and of those that it goes back to. */
export function standingOf(tables: MigrationTables, pass: PassRow): { open: number; waived: number } {
  const sum = ofOne(tables, pass)
  for (const each of before(tables, pass)) {
    const { open, waived } = ofOne(tables, each)
    sum.open += open
    sum.waived += waived
  }
  return sum
}

/** The passes of its series before it, in their order. */
export const before = (tables: MigrationTables, { number, base, retries }: PassRow): PassRow[] =>
  retries === null ? [] : tables.passes.series(base).filter((each) => each.number < number)

/** Whether it has packets that were not done, and that no retry does. What a cancelled retry did not get to is open again. */
export function leavesSome({ state, retries, leftTo, counters }: PassRow): boolean {
  const { ready, leased, parked } = counters.packets
  return leftTo === null && !(retries !== null && state === 'cancelled') && ready + leased + parked > 0
}

/** What of a pass's series was left before it. */
export function earlierOf(tables: MigrationTables, pass: PassRow): Earlier {
  const passes = before(tables, pass)
  return {
    waived: tables.failures.totals(pass.number).waived,
    isClean: passes.every((each) => {
      const { kind, oneWay } = each.options
      const hasExtra = kind === 'verify' && !oneWay && each.counters.counts.objects.extra > 0
      return ofOne(tables, each).open === 0 && !leavesSome(each) && !hasExtra
    }),
  }
}

/** Something of a series was waived, or is open again: passes that ended may be in another state now. Whether anybody is to be told of that. */
export function settle(tables: MigrationTables, base: number, now: number): boolean {
  let isUntold = false
  for (const pass of tables.passes.series(base)) {
    if (pass.state !== 'complete' && pass.state !== 'incomplete') continue
    const state = passEnd(pass.counters, pass.options, earlierOf(tables, pass)) ?? pass.state
    if (state === pass.state) continue
    tables.passes.setState(pass.number, state)
    // As if it had only now ended so.
    const { packets, deletes, stuck } = pass.counters
    const before = {
      state: 'running',
      parked: packets.parked,
      asked: deletes?.asked ?? false,
      stuck: stuck ?? 0,
    } as const
    for (const event of passEvents(tables.definition()!, before, { ...pass, state }, now))
      tables.announcements.add(event)
    isUntold = true
  }
  const last = tables.passes.last()
  if (last?.base !== base || last.state === 'running') return isUntold
  tables.passes.setUntold(last.number)
  return true
}
