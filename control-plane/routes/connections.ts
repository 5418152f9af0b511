/** Connections: to make, edit, seal, test and delete them; and the sealed copies that agents fetch. */
import {
  type ConnectionStatus,
  type ConnectionView,
  createConnection,
  deleteConnection,
  editConnection,
  fetchSealed,
  type Holder,
  listConnections,
  readConnection,
  readConnectionStatus,
  sealConnection,
  testConnection,
} from '../../shared/api/connections.ts'
import { idSchema } from '../../shared/id.ts'
import type { AgentCaller } from '../access/caller.ts'
import { reachOf } from '../core/place.ts'
import type { Env } from '../env.ts'
import { type ConnectionRow, Connections, isFor, resolvedBy, viewOf } from '../store/connections.ts'
import type { Scope } from '../store/scope.ts'
import { answerOf } from './ask.ts'
import { Refusal } from './problem.ts'
import { type App, changedSince, serve } from './serve.ts'

export function connectionRoutes(app: App): void {
  serve(app, listConnections, async ({ scope, query }) => {
    const { cursor, limit } = query
    if (cursor !== undefined && !idSchema.safeParse(cursor).success) {
      throw new Refusal(400, 'usage', 'the cursor is none that this list gave')
    }
    const rows = await new Connections(scope).list(cursor ?? null, limit)
    return {
      connections: await viewsIn(scope, rows),
      cursor: rows.length === limit ? (rows.at(-1)?.id ?? null) : null,
    }
  })

  serve(app, createConnection, async ({ scope, body }) => {
    const connections = new Connections(scope)
    if (!(await connections.create(body, Date.now()))) {
      const hint = 'Choose another name, or edit the one that is there.'
      throw new Refusal(409, 'busy', `there is a connection ${body.id} already`, hint)
    }
    return viewIn(scope, await find(scope, body.id))
  })

  serve(app, readConnection, async ({ scope, params }) => {
    const row = await find(scope, params.connection)
    return { ...(await viewIn(scope, row)), usedBy: await new Connections(scope).usedBy(row.id) }
  })

  serve(app, editConnection, async ({ scope, params, body, ifMatch }) => {
    const row = await find(scope, params.connection)
    if (ifMatch !== null && ifMatch !== row.revision) throw changedSince(`the connection ${row.id}`)
    const edited = await new Connections(scope).edit(row, body, Date.now())
    if (!edited) throw changedSince(`the connection ${row.id}`)
    return viewIn(scope, await find(scope, row.id))
  })

  serve(app, deleteConnection, async ({ scope, params, ifMatch }) => {
    const row = await find(scope, params.connection)
    if (ifMatch !== null && ifMatch !== row.revision) throw changedSince(`the connection ${row.id}`)
    const connections = new Connections(scope)
    if (await connections.remove(row)) return undefined
    const users = await connections.usedBy(row.id)
    const hint = 'Delete these migrations first.'
    throw new Refusal(409, 'busy', `the connection ${row.id} is used by ${users.join(', ')}`, hint)
  })

  serve(app, sealConnection, async ({ env, scope, params, body }) => {
    const row = await find(scope, params.connection)
    await keepSealed(scope, row, body)
    const sites = new Set((await new Connections(scope).agents()).map(({ site }) => site))
    const fleet = env.FLEET.getByName(scope.workspace)
    // To those agents that whoever sealed it did not know of.
    await Promise.all([...sites].filter((site) => isFor(row, site)).map((site) => fleet.reseal(site)))
    return statusOf(env, scope, await find(scope, row.id))
  })

  serve(app, readConnectionStatus, async ({ env, scope, params }) =>
    statusOf(env, scope, await find(scope, params.connection)),
  )

  serve(app, testConnection, async ({ env, scope, params, body }) => {
    const row = await find(scope, params.connection)
    const { bucket, prefix, site } = body
    if (site !== undefined && !isFor(row, site)) {
      throw new Refusal(409, 'config', `the connection ${row.id} is not for the site ${site}`)
    }
    const place = {
      kind: 's3',
      bucket,
      prefix,
      endpoint: null,
      region: null,
      profile: null,
      site: null,
    } as const
    const location = resolvedBy(row, { ...place, connection: row.id })
    const reach = reachOf(location, site === undefined ? null : [site])
    const { answer, ...by } = await answerOf(env, scope, { kind: 'test-connection', location }, reach)
    await scope.record({
      action: 'connection.test',
      subject: `connection/${row.id}`,
      after: { agent: by.agent, bucket, prefix },
    })
    return { ...answer.test, ...by, at: Date.now() }
  })

  serve(app, fetchSealed, async ({ env, scope, params, caller }) => {
    const { id: agent, site } = caller as AgentCaller
    const row = await new Connections(scope).find(params.connection)
    const notFound = (hint: string) =>
      new Refusal(404, 'not-found', `there is no sealed copy of ${params.connection} for this agent`, hint)
    if (row?.credential.kind !== 'sealed' || !isFor(row, site)) {
      throw notFound('The connection is gone, is not for this site, or has no sealed secret.')
    }
    const connections = new Connections(scope)
    let copy = await connections.copyOf(row.id, agent)
    if (copy?.version !== row.secretVersion) {
      await env.FLEET.getByName(scope.workspace).reseal(site)
      copy = await connections.copyOf(row.id, agent)
    }
    // One of an earlier version may still be good for a while, and there is none better.
    if (!copy) throw notFound(`Seal it to this agent: dray connection seal ${row.id}`)
    return { connection: row.id, version: copy.version, envelope: copy.envelope }
  })
}

