/**
 * Leases that stand still though their agent is there: it heartbeats, and says that nothing of a packet has moved for long. That is a defect, of
 * the agent or of what it runs on, and not of the store, whose silence ends each request within minutes. Such a lease is taken back, and counts
 * as a failed attempt: others try it, and in the end it waits for an operator.
 */
import { DrayError, type ErrorBody } from '../../shared/error.ts'
import type { PacketKind } from '../../shared/protocol.ts'

/** Milliseconds after which a lease is stuck: longer than anything bounded can take. */
export const stuckAfterMs = 3_600_000

export function stuckError(kind: PacketKind, agent: string, ms: number): ErrorBody {
  const message = `Nothing of a ${kind} packet moved for ${Math.floor(ms / 60_000)} minutes, though its agent ${agent} was there.`
  const hint = 'Look at what the agent logs; where it happens again, end it and start it anew.'
  return new DrayError('timeout', kind, message, { retry: 'later', hint }).toBody()
}
