import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { workspaceId } from './workspaces.ts'

export const agents = sqliteTable(
  'agents',
  {
    workspaceId: workspaceId(),
    id: text().notNull(),
    host: text().notNull(),
    site: text().notNull(),
    version: text().notNull(),
    /** When it last connected or disconnected. */
    seenAt: integer('seen_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.workspaceId, table.id] })],
)
