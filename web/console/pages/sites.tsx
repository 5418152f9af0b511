/** Sites, and the agents of each: how they are, and what they do now. */
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import type { AgentView } from '../../../shared/api/agents.ts'
import type { SiteView } from '../../../shared/api/sites.ts'
import { useCalled } from '../deeds.ts'
import { useMay } from '../may.ts'
import { Code } from '../parts/code.tsx'
import { Notice } from '../parts/notice.tsx'
import { Page } from '../parts/page.tsx'
import { Shown } from '../parts/shown.tsx'
import * as queries from '../queries/sites.ts'
import { AgentsTable } from '../sites/agents-table.tsx'
import { type Filter, filterOf, states } from '../sites/filter.ts'
import { Join } from '../sites/join.tsx'
import { matches } from '../sites/matches.ts'
import { SiteDeeds } from '../sites/site-deeds.tsx'
import { SiteFacts } from '../sites/site-facts.tsx'
import { Summary } from '../sites/summary.tsx'
import { siteTexts as texts } from '../texts/sites.ts'
import { texts as all } from '../texts.ts'

export function Sites() {
  const { workspace } = useParams({ from: '/w/$workspace' })
  const filter = useSearch({ from: '/w/$workspace/sites' })
  const navigate = useNavigate()
  const choose = (next: Filter) =>
    void navigate({ to: '/w/$workspace/sites', params: { workspace }, search: next, replace: true })
  const sites = useQuery(queries.sites(workspace))
  const agents = useQuery(queries.agents(workspace))
  const may = useMay(workspace, 'sites:write')
  /** At which site; null: at any. */
  const [joins, join] = useState<{ site: string | null } | null>(null)
  useCalled('/sites', () => may && join({ site: null }))
  const ids = sites.data?.sites.map(({ id }) => id) ?? []
  return (
    <Page
      title={all.nav.sites}
      actions={
        may && (
          <button type="button" className="primary" onClick={() => join({ site: null })}>
            {texts.join}
          </button>
        )
      }
    >
      <Shown of={sites} what={all.nav.sites}>
        {({ sites }) =>
          sites.length === 0 ? (
            <div className="card">
              <p className="quiet">{texts.empty}</p>
              <Code label={texts.joining.command} text={texts.emptyCommand} copies />
            </div>
          ) : (
            <Shown of={agents} what={all.nav.sites}>
              {({ agents }) => (
                <>
                  <Outdated agents={agents} />
                  <Filters filter={filter} choose={choose} sites={ids} />
                  <Groups
                    workspace={workspace}
                    sites={sites}
                    agents={agents}
                    filter={filter}
                    clear={() => choose({})}
                    join={(site) => join({ site })}
                  />
                </>
              )}
            </Shown>
          )
        }
      </Shown>
      <Join
        key={joins?.site ?? ''}
        workspace={workspace}
        open={joins !== null}
        close={() => join(null)}
        site={joins?.site ?? null}
        sites={ids}
      />
    </Page>
  )
}

function Outdated({ agents }: { agents: readonly AgentView[] }) {
  const older = agents.filter(({ upgradeTo }) => upgradeTo !== null)
  const version = older[0]?.upgradeTo
  if (!version) return null
  return (
    <Notice>
      <p>{texts.outdated(older.length, version)}</p>
      <p className="quiet">{texts.upgrade(version)}</p>
      <Code label={texts.joining.command} text={texts.upgradeCommand} copies />
    </Notice>
  )
}

function Filters(props: { filter: Filter; choose(filter: Filter): void; sites: readonly string[] }) {
  const { filter, choose } = props
  const set = (change: Record<string, string>) => choose(filterOf({ ...filter, ...change }))
  return (
    <search className="filters" aria-label={texts.filter.name}>
      <label>
        {texts.filter.search}
        <input
          type="search"
          value={filter.text ?? ''}
          onChange={(event) => set({ text: event.target.value })}
        />
      </label>
      <label>
        {texts.filter.site}
        <select value={filter.site ?? ''} onChange={(event) => set({ site: event.target.value })}>
          <option value="">{texts.filter.every}</option>
          {props.sites.map((id) => (
            <option key={id}>{id}</option>
          ))}
        </select>
      </label>
      <label>
        {texts.filter.state}
        <select value={filter.state ?? ''} onChange={(event) => set({ state: event.target.value })}>
          <option value="">{texts.states.any}</option>
          {states.map((state) => (
            <option key={state} value={state}>
              {texts.states[state]}
            </option>
          ))}
        </select>
      </label>
    </search>
  )
}

function Groups(props: {
  workspace: string
  sites: readonly SiteView[]
  agents: readonly AgentView[]
  filter: Filter
  clear(): void
  join(site: string): void
}) {
  const { workspace, filter } = props
  const shown = props.agents.filter((agent) => matches(agent, filter))
  const isWhole = filter.text === undefined && filter.state === undefined
  const groups = props.sites
    .filter(({ id }) => filter.site === undefined || id === filter.site)
    .map((site) => ({ site, agents: shown.filter((agent) => agent.site === site.id) }))
    .filter(({ agents }) => isWhole || agents.length > 0)
  if (groups.length === 0) {
    return (
      <div className="card">
        <p className="quiet">{texts.noneFound}</p>
        <button type="button" onClick={props.clear}>
          {texts.clear}
        </button>
      </div>
    )
  }
  return groups.map(({ site, agents }) => (
    <section className="site" key={site.id} aria-labelledby={`site-${site.id}`}>
      <div className="head">
        <h2 id={`site-${site.id}`}>
          <Link to="/w/$workspace/sites/$site" params={{ workspace, site: site.id }}>
            {site.id}
          </Link>
        </h2>
        <Summary agents={props.agents.filter((agent) => agent.site === site.id)} />
        <SiteDeeds workspace={workspace} site={site} join={() => props.join(site.id)} />
      </div>
      <SiteFacts workspace={workspace} site={site} agents={props.agents} />
      {agents.length === 0 ? (
        <p className="quiet">{texts.noAgent}</p>
      ) : (
        <AgentsTable workspace={workspace} caption={texts.agents(agents.length)} agents={agents} />
      )}
    </section>
  ))
}
