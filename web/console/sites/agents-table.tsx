/** The agents of a site, a row each. */
import { Link } from '@tanstack/react-router'
import type { AgentView } from '../../../shared/api/agents.ts'
import { when } from '../format.ts'
import { Bytes } from '../parts/bytes.tsx'
import { Said } from '../parts/key.tsx'
import { Table } from '../parts/table.tsx'
import { siteTexts as texts } from '../texts/sites.ts'
import { AgentState } from './agent-state.tsx'
import { AgentDeeds } from './deeds.tsx'
import { DoesNow } from './doing.tsx'
import { rateOf } from './recent.ts'
import { Spark } from './spark.tsx'

export function AgentsTable(props: { workspace: string; caption: string; agents: readonly AgentView[] }) {
  const { workspace } = props
  return (
    <Table
      caption={props.caption}
      columns={[
        {
          name: texts.column.agent,
          cell: ({ id, facts, twinAt }) => (
            <div>
              <Link to="/w/$workspace/agents/$agent" params={{ workspace, agent: id }}>
                <strong>{id}</strong>
              </Link>
              {facts && (
                <div className="quiet">
                  <Said text={facts.host} most={60} />
                </div>
              )}
              {twinAt !== null && <div className="quiet">{texts.twin(when(twinAt))}</div>}
            </div>
          ),
        },
        { name: texts.column.state, cell: (agent) => <AgentState agent={agent} /> },
        { name: texts.column.now, cell: (agent) => <DoesNow workspace={workspace} agent={agent} /> },
        {
          name: texts.column.rate,
          kind: 'number',
          cell: (agent) => (
            <span className="rate">
              <Spark workspace={workspace} agent={agent.id} />
              {agent.connected ? <Bytes of={rateOf(agent).bytes} rate /> : '–'}
            </span>
          ),
        },
        {
          name: texts.column.version,
          cell: ({ facts, upgradeTo }) => (
            <div>
              {facts ? <Said text={facts.version} most={40} /> : '–'}
              {upgradeTo !== null && <div className="quiet">{texts.older(upgradeTo)}</div>}
            </div>
          ),
        },
        { name: texts.column.act, cell: (agent) => <AgentDeeds workspace={workspace} agent={agent} /> },
      ]}
      rows={props.agents}
      id={({ id }) => id}
    />
  )
}
