/** How many agents are there, and how fast they are together. */
import type { AgentView } from '../../../shared/api/agents.ts'
import { siteTexts as texts } from '../texts/sites.ts'
import { rateOf } from './recent.ts'

export function Summary({ agents }: { agents: readonly AgentView[] }) {
  const here = agents.filter(({ revokedAt }) => revokedAt === null)
  const rates = here.map(rateOf)
  const sum = (of: 'objects' | 'bytes') => rates.reduce((total, rate) => total + rate[of], 0)
  const works = here.some(({ doing }) => (doing ?? []).length > 0)
  return (
    <span className="quiet">
      {texts.summary(
        here.filter(({ connected }) => connected).length,
        here.length,
        works ? texts.rate(sum('objects'), sum('bytes')) : '',
      )}
    </span>
  )
}
