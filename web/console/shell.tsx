/** The frame of every page: where one is, where one can go, as whom. */
import { CSPProvider } from '@base-ui/react/csp-provider'
import { useQuery } from '@tanstack/react-query'
import { Link, Outlet, useLocation, useNavigate, useParams } from '@tanstack/react-router'
import {
  ArrowLeftRight,
  Cable,
  CalendarClock,
  Gauge,
  History,
  House,
  MapPin,
  Menu,
  Search,
  Settings,
  Users,
  Webhook,
} from 'lucide-react'
import { lazy, Suspense, useEffect, useState } from 'react'
import type { Scope } from '../../shared/api/scopes.ts'
import { Announced } from './announce.tsx'
import { callPalette } from './key-choice.ts'
import * as queries from './queries/me.ts'
import { texts } from './texts.ts'
import { setTheme, type Theme, theme, themes } from './theme.ts'

/** The keys, and what lies over pages: none of it is needed to show one. */
const Overlays = lazy(() => import('./overlays.tsx'))

export const places = [
  ['/w/$workspace', texts.nav.overview, House, 'migrations:read'],
  ['/w/$workspace/migrations', texts.nav.migrations, ArrowLeftRight, 'migrations:read'],
  ['/w/$workspace/sites', texts.nav.sites, MapPin, 'sites:read'],
  ['/w/$workspace/connections', texts.nav.connections, Cable, 'connections:read'],
  ['/w/$workspace/schedules', texts.nav.schedules, CalendarClock, 'migrations:read'],
  ['/w/$workspace/limits', texts.nav.limits, Gauge, 'limits:read'],
  ['/w/$workspace/webhooks', texts.nav.webhooks, Webhook, 'webhooks:read'],
  ['/w/$workspace/people', texts.nav.people, Users, 'members:read'],
  ['/w/$workspace/audit', texts.nav.audit, History, 'audit:read'],
  ['/w/$workspace/settings', texts.nav.settings, Settings, 'workspace:read'],
] as const satisfies readonly (readonly [string, string, unknown, Scope])[]

export function Shell() {
  const { workspace } = useParams({ from: '/w/$workspace' })
  const { data: me } = useQuery(queries.me)
  const may = me?.workspaces.find(({ id }) => id === workspace)?.scopes
  const { pathname } = useLocation()
  const [open, setOpen] = useState(false)
  const mayGo = places.filter(([, , , scope]) => may === undefined || may.includes(scope))
  // biome-ignore lint/correctness/useExhaustiveDependencies: closed by going anywhere.
  useEffect(() => setOpen(false), [pathname])
  return (
    <CSPProvider disableStyleElements>
      <a className="skip" href="#content">
        {texts.skip}
      </a>
      <div className="frame">
        <header className={open ? 'side open' : 'side'}>
          <div className="top">
            <Link className="brand" to="/w/$workspace" params={{ workspace }}>
              {texts.product}
            </Link>
            <button
              type="button"
              className="opens"
              aria-expanded={open}
              aria-controls="places"
              onClick={() => setOpen(!open)}
            >
              <Menu size={18} aria-hidden="true" />
              {texts.menu}
            </button>
          </div>
          <div className="places" id="places">
            <button type="button" className="finds" onClick={callPalette}>
              <Search size={16} aria-hidden="true" />
              {texts.find.deed}
              <kbd>{texts.find.keys}</kbd>
            </button>
            <nav aria-label={texts.nav.main}>
              {mayGo.map(([to, name, Icon]) => (
                <Link
                  key={to}
                  to={to}
                  params={{ workspace }}
                  activeOptions={{ exact: to === '/w/$workspace' }}
                >
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
          </div>
        </header>
        <main id="content" tabIndex={-1}>
          <Outlet />
        </main>
      </div>
      <Announced />
      <Suspense fallback={null}>
        <Overlays
          workspace={workspace}
          places={mayGo.map(([to, name]) => [to.slice('/w/$workspace'.length), name])}
        />
      </Suspense>
    </CSPProvider>
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
