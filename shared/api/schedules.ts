/** Schedules: when passes of a migration begin by themselves. */
import * as z from 'zod'
import { idSchema } from '../id.ts'
import { days, isZone, minutesOf, timeOfDay } from '../limit.ts'
import { givenOptionsSchema } from '../policy.ts'
import { cursorSchema, pageQuery, revisionSchema, route } from './route.ts'

/** A date on the calendar, such as 2026-12-24. */
const date = /^\d{4}-\d{2}-\d{2}$/
const isDate = (text: string) => date.test(text) && new Date(`${text}T00:00Z`).toJSON()?.startsWith(text)

/** `2026-12-24`, or `2026-12-24..2026-12-26`, both days included. */
export const blackoutSchema = z
  .string()
  .max(30)
  .refine((text) => blackoutDates(text) !== null, 'a date such as 2026-12-24, or two: 2026-12-24..2026-12-26')
  .refine((text) => {
    const { first, last } = blackoutDates(text) ?? { first: '', last: '' }
    return first <= last
  }, 'ends before it begins')

/** The first and the last day of a blackout; null where it is none. */
export function blackoutDates(text: string): { first: string; last: string } | null {
  const [first = '', last = first, ...more] = text.split('..')
  return isDate(first) && isDate(last) && more.length === 0 ? { first, last } : null
}

/**
 * Hours in which what the schedule has started may run, by the clocks on the wall; `to` before `from` means the next day, and the window
 * belongs to the day on which it begins. Clocks that are changed tear none in two.
 */
export const windowSchema = z
  .strictObject({
    from: timeOfDay,
    to: timeOfDay,
    days: z
      .array(z.enum(days))
      .min(1)
      .max(7)
      .default([...days]),
  })
  .refine(({ from }) => from !== '24:00', { path: ['from'], message: 'at 24:00 begins the next day: 00:00' })
  .refine(
    ({ from, to }) => minutesOf(from)! !== minutesOf(to)! % 1440 || (from === '00:00' && to === '24:00'),
    {
      path: ['to'],
      message: 'a window lasts a minute at least: it ends at another time than it begins',
    },
  )
export type Window = z.infer<typeof windowSchema>

export const mostBlackouts = 100

const shape = {
  migration: idSchema,
  /** What it starts: a pass, as `options` say, a verification among them; or the migration's life (backfill, and then follow). */
  starts: z.enum(['pass', 'life']),
  /**
   * Minute, hour, day of the month, month, day of the week; names (`mon`, `jan`), lists, ranges, steps, `L` for the last day. An hour
   * that the clock leaves out in spring runs right after it, one that it has twice in autumn runs once. Null: it is due `at` a moment.
   */
  cron: z
    .string()
    .max(200)
    .regex(/^\s*\S+(\s+\S+){4}\s*$/, 'five fields: minute, hour, day of the month, month, day of the week')
    .nullable(),
  /** Once, at this moment: ISO 8601 with an offset, or Z. It is kept when it is done. */
  at: z.iso.datetime({ offset: true, error: 'a moment such as 2026-12-01T22:00:00+01:00' }).nullable(),
  /** An IANA name: what the clocks on the wall say there. */
  zone: z.string().max(64).refine(isZone, 'the IANA name of a time zone, such as Europe/Berlin'),
  /** What it has started is paused when this ends, and goes on when it begins again; and nothing is started outside. Null: any hour. */
  window: windowSchema.nullable(),
  /** Days, there, on which nothing is started, and whatever runs of the migration is paused. */
  blackouts: z.array(blackoutSchema).max(mostBlackouts),
  /** Of its passes; what is left out is as the migration's policy says. */
  options: givenOptionsSchema,
  enabled: z.boolean(),
}

export const newScheduleSchema = z
  .strictObject({
    ...shape,
    starts: shape.starts.default('pass'),
    cron: shape.cron.default(null),
    at: shape.at.default(null),
    zone: shape.zone.default('UTC'),
    window: shape.window.default(null),
    blackouts: shape.blackouts.default([]),
    options: shape.options.default({}),
    enabled: shape.enabled.default(true),
  })
  .refine(({ cron, at }) => (cron === null) !== (at === null), {
    path: ['cron'],
    message: 'it is due either again and again (cron) or once (at)',
  })
  .refine(({ starts, options }) => starts === 'pass' || Object.keys(options).length === 0, {
    path: ['options'],
    message: 'the passes of a life do what the migration’s policy says',
  })
export type NewSchedule = z.infer<typeof newScheduleSchema>

/** What was set, of all that is known of a schedule. */
export const asSet = ({ migration, starts, cron, at, ...more }: NewSchedule): NewSchedule => {
  const { zone, window, blackouts, options, enabled } = more
  return { migration, starts, cron, at, zone, window, blackouts, options, enabled }
}

/** `skipped`: a pass was still running, or the life goes on already. `failed`: none could be started, and the message says why. */
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
  /** The next three times, in ms since the epoch, without those at which nothing is started; none while it is not enabled, or done. */
  next: z.array(z.number().int()),
  /** Whether it holds what runs paused now: its window is over, or it is a day of a blackout. Until when (ms); null: it does not. */
  closedUntil: z.number().int().nullable(),
  /** Others of the migration that are due at the same time as this one, at one of the next ten: told when it is set. */
  collides: z.array(z.object({ schedule: idSchema, at: z.number().int() })).optional(),
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
