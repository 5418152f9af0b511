/** A workspace at a glance, of the catalogue and the fleet; no migration's object is woken for it. */
import { and, eq, isNull, sql } from 'drizzle-orm'
import type { AgentView, Doing } from '../../shared/api/agents.ts'
import type { MigrationView } from '../../shared/api/migrations.ts'
import { type Attention, type Running, readOverview } from '../../shared/api/overview.ts'
import type { Scope as Right } from '../../shared/api/scopes.ts'
import { type Caller, scopesIn } from '../access/caller.ts'
import type { Env } from '../env.ts'
import { Agents, agentView } from '../store/agents.ts'
import { Catalogue } from '../store/catalogue.ts'
import { Connections } from '../store/connections.ts'
import { migrations } from '../store/schema.ts'
import type { Scope } from '../store/scope.ts'
import { viewsIn } from './connections.ts'
import { connected } from './fleet.ts'
import { type App, serve } from './serve.ts'

const most = 50
/** Agents and connections that are looked at. */
const mostRows = 1_000
/** Passes that nobody works for and of which it is asked why. */
const mostAsked = 10
/** Ms: who is away for less comes back by itself, mostly; ms in which two processes of one identity are worth a word. */
const patienceMs = 60_000
const recentMs = 86_400_000

export function overviewRoute(app: App): void {
  serve(app, readOverview, async ({ env, scope, caller }) => {
    const now = Date.now()
    const may = (right: Right) => mayIn(caller, scope.workspace, right)
    const catalogue = new Catalogue(scope)
    const [needing, running, incomplete, latest, counts, agents, connections] = await Promise.all([
      catalogue.migrations(null, most, { needs: true }),
      catalogue.migrations(null, most, { state: 'running' }),
      catalogue.migrations(null, most, { state: 'incomplete' }),
      catalogue.migrations(null, 5),
      countsOf(scope),
      may('sites:read') ? agentsOf(env, scope) : null,
      may('connections:read')
        ? new Connections(scope).list(null, mostRows).then((rows) => viewsIn(scope, rows))
        : null,
    ])
    const doing = agents?.flatMap((agent) => agent.doing ?? []) ?? []
    const items = [
      ...needing.flatMap(ofAsking),
      ...running.flatMap(ofDeletes),
      ...(await waits(env, scope, running, doing)),
      ...incomplete.flatMap(ofIncomplete),
      ...running.flatMap(ofParked),
      ...[...running, ...incomplete].flatMap(ofConflicts),
      ...needing.flatMap(ofFailing),
      ...(agents ?? []).flatMap((agent) => ofAgent(agent, now)),
      ...(connections ?? []).flatMap(({ id, rotate }): Attention[] =>
        rotate.length === 0 ? [] : [{ ...nothing, is: 'rotate', id, count: rotate.length }],
      ),
    ]
    return {
      attention: items.slice(0, most),
      running: running.flatMap((migration) => ofRunning(migration, agents && doing)),
      migrations: counts,
      agents: agents && {
        connected: agents.filter((agent) => agent.connected).length,
        all: agents.length,
        ...sumOf(doing),
      },
      connections: connections?.length ?? null,
      latest: latest.map(({ id, pass }) => ({
        id,
        state: pass?.state ?? ('new' as const),
        at: pass ? (pass.endedAt ?? pass.startedAt) : null,
      })),
    }
  })
}

const nothing = { since: null, failed: 0, open: 0, count: 0, message: '' } as const

const mayIn = (caller: Caller, workspace: string, right: Right): boolean =>
  scopesIn(caller, workspace)?.includes(right) ?? false

async function countsOf(scope: Scope) {
  const of = (state: string) =>
    scope.count(migrations, eq(sql`json_extract(${migrations.pass}, '$.state')`, state))
  const [fresh, running, complete, incomplete, cancelled] = await Promise.all([
    scope.count(migrations, and(isNull(migrations.pass))),
    ...(['running', 'complete', 'incomplete', 'cancelled'] as const).map(of),
  ])
  return {
    ...{ new: fresh, running: running!, complete: complete! },
    ...{ incomplete: incomplete!, cancelled: cancelled! },
  }
}

async function agentsOf(env: Env, scope: Scope): Promise<AgentView[]> {
  const [rows, there] = await Promise.all([new Agents(scope).list(null, mostRows), connected(env, scope)])
  return rows.map((row) => agentView(row, there.get(row.id))).filter(({ revokedAt }) => revokedAt === null)
}

