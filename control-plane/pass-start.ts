/** How a pass begins: its row, and its first packets, divided where an earlier pass found work to be. */
import { noFilter, type PassOptions } from '../shared/policy.ts'
import { zeroCounters } from './core/counters.ts'
import { initialPackets, pickBoundaries } from './core/initial-packets.ts'
import type { NewPacket } from './core/packet.ts'
import type { Definition, MigrationTables, PassRow } from './migration-tables.ts'

/** Packets of the earlier pass that are looked at to divide by. */
const sampled = 512

export function newPass(
  tables: MigrationTables,
  earlier: PassRow | null,
  options: PassOptions,
  now: number,
): PassRow {
  return {
    number: (earlier?.number ?? 0) + 1,
    state: 'running',
    options,
    startedAt: now,
    endedAt: null,
    firstPacket: tables.next('packet'),
    firstFailure: tables.failures.next(),
    retries: null,
    base: (earlier?.number ?? 0) + 1,
    leftTo: null,
    counters: zeroCounters(),
    told: false,
  }
}

export function firstPackets(
  tables: MigrationTables,
  { source, destination, filter, mapping, manifest }: Definition,
  pass: PassRow,
  earlier: PassRow | null,
): NewPacket[] {
  // Who sorts the keys has all of them, and the filter is for keys as they are before.
  const isSorted = mapping !== undefined || manifest !== undefined
  // A file system lists a part of itself as dearly as the whole.
  const divides = source.kind !== 'file' && destination.kind !== 'file' && !isSorted
  const ends = earlier && divides ? tables.sampleEnds(earlier.firstPacket, pass.firstPacket, sampled) : []
  return initialPackets(isSorted ? noFilter : filter, pass.options.kind, pickBoundaries(ends))
}
