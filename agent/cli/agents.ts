/** `dray agents`, `dray agent drain|revoke`: the agents of a workspace, as its control plane knows them. */
import { type AgentView, drainAgent, listAgents, revokeAgent } from '../../shared/api/agents.ts'
import { listConnections } from '../../shared/api/connections.ts'
import { visible } from '../../shared/key.ts'
import { exitCodes, type Io } from './io.ts'
import { type AskOptions, withSomePlane } from './plane.ts'
import { table } from './table.ts'

export async function listThem(options: AskOptions & { site?: string }, io: Io): Promise<number> {
  const { site } = options
  const agents = await withSomePlane(options, io, async (plane) => {
    const found: AgentView[] = []
    for await (const page of plane.pages(listAgents, { query: { site } })) found.push(...page.agents)
    return found
  })
  if (options.json) io.stdout.write(`${JSON.stringify({ agents })}\n`)
  else if (agents.length === 0) {
    io.stdout.write('There are no agents yet. Let one join with a token of its site: dray site token SITE\n')
  } else {
    const head = ['AGENT', 'SITE', 'STATE', 'VERSION', 'HOST', 'CORES', 'ADDRESS', 'OUT OF REACH']
    io.stdout.write(visible(table(head, agents.map(rowOf))))
    const older = agents.filter(({ upgradeTo }) => upgradeTo !== null)
    if (older.length > 0) {
      const names = older.map(({ id }) => id).join(', ')
      io.stdout.write(
        `Of an earlier version than the control plane (${older[0]!.upgradeTo}): ${names}. Upgrade them.\n`,
      )
    }
    for (const { id, twinAt } of agents) {
      if (twinAt !== null) {
        const when = new Date(twinAt).toISOString()
        io.stdout.write(
          `Two processes had the identity of ${id} at once, ${when}: give each a state directory of its own.\n`,
        )
      }
    }
  }
  return exitCodes.equal
}

const rowOf = (agent: AgentView): string[] => {
  const { facts } = agent
  const lost = facts?.reach.filter(({ ms }) => ms === null).map(({ endpoint }) => endpoint) ?? []
  return [
    agent.id,
    agent.site,
    stateOf(agent),
    facts?.version ?? '',
    facts?.host ?? '',
    facts ? String(facts.cores) : '',
    agent.address ?? '',
    lost.join(' '),
  ]
}

const stateOf = ({ revokedAt, connected, draining, seenAt }: AgentView): string => {
  if (revokedAt !== null) return 'revoked'
  if (connected) return draining ? 'draining' : 'connected'
  return seenAt === null ? 'never seen' : `gone since ${new Date(seenAt).toISOString().slice(0, 16)}Z`
}

export async function drain(agent: string, options: AskOptions, io: Io): Promise<number> {
  const told = await withSomePlane(options, io, (plane) => plane.call(drainAgent, { params: { agent } }))
  io.stdout.write(
    options.json ? `${JSON.stringify(told)}\n` : `${agent} finishes what it holds, and then ends.\n`,
  )
  return exitCodes.equal
}

export async function revoke(agent: string, options: AskOptions, io: Io): Promise<number> {
  const [told, rotate] = await withSomePlane(options, io, async (plane) => {
    const told = await plane.call(revokeAgent, { params: { agent } })
    const had: string[] = []
    for await (const page of plane.pages(listConnections, {})) {
      had.push(...page.connections.filter(({ rotate }) => rotate.includes(agent)).map(({ id }) => id))
    }
    return [told, had]
  })
  if (options.json) {
    io.stdout.write(`${JSON.stringify({ ...told, rotate })}\n`)
    return exitCodes.equal
  }
  io.stdout.write(`${agent} is revoked: it is shut out, and what it held is done by others.\n`)
  if (rotate.length > 0) {
    io.stdout.write(
      visible(
        `It had the secrets of ${rotate.join(', ')}. Whoever has its machine has them: make new keys at the store, and\n` +
          `seal them again (${rotate.map((id) => `dray connection seal ${id}`).join('; ')}).\n`,
      ),
    )
  }
  return exitCodes.equal
}
