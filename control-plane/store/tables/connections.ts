/** Connections, and the sealed copies of their secrets: ciphertext that nothing here can open. */
import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import type { Credential } from '../../../shared/api/connections.ts'
import { workspaceId } from './workspaces.ts'

export const connections = sqliteTable(
  'connections',
  {
    workspaceId: workspaceId(),
    id: text().notNull(),
    kind: text().$type<'s3'>().notNull(),
    endpoint: text(),
    region: text(),
    pathStyle: integer('path_style', { mode: 'boolean' }),
    requesterPays: integer('requester_pays', { mode: 'boolean' }).notNull(),
    sites: text({ mode: 'json' }).$type<string[]>().notNull(),
    credential: text({ mode: 'json' }).$type<Credential>().notNull(),
    secretVersion: integer('secret_version').notNull(),
    revision: integer().notNull(),
    createdAt: integer('created_at').notNull(),
    updatedAt: integer('updated_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.workspaceId, table.id] })],
)

/** One for each agent that has the secret, also once it is revoked: then the secret is to be another one. */
export const sealedCopies = sqliteTable(
  'sealed_copies',
  {
    workspaceId: workspaceId(),
    connection: text().notNull(),
    agent: text().notNull(),
    /** Of the secret. */
    version: integer().notNull(),
    envelope: text().notNull(),
    sealedBy: text('sealed_by').notNull(),
    sealedAt: integer('sealed_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.workspaceId, table.connection, table.agent] })],
)
