/** How an agent is, in one word and the reasons for it: for people, who decide what to do about it. */
import type { AgentView } from '../../shared/api/agents.ts'
import { bytes, count } from './format.ts'

type Told = Pick<AgentView, 'connected' | 'draining' | 'revokedAt' | 'seenAt' | 'facts' | 'twinAt'>

/** `away`: it has left, or was never here. `blocked`: it cannot reach what it may use. */
export type Condition = 'healthy' | 'strained' | 'blocked' | 'draining' | 'away' | 'revoked'

export interface Health {
  readonly is: Condition
  /** In sentences; none where it is well. */
  readonly why: readonly string[]
}

/** Bytes below which a state directory is about to be full: baselines and what is spilled live there. */
const littleRoom = 2 ** 30
/** Of load on each core, past which work waits for the machine. */
const busy = 1.5
/** Ms: what is less is no clock that anybody would set. */
const clockOff = 60_000

export function healthOf({ connected, draining, revokedAt, facts }: Told): Health {
  if (revokedAt !== null) return { is: 'revoked', why: [] }
  if (!connected) return { is: 'away', why: [] }
  const why = facts ? troublesOf(facts) : []
  if (draining) return { is: 'draining', why }
  const isBlocked = facts?.reach.some(({ ms }) => ms === null)
  return { is: isBlocked ? 'blocked' : why.length > 0 ? 'strained' : 'healthy', why }
}

function troublesOf({ reach, health, cores, clockMs }: NonNullable<Told['facts']>): string[] {
  const { load, stateFree } = health
  const behind = clockMs > 0
  return [
    ...reach.flatMap(({ endpoint, ms, error }) =>
      ms === null ? [`Cannot reach ${endpoint}: ${error ?? 'no answer'}.`] : [],
    ),
    ...(load > busy * cores ? [`Busy: a load of ${load.toFixed(1)} on ${count(cores)} cores.`] : []),
    ...(stateFree !== null && stateFree < littleRoom
      ? [`Little room: ${bytes(stateFree)} are left in its state directory.`]
      : []),
    ...(Math.abs(clockMs) > clockOff
      ? [
          `Its clock is ${count(Math.round(Math.abs(clockMs) / 60_000))} min ${behind ? 'behind' : 'ahead'}. Requests are signed by the control plane’s time, yet stores may refuse it: set it by NTP.`,
        ]
      : []),
  ]
}