async function find(scope: Scope, id: string): Promise<ConnectionRow> {
  const row = await new Connections(scope).find(id)
  const hint = 'See dray connection list for those that there are.'
  if (!row) throw new Refusal(404, 'not-found', `there is no connection ${id}`, hint)
  return row
}

const viewIn = async (scope: Scope, row: ConnectionRow) => (await viewsIn(scope, [row]))[0]!

export async function viewsIn(scope: Scope, rows: readonly ConnectionRow[]): Promise<ConnectionView[]> {
  if (rows.every(({ secretVersion }) => secretVersion === 0)) return rows.map((row) => viewOf(row, []))
  const connections = new Connections(scope)
  const [copies, agents] = await Promise.all([connections.allCopies(), connections.agents()])
  const revoked = new Set(agents.filter((agent) => agent.revokedAt !== null).map(({ id }) => id))
  return rows.map((row) => {
    const lost = copies.filter(
      (copy) => copy.connection === row.id && copy.version === row.secretVersion && revoked.has(copy.agent),
    )
    return viewOf(row, lost.map(({ agent }) => agent).sort())
  })
}

async function keepSealed(
  scope: Scope,
  row: ConnectionRow,
  { version, copies }: { version: number; copies: { agent: string; envelope: string }[] },
): Promise<void> {
  if (row.credential.kind !== 'sealed') {
    const hint = `Make it one that has: dray connection edit ${row.id} --sealed`
    throw new Refusal(409, 'config', `the connection ${row.id} has no sealed secret`, hint)
  }
  const connections = new Connections(scope)
  const known = new Map((await connections.agents()).map((agent) => [agent.id, agent]))
  for (const { agent } of copies) {
    const its = known.get(agent)
    if (its && isFor(row, its.site) && its.revokedAt === null) continue
    const why = !its ? 'is unknown' : isFor(row, its.site) ? 'is revoked' : `is at site ${its.site}`
    throw new Refusal(409, 'config', `a secret of ${row.id} is not for the agent ${agent}: it ${why}`)
  }
  const stale = () =>
    new Refusal(
      409,
      'stale',
      `the secret of ${row.id} has version ${row.secretVersion}: the next one is ${row.secretVersion + 1}`,
      'Somebody else sealed one meanwhile; look at it, and seal again.',
    )
  const isNext = version === row.secretVersion + 1
  if (!isNext && (version !== row.secretVersion || version === 0)) throw stale()
  if (isNext && !(await connections.beginVersion(row))) throw stale()
  await connections.keep(row.id, version, copies, scope.actor.name, Date.now())
}

async function statusOf(env: Env, scope: Scope, row: ConnectionRow): Promise<ConnectionStatus> {
  const connections = new Connections(scope)
  const [agents, copies, connected] = await Promise.all([
    connections.agents(),
    connections.copies(row.id),
    env.FLEET.getByName(scope.workspace).connected(),
  ])
  const there = new Set(connected)
  const copyOf = new Map(copies.map((copy) => [copy.agent, copy]))
  const holders = agents.flatMap((agent): Holder[] => {
    const copy = copyOf.get(agent.id)
    const isCurrent = copy?.version === row.secretVersion
    const isRevoked = agent.revokedAt !== null
    if (isRevoked ? !isCurrent : !isFor(row, agent.site) && !copy) return []
    const secret = isRevoked ? 'lost' : isCurrent ? 'current' : copy ? 'old' : 'missing'
    const { id, site } = agent
    const sealed = { sealedBy: copy?.sealedBy ?? null, sealedAt: copy?.sealedAt ?? null }
    return [{ agent: id, site, connected: there.has(id), secret, ...sealed }]
  })
  return { connection: row.id, secretVersion: row.secretVersion, agents: holders }
}
