import type { AgentView } from '../../../shared/api/agents.ts'
import { healthOf } from '../health.ts'
import type { Filter } from './filter.ts'

const isTrouble = (agent: AgentView) => {
  const { is, why } = healthOf(agent)
  return is === 'away' || why.length > 0 || agent.upgradeTo !== null
}

export function matches(agent: AgentView, { text, site, state }: Filter): boolean {
  if (site !== undefined && agent.site !== site) return false
  const { revokedAt, connected } = agent
  if ((state === 'revoked') !== (revokedAt !== null)) return false
  if (state === 'connected' && !connected) return false
  if (state === 'away' && connected) return false
  if (state === 'trouble' && !isTrouble(agent)) return false
  if (text === undefined) return true
  const { id, facts, address, doing } = agent
  const said = [
    id,
    agent.site,
    facts?.host,
    facts?.version,
    address,
    ...(doing ?? []).map((one) => one.migration),
  ]
  return said.some((each) => each?.toLowerCase().includes(text.toLowerCase()))
}
