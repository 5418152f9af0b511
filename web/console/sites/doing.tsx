/** What an agent does now: for which migrations, how much of each. */
import { Link } from '@tanstack/react-router'
import type { AgentView } from '../../../shared/api/agents.ts'
import { siteTexts as texts } from '../texts/sites.ts'

/** Named in a row; the agent's own page has all. */
const shown = 3

export function DoesNow({ workspace, agent: { doing } }: { workspace: string; agent: AgentView }) {
  if (doing === null) return <span className="quiet">–</span>
  if (doing.length === 0) return <span className="quiet">{texts.idle}</span>
  return (
    <div>
      {doing.slice(0, shown).map(({ migration, packets }) => (
        <div key={migration}>
          <Link to="/w/$workspace/migrations/$migration" params={{ workspace, migration }}>
            {migration}
          </Link>{' '}
          <span className="quiet">{texts.packets(packets)}</span>
        </div>
      ))}
      {doing.length > shown && <div className="quiet">+ {doing.length - shown}</div>}
    </div>
  )
}
