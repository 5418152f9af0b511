/** One site: its agents, and the tokens by which others may join. */
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { useMay } from '../may.ts'
import { Page } from '../parts/page.tsx'
import { Shown } from '../parts/shown.tsx'
import * as queries from '../queries/sites.ts'
import { AgentsTable } from '../sites/agents-table.tsx'
import { History } from '../sites/history.tsx'
import { Join } from '../sites/join.tsx'
import { SiteDeeds } from '../sites/site-deeds.tsx'
import { SiteFacts } from '../sites/site-facts.tsx'
import { Summary } from '../sites/summary.tsx'
import { JoinTokens } from '../sites/tokens.tsx'
import { siteTexts as texts } from '../texts/sites.ts'

export function Site() {
  const { workspace, site: id } = useParams({ from: '/w/$workspace/sites/$site' })
  const asked = useQuery(queries.site(workspace, id))
  const agents = useQuery(queries.agents(workspace))
  const own = agents.data?.agents.filter(({ site }) => site === id) ?? []
  const may = useMay(workspace, 'sites:write')
  const navigate = useNavigate()
  const [joins, join] = useState(false)
  return (
    <Page
      title={id}
      back={
        <Link to="/w/$workspace/sites" params={{ workspace }}>
          {texts.agent.back}
        </Link>
      }
      state={agents.data && <Summary agents={own} />}
      actions={
        asked.data && (
          <SiteDeeds
            workspace={workspace}
            site={asked.data}
            join={() => join(true)}
            gone={() => void navigate({ to: '/w/$workspace/sites', params: { workspace } })}
          />
        )
      }
    >
      <Shown of={asked} what={id}>
        {(site) => <SiteFacts workspace={workspace} site={site} agents={own} />}
      </Shown>
      {asked.data && (
        <section aria-labelledby="agents">
          <h2 id="agents">{texts.column.agents}</h2>
          <Shown of={agents} what={texts.column.agents}>
            {() =>
              own.length === 0 ? (
                <p className="quiet">{texts.noAgent}</p>
              ) : (
                <AgentsTable workspace={workspace} caption={texts.column.agents} agents={own} />
              )
            }
          </Shown>
        </section>
      )}
      {may && asked.data && <JoinTokens workspace={workspace} site={id} />}
      <History workspace={workspace} subject={`site/${id}`} />
      <Join workspace={workspace} open={joins} close={() => join(false)} site={id} sites={[id]} />
    </Page>
  )
}
