/** Which address shows which page. Pages are fetched when they are first opened, or meant to be. */
import {
  createRootRoute,
  createRoute,
  createRouter,
  type ErrorComponentProps,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router'
import { readMe } from '../../shared/api/me.ts'
import { call, Refused } from '../api.ts'
import { failuresIn, passesIn } from './failures/search.ts'
import { listingIn, lookingIn } from './search.ts'
import { Shell } from './shell.tsx'
import { filterOf } from './sites/filter.ts'
import { texts } from './texts.ts'

const NotFound = () => (
  <>
    <h1>{texts.notFound}</h1>
    <p>
      <a href="/">{texts.home}</a>
    </p>
  </>
)

const root = createRootRoute({
  component: Outlet,
  notFoundComponent: () => (
    <main>
      <NotFound />
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

const inWorkspace = createRoute({
  getParentRoute: () => root,
  path: '/w/$workspace',
  component: Shell,
  notFoundComponent: NotFound,
})
type Component = ReturnType<typeof lazyRouteComponent>
const page = <P extends string>(path: P, component: Component) =>
  createRoute({ getParentRoute: () => inWorkspace, path, component })

const migrations = createRoute({
  getParentRoute: () => inWorkspace,
  path: 'migrations',
  component: lazyRouteComponent(() => import('./pages/migrations.tsx'), 'Migrations'),
  validateSearch: listingIn,
})

const aMigration = () => import('./pages/migration.tsx')
const migration = createRoute({
  getParentRoute: () => inWorkspace,
  path: 'migrations/$migration',
  component: lazyRouteComponent(aMigration, 'Migration'),
  validateSearch: lookingIn,
})
const tab = <P extends string>(path: P, component: Component) =>
  createRoute({ getParentRoute: () => migration, path, component })

const failuresTab = createRoute({
  getParentRoute: () => migration,
  path: '/',
  component: lazyRouteComponent(() => import('./pages/failures.tsx'), 'Failures'),
  validateSearch: failuresIn,
})
const passesTab = createRoute({
  getParentRoute: () => migration,
  path: 'passes',
  component: lazyRouteComponent(() => import('./pages/passes.tsx'), 'Passes'),
  validateSearch: passesIn,
})
/** The page around it shows it: it has what is told. */
const activityTab = createRoute({ getParentRoute: () => migration, path: 'activity' })
/** `after`: percent-escaped. */
const packetsTab = createRoute({
  getParentRoute: () => migration,
  path: 'packets',
  component: lazyRouteComponent(() => import('./pages/packets.tsx'), 'Packets'),
  validateSearch: ({ after }: { after?: unknown }): { after?: string } =>
    typeof after === 'string' ? { after } : {},
})

const sites = createRoute({
  getParentRoute: () => inWorkspace,
  path: 'sites',
  component: lazyRouteComponent(() => import('./pages/sites.tsx'), 'Sites'),
  validateSearch: filterOf,
})

/** `from`: the migration whose settings it begins with. */
const newMigration = createRoute({
  getParentRoute: () => inWorkspace,
  path: 'new-migration',
  component: lazyRouteComponent(() => import('./pages/new-migration.tsx'), 'NewMigration'),
  validateSearch: ({ from }: { from?: unknown }): { from?: string } =>
    typeof from === 'string' ? { from } : {},
})

const tree = root.addChildren([
  index,
  inWorkspace.addChildren([
    page(
      '/',
      lazyRouteComponent(() => import('./pages/overview.tsx'), 'Overview'),
    ),
    migrations,
    newMigration,
    migration.addChildren([
      failuresTab,
      activityTab,
      packetsTab,
      passesTab,
      tab(
        'life',
        lazyRouteComponent(() => import('./pages/life.tsx'), 'Life'),
      ),
      tab(
        'certificates',
        lazyRouteComponent(() => import('./pages/certificates.tsx'), 'Certificates'),
      ),
      tab('settings', lazyRouteComponent(aMigration, 'Settings')),
    ]),
    sites,
    page(
      'sites/$site',
      lazyRouteComponent(() => import('./pages/site.tsx'), 'Site'),
    ),
    page(
      'agents/$agent',
      lazyRouteComponent(() => import('./pages/agent.tsx'), 'Agent'),
    ),
    page(
      'connections',
      lazyRouteComponent(() => import('./pages/connections.tsx'), 'Connections'),
    ),
    page(
      'connections/$connection',
      lazyRouteComponent(() => import('./pages/connection.tsx'), 'Connection'),
    ),
    page(
      'schedules',
      lazyRouteComponent(() => import('./pages/schedules.tsx'), 'Schedules'),
    ),
    page(
      'limits',
      lazyRouteComponent(() => import('./pages/limits.tsx'), 'Limits'),
    ),
    page(
      'webhooks',
      lazyRouteComponent(() => import('./pages/webhooks.tsx'), 'Webhooks'),
    ),
    page(
      'people',
      lazyRouteComponent(() => import('./pages/people.tsx'), 'People'),
    ),
    page(
      'audit',
      lazyRouteComponent(() => import('./pages/audit.tsx'), 'Audit'),
    ),
    page(
      'settings',
      lazyRouteComponent(() => import('./pages/settings.tsx'), 'Settings'),
    ),
  ]),
])

export const router = createRouter({ routeTree: tree, defaultPreload: 'intent' })

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
