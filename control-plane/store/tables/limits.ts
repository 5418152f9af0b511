/** What endpoints may be used for. Who has which share now is the workspace's `Fleet`'s. */
import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import type { Limit } from '../../../shared/limit.ts'
import { workspaceId } from './workspaces.ts'

export const limits = sqliteTable(
  'limits',
  {
    workspaceId: workspaceId(),
    /** By its one name (shared/limit.ts). */
    endpoint: text().notNull(),
    limit: text({ mode: 'json' }).$type<Limit>().notNull(),
    updatedAt: integer('updated_at').notNull(),
    revision: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.workspaceId, table.endpoint] })],
)
