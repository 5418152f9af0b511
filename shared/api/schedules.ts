/** Schedules: when passes of a migration begin by themselves. */
import * as z from 'zod'
import { idSchema } from '../id.ts'
import { isZone } from '../limit.ts'
import { givenOptionsSchema } from '../policy.ts'
import { cursorSchema, pageQuery, revisionSchema, route } from './route.ts'

const shape = {
  migration: idSchema,
  /**
   * Minute, hour, day of the month, month, day of the week; names (`mon`, `jan`), lists, ranges, steps, `L` for the last day. An hour
   * that the clock leaves out in spring runs right after it, one that it has twice in autumn runs once.
   */
  cron: z
    .string()
    .max(200)
    .regex(/^\s*\S+(\s+\S+){4}\s*$/, 'five fields: minute, hour, day of the month, month, day of the week'),
  /** An IANA name: what the clocks on the wall say there. */
  zone: z.string().max(64).refine(isZone, 'the IANA name of a time zone, such as Europe/Berlin'),
  /** Of its passes; what is left out is as the migration's policy says. */
  options: givenOptionsSchema,
  enabled: z.boolean(),
}

export const newScheduleSchema = z.strictObject({
  ...shape,
  zone: shape.zone.default('UTC'),
  options: shape.options.default({}),
  enabled: shape.enabled.default(true),
})
export type NewSchedule = z.infer<typeof newScheduleSchema>

/** `skipped`: the pass before was still running. `failed`: none could be started, and the message says why. */
export const lastRunSchema = z.object({
  /** When it was due, and when that was noticed: later, where the control plane was away. Ms since the epoch. */
  due: z.number().int(),
  at: z.number().int(),
  outcome: z.enum(['started', 'skipped', 'failed']),
  /** That was started, or was in the way. */
  pass: z.number().int().positive().nullable(),
  message: z.string(),
})
export type LastRun = z.infer<typeof lastRunSchema>

export const scheduleSchema = z.object({
  id: idSchema,
  ...shape,
  /** The next three times, in ms since the epoch; none while it is not enabled. */
  next: z.array(z.number().int()),
  last: lastRunSchema.nullable(),
  createdAt: z.number().int(),
  updatedAt: z.number().int(),
  revision: revisionSchema,
})
export type ScheduleView = z.infer<typeof scheduleSchema>

const all = '/api/workspaces/:workspace/schedules'
const one = `${all}/:schedule` as const
const params = z.object({ schedule: idSchema })

export const listSchedules = route({
  method: 'GET',
  path: all,
  needs: 'migrations:read',
  summary: 'List the schedules, by name.',
  query: pageQuery,
  answer: z.object({ schedules: z.array(scheduleSchema), cursor: cursorSchema }),
})
export const readSchedule = route({
  method: 'GET',
  path: one,
  needs: 'migrations:read',
  summary: 'Read a schedule: when it is due next, and what became of it the last time.',
  params,
  answer: scheduleSchema,
})
export const putSchedule = route({
  method: 'PUT',
  path: one,
  needs: 'migrations:write',
  summary: 'Set a schedule, in place of the one that has this name.',
  params,
  body: newScheduleSchema,
  answer: scheduleSchema,
})
export const deleteSchedule = route({
  method: 'DELETE',
  path: one,
  needs: 'migrations:write',
  summary: 'Delete a schedule. A pass that it has started goes on.',
  params,
})
