/** How an agent is, in one word and the reasons for it: for people, who decide what to do about it. */
import type { AgentView } from '../../shared/api/agents.ts'
import { siteTexts } from './texts/sites.ts'

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
  const { trouble } = siteTexts
  return [
    ...reach.flatMap(({ endpoint, ms, error }) => (ms === null ? [trouble.reach(endpoint, error)] : [])),
    ...(load > busy * cores ? [trouble.load(load, cores)] : []),
    ...(stateFree !== null && stateFree < littleRoom ? [trouble.room(stateFree)] : []),
    ...(Math.abs(clockMs) > clockOff
      ? [trouble.clock(Math.round(Math.abs(clockMs) / 60_000), clockMs > 0)]
      : []),
  ]
}
