/** Which address shows which page. */
import {
  createRootRoute,
  createRoute,
  createRouter,
  type ErrorComponentProps,
  Outlet,
  redirect,
} from '@tanstack/react-router'
import { readMe } from '../../shared/api/me.ts'
import { call, Refused } from '../api.ts'
import { Audit } from './pages/audit.tsx'
import { Connections } from './pages/connections.tsx'
import { Limits } from './pages/limits.tsx'
import { Failures, Migration, Packets, Settings } from './pages/migration.tsx'
import { Migrations } from './pages/migrations.tsx'
import { People } from './pages/people.tsx'
import { Sites } from './pages/sites.tsx'
import { Webhooks } from './pages/webhooks.tsx'
import { Shell } from './shell.tsx'
import { texts } from './texts.ts'

const root = createRootRoute({
  component: Outlet,
  notFoundComponent: () => (
    <main>
      <h1>{texts.notFound}</h1>
      <p>
        <a href="/">{texts.home}</a>
      </p>
    </main>
  ),
  errorComponent: ({ error }: ErrorComponentProps) => (
    <main>
      <h1>{texts.failed}</h1>
      <p>{error instanceof Error ? error.message : String(error)}</p>
      <p>
        <a href="/">{texts.again}</a>
      </p>
    </main>
  ),
})

/** To the first workspace of whoever calls; to the sign-in where nobody does. */
const index = createRoute({
  getParentRoute: () => root,
  path: '/',
  component: () => null,
  beforeLoad: async () => {
    const me = await call(readMe, { params: {} }).catch((error: unknown) => {
      if (error instanceof Refused && error.status === 401) return null
      throw error
    })
    const workspace = me?.workspaces[0]?.id
    if (workspace) throw redirect({ to: '/w/$workspace', params: { workspace }, replace: true })
    location.assign('/sign-in')
  },
})

const inWorkspace = createRoute({ getParentRoute: () => root, path: '/w/$workspace', component: Shell })
const page = <P extends string>(path: P, component: () => React.ReactNode) =>
  createRoute({ getParentRoute: () => inWorkspace, path, component })
const migration = page('migrations/$migration', Migration)
const tab = <P extends string>(path: P, component: () => React.ReactNode) =>
  createRoute({ getParentRoute: () => migration, path, component })

const packetsTab = createRoute({
  getParentRoute: () => migration,
  path: 'packets',
  component: Packets,
  validateSearch: ({ after }: { after?: unknown }): { after?: string } =>
    typeof after === 'string' ? { after } : {},
})

const tree = root.addChildren([
  index,
  inWorkspace.addChildren([
    page('/', Migrations),
    migration.addChildren([tab('/', Failures), packetsTab, tab('settings', Settings)]),
    page('sites', Sites),
    page('connections', Connections),
    page('limits', Limits),
    page('webhooks', Webhooks),
    page('people', People),
    page('audit', Audit),
  ]),
])

export const router = createRouter({ routeTree: tree, defaultPreload: 'intent' })

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
