/** Who is told of what. What was delivered is the workspace's `Courier`'s. */
import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import type { EventType } from '../../../shared/api/webhook-events.ts'
import { workspaceId } from './workspaces.ts'

export const webhooks = sqliteTable(
  'webhooks',
  {
    workspaceId: workspaceId(),
    id: text().notNull(),
    /** What may be shown of where it is. */
    address: text().notNull(),
    /** Its address and its signing secrets, encrypted (control-plane/webhooks/secret.ts). */
    sealed: text().notNull(),
    /** None means all. */
    events: text({ mode: 'json' }).$type<EventType[]>().notNull(),
    format: text({ enum: ['dray', 'slack'] }).notNull(),
    disabled: integer({ mode: 'boolean' }).notNull(),
    createdAt: integer('created_at').notNull(),
    revision: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.workspaceId, table.id] })],
)
