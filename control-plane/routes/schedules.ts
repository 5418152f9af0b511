/** Schedules. The catalogue has them; the workspace's `Timetable` starts what they say, and is told of each change. */
import { and, asc, eq, gt, ne } from 'drizzle-orm'
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
import { closedBy, nextOpen, nextStart, nextStarts } from '../core/open-hours.ts'
import type { Scope } from '../store/scope.ts'
import { isDone, schedules, setIn } from '../store/tables/schedules.ts'
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
    const now = Date.now()
    const before = await scope.row(schedules, eq(schedules.id, id))
    await refuseSenseless(scope, body, before, now)
    if (ifMatch !== null && (before?.revision ?? 0) !== ifMatch) throw changedSince(`the schedule ${id}`)
    if (before === null && (await scope.count(schedules)) >= most) {
      throw new Refusal(409, 'busy', `there are ${most} schedules already`, 'Delete one that is not needed.')
    }
    const row: Row = {
      ...{ id, ...body, cron: body.cron ?? '', createdAt: before?.createdAt ?? now, updatedAt: now },
      ...{ revision: (before?.revision ?? 0) + 1, last: before?.last ?? null },
    }
    const [written] = await scope.write(
      before === null
        ? scope.insert(schedules, row, { is: 'nothing' })
        : scope.update(schedules, row, is(before)),
      {
        action: before === null ? 'schedule.create' : 'schedule.edit',
        subject: `schedule/${id}`,
        before: before === null ? undefined : setIn(before),
        after: body,
      },
    )
    if (!written) throw changedSince(`the schedule ${id}`)
    await env.TIMETABLE.getByName(scope.workspace).changed()
    const view = { ...viewOf(row, now), collides: await collisions(scope, row, now) }
    return new Reply(view, before === null ? 201 : 200)
  })

  serve(app, deleteSchedule, async ({ env, scope, params: { schedule: id }, ifMatch }) => {
    const row = await find(scope, id)
    if (ifMatch !== null && row.revision !== ifMatch) throw changedSince(`the schedule ${id}`)
    const entry = { action: 'schedule.delete', subject: `schedule/${id}`, before: setIn(row) }
    const [gone] = await scope.write(scope.remove(schedules, is(row)), entry)
    if (!gone) throw changedSince(`the schedule ${id}`)
    await env.TIMETABLE.getByName(scope.workspace).changed()
    return undefined
  })
}

const is = ({ id, revision }: Row) => and(eq(schedules.id, id), eq(schedules.revision, revision))

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

/** What would never start anything. */
async function refuseSenseless(
  scope: Scope,
  schedule: NewSchedule,
  before: Row | null,
  now: number,
): Promise<void> {
  const { migration, options } = schedule
  const known = await findMigration(scope, migration).catch((error) => {
    throw error instanceof Refusal && error.status === 404
      ? new Refusal(400, 'usage', error.message, 'Create the migration first.')
      : error
  })
  refuseBlindDelete(known, passOptions(known.policy, options))
  if (schedule.at !== null) refusePast(schedule, before, now)
  else refuseNever(schedule, now)
}

function refusePast(schedule: NewSchedule, before: Row | null, now: number): void {
  const { at } = schedule
  const moment = Date.parse(at!)
  // What is done may be kept, and edited.
  if (moment <= now && !(before?.at === at && isDone(before)))
    throw new Refusal(400, 'usage', `at: ${at} is in the past`, 'Give a moment that is to come.')
  const closed = moment > now ? closedBy(schedule, moment) : null
  if (closed === null) return
  const why = closed === 'window' ? 'is outside its window' : 'is on a day of its blackouts'
  throw new Refusal(400, 'usage', `at: ${at} ${why}`, 'Give another moment, or other hours.')
}

function refuseNever(schedule: NewSchedule, now: number): void {
  const { cron, zone } = schedule
  let next: number | undefined
  try {
    next = nextTimes(cron!, zone, now, 1)[0]
  } catch (error) {
    throw new Refusal(
      400,
      'usage',
      `cron: ${(error as Error).message}`,
      'Give minute, hour, day of the month, month and day of the week: "0 3 * * 1-5".',
    )
  }
  if (next === undefined)
    throw new Refusal(400, 'usage', `cron: ${cron} is never due`, 'Give a day that there is.')
  if (nextStart(schedule, now) !== null) return
  throw new Refusal(
    400,
    'usage',
    `cron: ${cron} is never due while its window is open, and no blackout is`,
    'Give a time within the window.',
  )
}

/** Of those that are compared. */
const times = 10

async function collisions(
  scope: Scope,
  row: Row,
  now: number,
): Promise<NonNullable<ScheduleView['collides']>> {
  if (!row.enabled || isDone(row)) return []
  const mine = new Set(nextStarts(setIn(row), now, times))
  const where = and(
    eq(schedules.migration, row.migration),
    eq(schedules.enabled, true),
    ne(schedules.id, row.id),
  )
  const others = await scope.rows(schedules, { where, orderBy: [asc(schedules.id)], limit: 50 })
  return others.flatMap((other) => {
    const at = isDone(other) ? undefined : nextStarts(setIn(other), now, times).find((time) => mine.has(time))
    return at === undefined ? [] : [{ schedule: other.id, at }]
  })
}

function viewOf(row: Row, now: number): ScheduleView {
  const { id, createdAt, updatedAt, revision, last } = row
  const schedule = setIn(row)
  const isOpen = !row.enabled || closedBy(schedule, now) === null
  return {
    ...{ id, ...schedule },
    next: row.enabled && !isDone(row) ? nextStarts(schedule, now, 3) : [],
    closedUntil: isOpen ? null : nextOpen(schedule, now),
    ...{ last, createdAt, updatedAt, revision },
  }
}
