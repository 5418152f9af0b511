/** The catalogue: what operators configure and list. What a running pass does is its object's alone. */
import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import type { PassStatus } from '../../shared/api/migrations.ts'
import type { Location } from '../../shared/location.ts'
import type { Manifest, Mapping } from '../../shared/mapping.ts'
import type { Filter } from '../../shared/policy.ts'

export const workspaces = sqliteTable('workspaces', {
  id: text().primaryKey(),
  name: text().notNull(),
  createdAt: integer('created_at').notNull(),
})

const workspaceId = () =>
  text('workspace_id')
    .notNull()
    .references(() => workspaces.id)

export const migrations = sqliteTable(
  'migrations',
  {
    workspaceId: workspaceId(),
    id: text().notNull(),
    source: text({ mode: 'json' }).$type<Location>().notNull(),
    destination: text({ mode: 'json' }).$type<Location>().notNull(),
    filter: text({ mode: 'json' }).$type<Filter>().notNull(),
    mapping: text({ mode: 'json' }).$type<Mapping>(),
    manifest: text({ mode: 'json' }).$type<Manifest>(),
    createdAt: integer('created_at').notNull(),
    /** The last pass as its object last told; null before the first. */
    pass: text({ mode: 'json' }).$type<PassStatus>(),
  },
  (table) => [
    primaryKey({ columns: [table.workspaceId, table.id] }),
    index('migrations_newest').on(table.workspaceId, table.createdAt),
  ],
)

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
