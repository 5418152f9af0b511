/** When passes begin by themselves. When each is due next is the workspace's `Timetable`'s to know. */
import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import type { LastRun } from '../../../shared/api/schedules.ts'
import type { GivenOptions } from '../../../shared/policy.ts'
import { workspaceId } from './workspaces.ts'

export const schedules = sqliteTable(
  'schedules',
  {
    workspaceId: workspaceId(),
    id: text().notNull(),
    migration: text().notNull(),
    cron: text().notNull(),
    zone: text().notNull(),
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
