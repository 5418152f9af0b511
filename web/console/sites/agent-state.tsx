/** How an agent is: a shape, a word, and why. */
import type { AgentView } from '../../../shared/api/agents.ts'
import { when } from '../format.ts'
import { healthOf } from '../health.ts'
import { Said } from '../parts/key.tsx'
import { State } from '../parts/state.tsx'
import { siteTexts as texts } from '../texts/sites.ts'

const shapes = {
  healthy: 'connected',
  strained: 'warned',
  blocked: 'failed',
  draining: 'running',
  away: 'away',
  revoked: 'failed',
} as const

export function AgentState({ agent, why = true }: { agent: AgentView; why?: boolean }) {
  const health = healthOf(agent)
  const { seenAt, revokedAt } = agent
  const since =
    health.is === 'revoked'
      ? when(revokedAt ?? 0)
      : health.is !== 'away'
        ? null
        : seenAt === null
          ? texts.neverSeen
          : texts.since(when(seenAt))
  return (
    <div>
      <State is={shapes[health.is]} says={texts.health[health.is]} />
      {since && <div className="quiet">{since}</div>}
      {why &&
        health.why.map((each) => (
          <div className="quiet" key={each}>
            <Said text={each} />
          </div>
        ))}
    </div>
  )
}