/** Those for which no agent says that it works: only the fleet knows why. */
async function waits(
  env: Env,
  { workspace }: Scope,
  running: readonly MigrationView[],
  doing: readonly Doing[],
): Promise<Attention[]> {
  const idle = running.filter(({ id, pass }) => !pass?.paused && !doing.some((one) => one.migration === id))
  const asked = idle.slice(0, mostAsked).map(async ({ id }): Promise<Attention[]> => {
    const why = await env.FLEET.getByName(workspace).waitsFor(id)
    return why ? [{ ...nothing, is: 'waits', id, message: why.message }] : []
  })
  return (await Promise.all(asked)).flat()
}

function ofAsking({ id, life, pass }: MigrationView): Attention[] {
  // That is said of the pass.
  if (!life?.asks || pass?.asks) return []
  const which = life.direction === 'forward' ? 'cut-over' : 'way back'
  const message =
    life.state === 'ready' ? `All of its ${which} holds, but for the switch.` : `A step of its ${which}.`
  return [{ ...nothing, is: 'asks', id, since: life.since, message }]
}

/** A pass that follows is soon another one, which has not found again yet what is open. */
function ofFailing({ id, life, pass }: MigrationView): Attention[] {
  const since = life?.failingSince ?? null
  const isTold = pass?.state === 'incomplete' || (pass && ofConflicts({ id, pass }).length > 0)
  return since === null || isTold ? [] : [{ ...nothing, is: 'failing', id, since }]
}

function ofDeletes({ id, pass }: MigrationView): Attention[] {
  if (!pass?.asks) return []
  const { deletes, of } = pass.asks
  return [{ ...nothing, is: 'deletes', id, count: deletes, open: of }]
}

/** Of the last pass, while any failure of it is open. */
function ofConflicts({ id, pass }: Pick<MigrationView, 'id' | 'pass'>): Attention[] {
  const found = pass?.failureCauses.find(({ code }) => code === 'conflict')
  if (!pass || !found || pass.open === 0) return []
  return [{ ...nothing, is: 'conflicts', id, since: pass.endedAt, count: found.objects }]
}

function ofIncomplete({ id, pass }: MigrationView): Attention[] {
  if (!pass) return []
  const { counts, open, packets, endedAt } = pass
  const isConflict = pass.failureCauses.length === 1 && pass.failureCauses[0]!.code === 'conflict'
  // It is told as that.
  if (isConflict && packets.parked === 0) return []
  const figures = { failed: counts.objects.failed, open, count: packets.parked }
  return [{ ...nothing, is: 'incomplete', id, since: endedAt, ...figures }]
}

function ofParked({ id, pass }: MigrationView): Attention[] {
  if (!pass || pass.packets.parked === 0) return []
  const message = pass.errors[0]?.error.message ?? ''
  return [{ ...nothing, is: 'parked', id, count: pass.packets.parked, message }]
}

function ofAgent({ id, connected, seenAt, twinAt, facts }: AgentView, now: number): Attention[] {
  if (!connected) {
    const isAway = seenAt !== null && now - seenAt > patienceMs
    return isAway ? [{ ...nothing, is: 'away', id, since: seenAt }] : []
  }
  const lost = facts?.reach.find(({ ms }) => ms === null)
  if (lost) {
    const message = `${lost.endpoint}: ${lost.error ?? 'no answer'}`
    return [{ ...nothing, is: 'blocked', id, message }]
  }
  const hadTwin = twinAt !== null && now - twinAt < recentMs
  return hadTwin ? [{ ...nothing, is: 'twin', id, since: twinAt }] : []
}

function ofRunning({ id, pass }: MigrationView, doing: readonly Doing[] | null): Running[] {
  if (!pass) return []
  const { counts, expected, surveying, paused } = pass
  const { same, copied, skipped, vanished, failed, listed } = counts.objects
  const rate = doing && sumOf(doing.filter(({ migration }) => migration === id))
  return [
    {
      id,
      done: same + copied + skipped + vanished + failed,
      all: Math.max(listed, expected.objects),
      surveying,
      paused: paused !== undefined,
      objects: rate?.objects ?? null,
      bytes: rate?.bytes ?? null,
    },
  ]
}

const sumOf = (doing: readonly Doing[]) => ({
  objects: doing.reduce((sum, one) => sum + one.objects, 0),
  bytes: doing.reduce((sum, one) => sum + one.bytes, 0),
})
