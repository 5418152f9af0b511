/** What a life goes by: how its passes stand, as their rows and counters say. */
import { sumsOf } from './certification.ts'
import type { PassFacts, Surroundings } from './core/life-state.ts'
import type { LivePass } from './live-pass.ts'
import type { MigrationTables } from './migration-tables.ts'
import { oldestEvent } from './oldest-event.ts'
import type { PassRow } from './pass-table.ts'
import { before, leavesSome, standingOf } from './series.ts'

export function passFacts(tables: MigrationTables, pass: PassRow): PassFacts {
  const { number, state, startedAt, options, counters } = pass
  const { objects, bytes } = counters.counts
  const extra = options.kind === 'verify' && !options.oneWay ? objects.extra : 0
  return {
    ...{ number, state, startedAt, extra },
    changes: objects.copied + objects.deleted + (counters.events?.objects ?? 0),
    ...standingOf(tables, pass),
    conflicts: counters.causes.conflict?.objects ?? 0,
    parked: counters.packets.parked,
    seen: sumsOf(pass) ?? {
      source: `${objects.listed} objects, ${bytes.listed} bytes`,
      destination: `${objects.same} equal objects, ${objects.extra} extra`,
    },
  }
}

/** What has to be looked for in tables is looked for when it is asked for. */
export function surroundings(
  tables: MigrationTables,
  live: LivePass | null,
  looseUntil: number,
  now: number,
): Surroundings {
  let known: { open: number; waived: number; parked: number } | null = null
  const standing = () => {
    known ??= standingNow(tables, live)
    return known
  }
  return {
    ...{ now, looseUntil },
    running: live?.pass.state === 'running' ? live.pass.number : null,
    get open() {
      return standing().open
    },
    get parked() {
      return standing().parked
    },
    get waived() {
      return standing().waived
    },
    get oldestEvent() {
      return oldestEvent(tables, live)
    },
    oldestFound: live && hasFound(live.pass) ? live.pass.startedAt : null,
  }
}

/** Of the last pass that has looked at everything, and of the retries that go back to it. */
function standingNow(tables: MigrationTables, live: LivePass | null) {
  const pass = live?.isSettled && !live.pass.options.dryRun ? live.pass : tables.passes.lastEnded()
  if (!pass) return { open: 0, waived: 0, parked: 0 }
  const undone = [...before(tables, pass), pass].filter(leavesSome)
  return {
    ...standingOf(tables, pass),
    parked: undone.reduce((sum, { counters }) => sum + counters.packets.parked, 0),
  }
}

/** Whether a copy has found work that is not done. */
function hasFound({ state, options, counters }: PassRow): boolean {
  const { ready, leased } = counters.packets
  return (
    state === 'running' && options.kind === 'copy' && !options.dryRun && ready + leased > counters.surveys
  )
}
