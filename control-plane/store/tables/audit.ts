/** Who did what; and what was answered to requests that may come twice. */
import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'

/** Only ever appended to: triggers refuse anything else (see its migration), but the deletion of the whole workspace. */
export const audit = sqliteTable(
  'audit',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    /** No reference: the record outlives what it is about. */
    workspaceId: text('workspace_id').notNull(),
    at: integer().notNull(),
    actorKind: text('actor_kind').notNull(),
    actorId: text('actor_id').notNull(),
    actorName: text('actor_name').notNull(),
    /** The caller's address; null where there is none. */
    address: text(),
    action: text().notNull(),
    subject: text().notNull(),
    before: text({ mode: 'json' }).$type<unknown>(),
    after: text({ mode: 'json' }).$type<unknown>(),
  },
  (table) => [index('audit_newest').on(table.workspaceId, table.id)],
)

/** Answers of requests with an `Idempotency-Key`, for a day. */
export const idempotency = sqliteTable(
  'idempotency',
  {
    workspaceId: text('workspace_id').notNull(),
    caller: text().notNull(),
    key: text().notNull(),
    /** Of method, path and body. */
    digest: text().notNull(),
    at: integer().notNull(),
    /** 0 while it is worked on. */
    status: integer().notNull(),
    /** Null where there was none, or where it held a secret. */
    body: text(),
    etag: text(),
  },
  (table) => [
    primaryKey({ columns: [table.workspaceId, table.caller, table.key] }),
    index('idempotency_oldest').on(table.at),
  ],
)
