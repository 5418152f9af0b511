/** When passes begin by themselves. When each is due next is the workspace's `Timetable`'s to know. */
import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { asSet, type LastRun, type NewSchedule, type Window } from '../../../shared/api/schedules.ts'
import type { GivenOptions } from '../../../shared/policy.ts'
import { workspaceId } from './workspaces.ts'

export const schedules = sqliteTable(
  'schedules',
  {
    workspaceId: workspaceId(),
    id: text().notNull(),
    migration: text().notNull(),
    starts: text().$type<NewSchedule['starts']>().notNull().default('pass'),
    /** Empty where it is due `at` a moment. */
    cron: text().notNull(),
    at: text(),
    zone: text().notNull(),
    window: text({ mode: 'json' }).$type<Window>(),
    blackouts: text({ mode: 'json' }).$type<string[]>().notNull().default([]),
    options: text({ mode: 'json' }).$type<GivenOptions>().notNull(),
    enabled: integer({ mode: 'boolean' }).notNull(),
    createdAt: integer('created_at').notNull(),
    updatedAt: integer('updated_at').notNull(),
    revision: integer().notNull(),
    /** What became of the last time that it was due; null before the first. */
    last: text({ mode: 'json' }).$type<LastRun>(),
  },
  (table) => [
    primaryKey({ columns: [table.workspaceId, table.id] }),
    index('schedules_of_migration').on(table.workspaceId, table.migration),
  ],
)

/** As it was set. */
export const setIn = (row: Pick<typeof schedules.$inferSelect, keyof NewSchedule>): NewSchedule =>
  asSet({ ...row, cron: row.cron || null })

/** Whether it was due once, and that has been dealt with. */
export const isDone = ({ at, last }: Pick<typeof schedules.$inferSelect, 'at' | 'last'>): boolean =>
  at !== null && last?.due === Date.parse(at)
