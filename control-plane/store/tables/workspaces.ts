/** The tenants. */
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'

export const workspaces = sqliteTable('workspaces', {
  id: text().primaryKey(),
  name: text().notNull(),
  revision: integer().notNull().default(1),
  createdAt: integer('created_at').notNull(),
})

/** Of a table whose rows belong to workspaces. */
export const workspaceId = () =>
  text('workspace_id')
    .notNull()
    .references(() => workspaces.id)
