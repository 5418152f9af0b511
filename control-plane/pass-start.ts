/** How a pass begins: its row, and its first packets, divided where an earlier pass found work to be. */
import type { PassStatus } from '../shared/api/migrations.ts'
import { noFilter, type PassOptions } from '../shared/policy.ts'
import { zeroCounters } from './core/counters.ts'
import { initialPackets, pickBoundaries } from './core/initial-packets.ts'
import type { Refused } from './core/life-state.ts'
import type { NewPacket } from './core/packet.ts'
import type { Definition, MigrationTables } from './migration-tables.ts'
import type { PassRow } from './pass-table.ts'

export type StartAnswer =
  | { readonly pass: PassStatus; readonly resumed: boolean }
  /** An unfinished pass with other options is in the way. */
  | { readonly busy: PassStatus; readonly isOfLife?: true }
  /** The migration's life is in the way. */
  | { readonly refused: Refused }

/** `retry`: of which failures, and the pass over everything that those go back to. */
export interface Retry {
  readonly retries: number
  readonly base: number
}

/** Packets of the earlier pass that are looked at to divide by. */
const sampled = 512

export function newPass(
  tables: MigrationTables,
  earlier: PassRow | null,
  options: PassOptions,
  now: number,
  retry?: Retry,
): PassRow {
  const number = (earlier?.number ?? 0) + 1
  return {
    number,
    state: 'running',
    options,
    startedAt: now,
    endedAt: null,
    firstPacket: tables.packets.next(),
    firstFailure: tables.failures.next(),
    retries: retry?.retries ?? null,
    base: retry?.base ?? number,
    leftTo: null,
    counters: zeroCounters(),
    told: false,
  }
}

export function firstPackets(
  tables: MigrationTables,
  { source, destination, filter, mapping, manifest }: Definition,
  pass: PassRow,
): NewPacket[] {
  // Who sorts the keys has all of them, and the filter is for keys as they are before.
  const isSorted = mapping !== undefined || manifest !== undefined
  // A file system lists a part of itself as dearly as the whole.
  const divides = source.kind !== 'file' && destination.kind !== 'file' && !isSorted
  const earlier = divides ? tables.passes.lastWhole() : null
  const ends = earlier
    ? tables.packets.sampleEnds(
        earlier.firstPacket,
        Math.min(tables.passes.endOfPackets(earlier.number), pass.firstPacket),
        sampled,
      )
    : []
  return initialPackets(isSorted ? noFilter : filter, pass.options.kind, pickBoundaries(ends))
}
