/** What operators see of agents, and do with them. */
import { certifyAgent, drainAgent, listAgents, readAgent, revokeAgent } from '../../shared/api/agents.ts'
import { localAgent } from '../access/agent.ts'
import { type Env, localWorkspace } from '../env.ts'
import { type AgentRow, Agents, agentView } from '../store/agents.ts'
import { Connections } from '../store/connections.ts'
import type { Scope } from '../store/scope.ts'
import { certify } from './certify.ts'
import { Refusal } from './problem.ts'
import { type App, serve } from './serve.ts'

export function fleetRoutes(app: App): void {
  serve(app, listAgents, async ({ env, scope, query: { cursor, limit, site } }) => {
    const [rows, there] = await Promise.all([
      new Agents(scope).list(cursor ?? null, limit, site),
      connected(env, scope),
    ])
    return {
      agents: rows.map((row) => agentView(row, there.get(row.id))),
      cursor: rows.length === limit ? rows.at(-1)!.id : null,
    }
  })

  serve(app, readAgent, async ({ env, scope, params: { agent } }) => ({
    ...(await view(env, scope, agent)),
    secrets: await new Connections(scope).heldNow(agent),
  }))

  serve(app, drainAgent, async ({ env, scope, params }) => {
    const { id } = await find(scope, params.agent)
    refuseOwn(env, scope, id)
    if (!(await fleetOf(env, scope).drain(id))) {
      throw new Refusal(409, 'busy', `the agent ${id} is not connected`, 'There is nothing to drain.')
    }
    await scope.record({ action: 'agent.drain', subject: `agent/${id}` })
    return view(env, scope, id)
  })

  serve(app, revokeAgent, async ({ env, scope, params }) => {
    const { id } = await find(scope, params.agent)
    refuseOwn(env, scope, id)
    await revoke(env, scope, id)
    return { ...(await view(env, scope, id)), secrets: await new Connections(scope).heldNow(id) }
  })

  serve(app, certifyAgent, async ({ env, scope, params, body }) => {
    await certify(scope, await find(scope, params.agent), body, null)
    return view(env, scope, params.agent)
  })
}

/** An embedded control plane is nothing without it. */
function refuseOwn(env: Env, { workspace }: Scope, id: string): void {
  if (workspace !== localWorkspace || localAgent(env)?.agent !== id) return
  throw new Refusal(
    409,
    'busy',
    `${id} is the agent of this control plane itself`,
    'Stop both together, with Ctrl-C where dray up runs.',
  )
}

/** For good. What is told to the objects may be told again: revoking an agent once more finishes what broke off. */
export async function revoke(env: Env, scope: Scope, id: string): Promise<void> {
  await new Agents(scope).revoke(id, Date.now())
  await fleetOf(env, scope).revoke(id)
}

const fleetOf = (env: Env, scope: Scope) => env.FLEET.getByName(scope.workspace)
export const connected = async (env: Env, scope: Scope) =>
  new Map((await fleetOf(env, scope).there()).map((one) => [one.agent, one]))

async function find(scope: Scope, id: string): Promise<AgentRow> {
  const row = await new Agents(scope).find(id)
  if (row) return row
  throw new Refusal(404, 'not-found', `there is no agent ${id}`, 'See which there are: dray agents.')
}

const view = async (env: Env, scope: Scope, id: string) =>
  agentView(await find(scope, id), (await connected(env, scope)).get(id))
