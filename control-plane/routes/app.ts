/** All routes: exactly those of shared/api. */
import { Hono } from 'hono'
import { readHealth, readOpenApi } from '../../shared/api/health.ts'
import { agentRoutes } from './agents.ts'
import { auditRoutes } from './audit.ts'
import { authRoutes } from './auth.ts'
import { browseRoutes } from './browse.ts'
import { certificateRoutes } from './certificates.ts'
import { changeRoutes } from './changes.ts'
import { connectionRoutes } from './connections.ts'
import { downloadRoutes } from './downloads.ts'
import { entryRoutes } from './entry.ts'
import { workspaceExport } from './export.ts'
import { failureRoutes } from './failures.ts'
import { fleetRoutes } from './fleet.ts'
import { joiningRoutes } from './joining.ts'
import { lifeRoutes } from './life.ts'
import { limitRoutes } from './limits.ts'
import { meRoutes } from './me.ts'
import { memberRoutes } from './members.ts'
import { migrationRoutes } from './migrations.ts'
import { overviewRoute } from './overview.ts'
import { passRoutes } from './passes.ts'
import { preflightRoute } from './preflight.ts'
import { problem, Refusal } from './problem.ts'
import { scheduleRoutes } from './schedules.ts'
import { type App, contracts, serve } from './serve.ts'
import { siteRoutes } from './sites.ts'
import { tokenRoutes } from './tokens.ts'
import { watchRoutes } from './watch.ts'
import { webhookRoutes } from './webhooks.ts'
import { workspaceDeletion } from './workspace-deletion.ts'
import { workspaceRoutes } from './workspaces.ts'

export const app: App = new Hono()

serve(app, readHealth, async () => ({ ok: true as const }))
serve(app, readOpenApi, async ({ request }) => {
  const { openApi } = await import('../openapi.ts')
  return Response.json(openApi(contracts, new URL(request.url).origin))
})
changeRoutes(app)
connectionRoutes(app)
overviewRoute(app)
browseRoutes(app)
preflightRoute(app)
limitRoutes(app)
migrationRoutes(app)
passRoutes(app)
lifeRoutes(app)
failureRoutes(app)
certificateRoutes(app)
scheduleRoutes(app)
agentRoutes(app)
joiningRoutes(app)
fleetRoutes(app)
siteRoutes(app)
auditRoutes(app)
webhookRoutes(app)
authRoutes(app)
entryRoutes(app)
meRoutes(app)
watchRoutes(app)
downloadRoutes(app)
workspaceRoutes(app)
workspaceExport(app)
workspaceDeletion(app)
memberRoutes(app)
tokenRoutes(app)

app.notFound((context) => problem(new Refusal(404, 'not-found', `there is no ${context.req.path}`)))
app.onError((error) => {
  const answer = problem(error)
  if (answer.status >= 500) console.error(error)
  return answer
})
