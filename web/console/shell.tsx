/** The frame of every page: where one is, where one can go, as whom. */
import { useQuery } from '@tanstack/react-query'
import { Link, Outlet, useNavigate, useParams } from '@tanstack/react-router'
import { ArrowLeftRight, Cable, Gauge, History, MapPin, Users, Webhook } from 'lucide-react'
import { useState } from 'react'
import type { Scope } from '../../shared/api/scopes.ts'
import * as queries from './queries.ts'
import { texts } from './texts.ts'
import { setTheme, type Theme, theme, themes } from './theme.ts'

const places = [
  ['/w/$workspace', texts.nav.migrations, ArrowLeftRight, 'migrations:read'],
  ['/w/$workspace/sites', texts.nav.sites, MapPin, 'sites:read'],
  ['/w/$workspace/connections', texts.nav.connections, Cable, 'connections:read'],
  ['/w/$workspace/limits', texts.nav.limits, Gauge, 'limits:read'],
  ['/w/$workspace/webhooks', texts.nav.webhooks, Webhook, 'webhooks:read'],
  ['/w/$workspace/people', texts.nav.people, Users, 'members:read'],
  ['/w/$workspace/audit', texts.nav.audit, History, 'audit:read'],
] as const satisfies readonly (readonly [string, string, unknown, Scope])[]

export function Shell() {
  const { workspace } = useParams({ from: '/w/$workspace' })
  const { data: me } = useQuery(queries.me)
  const may = me?.workspaces.find(({ id }) => id === workspace)?.scopes
  return (
    <>
      <a className="skip" href="#content">
        {texts.skip}
      </a>
      <div className="frame">
        <header className="side">
          <Link className="brand" to="/w/$workspace" params={{ workspace }}>
            {texts.product}
          </Link>
          <nav aria-label="Main">
            {places
              .filter(([, , , scope]) => may === undefined || may.includes(scope))
              .map(([to, name, Icon]) => (
                <Link key={to} to={to} params={{ workspace }} activeOptions={{ exact: true }}>
                  <Icon size={18} aria-hidden="true" />
                  {name}
                </Link>
              ))}
          </nav>
          <div className="below">
            <Workspaces current={workspace} all={me?.workspaces.map(({ id }) => id) ?? [workspace]} />
            <Themes />
            {me && <small>{me.email ?? me.name}</small>}
          </div>
        </header>
        <main id="content" tabIndex={-1}>
          <Outlet />
        </main>
      </div>
    </>
  )
}

function Workspaces({ current, all }: { current: string; all: readonly string[] }) {
  const navigate = useNavigate()
  return (
    <label>
      {texts.workspace}
      <select
        value={current}
        onChange={(event) =>
          void navigate({ to: '/w/$workspace', params: { workspace: event.target.value } })
        }
      >
        {[...new Set([current, ...all])].map((id) => (
          <option key={id}>{id}</option>
        ))}
      </select>
    </label>
  )
}

function Themes() {
  const [chosen, choose] = useState<Theme>(theme())
  return (
    <label>
      {texts.theme.label}
      <select
        value={chosen}
        onChange={(event) => {
          const next = themes.find((one) => one === event.target.value) ?? 'system'
          setTheme(next)
          choose(next)
        }}
      >
        {themes.map((one) => (
          <option key={one} value={one}>
            {texts.theme[one]}
          </option>
        ))}
      </select>
    </label>
  )
}
