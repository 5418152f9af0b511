/** All routes, exactly those of shared/api.ts. */
import { Hono } from 'hono'
import type { Env } from '../env.ts'
import { access } from './access.ts'
import { agentRoutes } from './agents.ts'
import { migrationRoutes } from './migrations.ts'
import { passRoutes } from './passes.ts'
import { problem, Refusal } from './problem.ts'

export const app = new Hono<{ Bindings: Env }>()
  .get('/api/health', access('anybody'), (context) => context.json({ ok: true }))
  .route('/', migrationRoutes)
  .route('/', passRoutes)
  .route('/', agentRoutes)

app.notFound((context) => problem(new Refusal(404, 'not-found', `there is no ${context.req.path}`)))
app.onError((error) => {
  const answer = problem(error)
  if (answer.status >= 500) console.error(error)
  return answer
})
