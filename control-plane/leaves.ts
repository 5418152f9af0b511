/** The leaves of a verification's ledger: its packets with their seals, in the order of keys, by pages. */
import type { Key } from '../shared/key.ts'
import type { Leaf } from '../shared/ledger.ts'
import type { Packet } from './core/packet.ts'
import type { MigrationTables } from './migration-tables.ts'
import { inKeyOrder } from './migration-views.ts'
import type { PacketRuns } from './packet-runs.ts'

export interface LeavesPage {
  readonly leaves: Leaf[]
  /** Where the next page begins; null: this is the last. */
  readonly next: Key | null
}

/** In one answer: some 500 KB. */
export const mostLeaves = 500

/** From the start `from` on. Throws where a packet has no seal: whoever asks for leaves knows that the pass is certified, or is about to be. */
export function leavesPage(tables: MigrationTables, runs: PacketRuns, from: Key | null): LeavesPage {
  const packets = inKeyOrder(tables, runs, from, mostLeaves + 1)
  const next = packets.length > mostLeaves ? packets.pop()!.after : null
  const agents = new Map(tables.sessions.all().map(({ id, agent }) => [id, agent]))
  const leaves = packets.filter((packet) => !isBeside(packet)).map((packet) => leafOf(packet, agents))
  return { leaves, next }
}

/** A part of the key space where the filter can match nothing: no agent has looked at it. */
const isBeside = (packet: Packet): boolean =>
  packet.state === 'done' && !packet.seal && packet.counts?.objects.listed === 0 && packet.generation === 0

function leafOf(packet: Packet, agents: ReadonlyMap<number, string>): Leaf {
  if (packet.state !== 'done' || !packet.seal || !packet.counts)
    throw new Error(`the packet ${packet.id} is not sealed`)
  const { after, through, counts } = packet
  const { session, ...seal } = packet.seal
  return { after, through, counts, seal, agent: agents.get(session) ?? '' }
}
