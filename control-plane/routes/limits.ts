/** Limits of endpoints. The catalogue has them; the workspace's `Fleet` divides them, and is told of each change. */
import { and, asc, eq, gt } from 'drizzle-orm'
import { deleteLimit, type LimitView, listLimits, putLimit, readLimit } from '../../shared/api/limits.ts'
import type { Limit } from '../../shared/limit.ts'
import { mostLimits } from '../../shared/protocol.ts'
import { limitAt, nextChange } from '../core/limit.ts'
import type { Scope } from '../store/scope.ts'
import { limits } from '../store/tables/limits.ts'
import { Refusal } from './problem.ts'
import { type App, changedSince, Reply, serve } from './serve.ts'

type Row = Omit<typeof limits.$inferSelect, 'workspaceId'>

export function limitRoutes(app: App): void {
  serve(app, listLimits, async ({ scope, query: { cursor, limit } }) => {
    const where = cursor === undefined ? undefined : gt(limits.endpoint, cursor)
    const rows = await scope.rows(limits, { where, orderBy: [asc(limits.endpoint)], limit })
    return { limits: rows.map(viewOf), cursor: rows.length === limit ? rows.at(-1)!.endpoint : null }
  })

  serve(app, readLimit, async ({ env, scope, params }) => {
    const row = await find(scope, params.endpoint)
    const shares = await env.FLEET.getByName(scope.workspace).shares(row.endpoint)
    return { ...viewOf(row), shares }
  })

  serve(app, putLimit, async ({ env, scope, params: { endpoint }, body, ifMatch }) => {
    const before = await scope.row(limits, eq(limits.endpoint, endpoint))
    if (ifMatch !== null && (before?.revision ?? 0) !== ifMatch)
      throw changedSince(`the limit of ${endpoint}`)
    if (before === null && (await scope.count(limits)) >= mostLimits) {
      throw new Refusal(
        409,
        'busy',
        `there are ${mostLimits} limits already`,
        'Remove one that is not needed.',
      )
    }
    const row: Row = { endpoint, limit: body, updatedAt: Date.now(), revision: (before?.revision ?? 0) + 1 }
    const [written] = await scope.write(
      before === null ? scope.insert(limits, row, { is: 'nothing' }) : scope.update(limits, row, is(before)),
      { action: 'limit.set', subject: `limit/${endpoint}`, before: before?.limit, after: body },
    )
    if (!written) throw changedSince(`the limit of ${endpoint}`)
    await env.FLEET.getByName(scope.workspace).limitsChanged()
    return new Reply(viewOf(row), before === null ? 201 : 200)
  })

  serve(app, deleteLimit, async ({ env, scope, params: { endpoint }, ifMatch }) => {
    const row = await find(scope, endpoint)
    if (ifMatch !== null && row.revision !== ifMatch) throw changedSince(`the limit of ${endpoint}`)
    const entry = { action: 'limit.remove', subject: `limit/${endpoint}`, before: row.limit }
    const [gone] = await scope.write(scope.remove(limits, is(row)), entry)
    if (!gone) throw changedSince(`the limit of ${endpoint}`)
    await env.FLEET.getByName(scope.workspace).limitsChanged()
    return undefined
  })
}

const is = (row: Row) => and(eq(limits.endpoint, row.endpoint), eq(limits.revision, row.revision))

async function find(scope: Scope, endpoint: string): Promise<Row> {
  const row = await scope.row(limits, eq(limits.endpoint, endpoint))
  if (!row) {
    throw new Refusal(
      404,
      'not-found',
      `${endpoint} has no limit`,
      'See `dray limit list` for those that have one.',
    )
  }
  return row
}

function viewOf({ endpoint, limit, updatedAt, revision }: Row): LimitView {
  const now = Date.now()
  const { bandwidth, requests, concurrency, zone, windows }: Limit = limit
  return {
    ...{ endpoint, bandwidth, requests, concurrency, zone, windows },
    ...{ now: limitAt(limit, now), nextChange: nextChange(limit, now), updatedAt, revision },
  }
}
