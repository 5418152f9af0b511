/** The console's only caller of the network. */
import * as z from 'zod'
import { type AgentView, agentSchema } from '../shared/api/agents.ts'
import { type MigrationView, migrationSchema } from '../shared/api/migrations.ts'
import { type Answer, addressOf, type Input, type Route } from '../shared/api/route.ts'

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

/** As the contract says. With an empty token, by the session's cookie. */
export async function call<R extends Route>(contract: R, input: Input<R>, token: string): Promise<Answer<R>> {
  const { body } = input as { body?: unknown }
  const response = await fetch(addressOf(contract, input as never), {
    method: contract.method,
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const document: unknown = await response.json().catch(() => null)
  if (response.ok) return contract.answer?.parse(document) as Answer<R>
  const { detail, hint } = (document ?? {}) as { detail?: string; hint?: string | null }
  throw new Refused(
    response.status,
    [detail ?? `The server answered ${response.status}`, hint].filter(Boolean).join('. '),
  )
}

/** All pages of a list. */
export async function all<R extends Route>(
  contract: R,
  input: Input<R>,
  token: string,
): Promise<Answer<R>[]> {
  const pages: Answer<R>[] = []
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const query = { ...(input.query as object | undefined), ...(cursor && { cursor }) }
    const page = await call(contract, { ...input, query } as Input<R>, token)
    pages.push(page)
    cursor = (page as { cursor: string | null }).cursor
  }
  return pages
}

/** The operator's token, as `dray up` gives it in the address's fragment; kept in this tab. Empty where there is none. */
export function keptToken(): string {
  const given = new URLSearchParams(location.hash.slice(1)).get('token')
  if (given) {
    sessionStorage.setItem('token', given)
    history.replaceState(null, '', location.pathname + location.search)
  }
  return sessionStorage.getItem('token') ?? ''
}
