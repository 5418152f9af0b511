/** Schedules. The catalogue has them; the workspace's `Timetable` starts what they say, and is told of each change. */
import { and, asc, eq, gt } from 'drizzle-orm'
import {
  deleteSchedule,
  listSchedules,
  type NewSchedule,
  putSchedule,
  readSchedule,
  type ScheduleView,
} from '../../shared/api/schedules.ts'
import { nextTimes } from '../../shared/cron.ts'
import { passOptions } from '../../shared/policy.ts'
import type { Scope } from '../store/scope.ts'
import { schedules } from '../store/tables/schedules.ts'
import { refuseBlindDelete } from './begin-pass.ts'
import { findMigration } from './find.ts'
import { Refusal } from './problem.ts'
import { type App, changedSince, Reply, serve } from './serve.ts'

type Row = Omit<typeof schedules.$inferSelect, 'workspaceId'>

/** In a workspace: one object starts them all. */
const most = 1_000

export function scheduleRoutes(app: App): void {
  serve(app, listSchedules, async ({ scope, query: { cursor, limit } }) => {
    const where = cursor === undefined ? undefined : gt(schedules.id, cursor)
    const rows = await scope.rows(schedules, { where, orderBy: [asc(schedules.id)], limit })
    const now = Date.now()
    return {
      schedules: rows.map((row) => viewOf(row, now)),
      cursor: rows.length === limit ? rows.at(-1)!.id : null,
    }
  })

  serve(app, readSchedule, async ({ scope, params }) =>
    viewOf(await find(scope, params.schedule), Date.now()),
  )

  serve(app, putSchedule, async ({ env, scope, params: { schedule: id }, body, ifMatch }) => {
    await refuseSenseless(scope, body)
    const now = Date.now()
    const before = await scope.row(schedules, eq(schedules.id, id))
    if (ifMatch !== null && (before?.revision ?? 0) !== ifMatch) throw changedSince(`the schedule ${id}`)
    if (before === null && (await scope.count(schedules)) >= most) {
      throw new Refusal(409, 'busy', `there are ${most} schedules already`, 'Delete one that is not needed.')
    }
    const row: Row = {
      ...{ id, ...body, createdAt: before?.createdAt ?? now, updatedAt: now },
      ...{ revision: (before?.revision ?? 0) + 1, last: before?.last ?? null },
    }
    const [written] = await scope.write(
      before === null
        ? scope.insert(schedules, row, { is: 'nothing' })
        : scope.update(schedules, row, is(before)),
      {
        action: before === null ? 'schedule.create' : 'schedule.edit',
        subject: `schedule/${id}`,
        before: before === null ? undefined : said(before),
        after: body,
      },
    )
    if (!written) throw changedSince(`the schedule ${id}`)
    await env.TIMETABLE.getByName(scope.workspace).changed()
    return new Reply(viewOf(row, now), before === null ? 201 : 200)
  })

  serve(app, deleteSchedule, async ({ env, scope, params: { schedule: id }, ifMatch }) => {
    const row = await find(scope, id)
    if (ifMatch !== null && row.revision !== ifMatch) throw changedSince(`the schedule ${id}`)
    const entry = { action: 'schedule.delete', subject: `schedule/${id}`, before: said(row) }
    const [gone] = await scope.write(scope.remove(schedules, is(row)), entry)
    if (!gone) throw changedSince(`the schedule ${id}`)
    await env.TIMETABLE.getByName(scope.workspace).changed()
    return undefined
  })
}

const is = ({ id, revision }: Row) => and(eq(schedules.id, id), eq(schedules.revision, revision))

const said = ({ migration, cron, zone, options, enabled }: Row): NewSchedule => ({
  ...{ migration, cron, zone, options, enabled },
})

async function find(scope: Scope, id: string): Promise<Row> {
  const row = await scope.row(schedules, eq(schedules.id, id))
  if (!row)
    throw new Refusal(
      404,
      'not-found',
      `there is no schedule ${id}`,
      'See those that there are: dray schedule list.',
    )
  return row
}

/** What would never start a pass. */
async function refuseSenseless(scope: Scope, { migration, cron, zone, options }: NewSchedule): Promise<void> {
  const known = await findMigration(scope, migration).catch((error) => {
    throw error instanceof Refusal && error.status === 404
      ? new Refusal(400, 'usage', error.message, 'Create the migration first.')
      : error
  })
  refuseBlindDelete(known, passOptions(known.policy, options))
  try {
    if (nextTimes(cron, zone, Date.now(), 1).length > 0) return
  } catch (error) {
    throw new Refusal(
      400,
      'usage',
      `cron: ${(error as Error).message}`,
      'Give minute, hour, day of the month, month and day of the week: "0 3 * * 1-5".',
    )
  }
  throw new Refusal(400, 'usage', `cron: ${cron} is never due`, 'Give a day that there is.')
}

const viewOf = (row: Row, now: number): ScheduleView => {
  const { id, createdAt, updatedAt, revision, last, cron, zone, enabled } = row
  const next = enabled ? nextTimes(cron, zone, now, 3) : []
  return { id, ...said(row), next, last, createdAt, updatedAt, revision }
}
