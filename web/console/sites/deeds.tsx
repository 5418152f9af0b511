/** What one can do to an agent: drain it, or shut it out. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { type AgentView, drainAgent, revokeAgent } from '../../../shared/api/agents.ts'
import { call } from '../../api.ts'
import { useChange } from '../change.ts'
import { useMay } from '../may.ts'
import { Confirm } from '../parts/dialog.tsx'
import { Menu } from '../parts/menu.tsx'
import * as queries from '../queries/sites.ts'
import { siteTexts as texts } from '../texts/sites.ts'

export function AgentDeeds({ workspace, agent }: { workspace: string; agent: AgentView }) {
  const may = useMay(workspace, 'sites:write')
  const [asks, ask] = useState<'drain' | 'revoke' | null>(null)
  const { id, connected, draining, revokedAt } = agent
  const params = { workspace, agent: id }
  const stale = [workspace, 'agents']
  const drain = useChange({
    run: () => call(drainAgent, { params }),
    stale,
    says: () => texts.drain.done(id),
  })
  const revoke = useChange({
    run: () => call(revokeAgent, { params }),
    stale: [workspace],
    says: () => texts.revoke.done(id),
  })
  if (!may || revokedAt !== null) return null
  const close = () => ask(null)
  return (
    <>
      <Menu
        name={texts.agent.more(id)}
        deeds={[
          { name: texts.drain.deed, disabled: !connected || draining, run: () => ask('drain') },
          { name: texts.revoke.deed, danger: true, run: () => ask('revoke') },
        ]}
      />
      <Confirm
        open={asks === 'drain'}
        close={close}
        title={texts.drain.title(id)}
        deed={texts.drain.deed}
        run={() => drain.mutateAsync()}
      >
        <DrainSays workspace={workspace} agent={agent} />
      </Confirm>
      <Confirm
        open={asks === 'revoke'}
        close={close}
        title={texts.revoke.title(id)}
        deed={texts.revoke.deed}
        danger
        typed={id}
        run={() => revoke.mutateAsync()}
      >
        <p>{texts.revoke.says}</p>
        {asks === 'revoke' && <Secrets workspace={workspace} agent={id} />}
      </Confirm>
    </>
  )
}

function DrainSays({ workspace, agent: { id, site, doing } }: { workspace: string; agent: AgentView }) {
  const { data } = useQuery(queries.agents(workspace))
  const others = data?.agents.some((one) => one.id !== id && one.site === site && one.connected) ?? true
  const held = doing ?? []
  return (
    <>
      <p>{texts.drain.says}</p>
      <p>
        {texts.drain.holds(
          held.reduce((sum, { packets }) => sum + packets, 0),
          held.length,
        )}
      </p>
      {!others && <p>{texts.drain.alone(site)}</p>}
    </>
  )
}

/** Those that are to be made anew once it is shut out. */
function Secrets({ workspace, agent }: { workspace: string; agent: string }) {
  const { data } = useQuery(queries.agent(workspace, agent))
  if (!data) return null
  return (
    <>
      <p>{texts.revoke.secrets(data.secrets.length)}</p>
      <ul>
        {data.secrets.map(({ connection }) => (
          <li key={connection}>
            <Link to="/w/$workspace/connections/$connection" params={{ workspace, connection }}>
              {connection}
            </Link>
          </li>
        ))}
      </ul>
    </>
  )
}
