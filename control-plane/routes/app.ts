/** All routes: exactly those of shared/api. */
import { Hono } from 'hono'
import { readHealth } from '../../shared/api/health.ts'
import { agentRoutes } from './agents.ts'
import { migrationRoutes } from './migrations.ts'
import { passRoutes } from './passes.ts'
import { problem, Refusal } from './problem.ts'
import { type App, serve } from './serve.ts'

export const app: App = new Hono()

serve(app, readHealth, async () => ({ ok: true as const }))
migrationRoutes(app)
passRoutes(app)
agentRoutes(app)

app.notFound((context) => problem(new Refusal(404, 'not-found', `there is no ${context.req.path}`)))
app.onError((error) => {
  const answer = problem(error)
  if (answer.status >= 500) console.error(error)
  return answer
})
