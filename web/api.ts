/** The console's only caller of the network. */
import * as z from 'zod'
import { type AgentView, agentSchema, type MigrationView, migrationSchema } from '../shared/api/migrations.ts'

const problemSchema = z.object({ title: z.string(), hint: z.string().nullish() })

export class Refused extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

async function get<T>(path: string, schema: z.ZodType<T>, token: string): Promise<T> {
  const response = await fetch(path, { headers: { authorization: `Bearer ${token}` } })
  if (!response.ok) {
    const problem = problemSchema.safeParse(await response.json().catch(() => null))
    throw new Refused(
      response.status,
      problem.success ? problem.data.title : `the server answered ${response.status}`,
    )
  }
  return schema.parse(await response.json())
}

export const migrations = (token: string): Promise<MigrationView[]> =>
  get('/api/workspaces/local/migrations', z.object({ migrations: z.array(migrationSchema) }), token).then(
    (r) => r.migrations,
  )

export const agents = (token: string): Promise<AgentView[]> =>
  get('/api/workspaces/local/agents', z.object({ agents: z.array(agentSchema) }), token).then((r) => r.agents)
