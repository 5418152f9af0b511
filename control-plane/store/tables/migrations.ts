import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import type { PassStatus } from '../../../shared/api/migrations.ts'
import type { Follow, LifeBrief } from '../../../shared/life.ts'
import type { Location } from '../../../shared/location.ts'
import type { Manifest, Mapping } from '../../../shared/mapping.ts'
import type { Filter, Policy, Priority } from '../../../shared/policy.ts'
import { workspaceId } from './workspaces.ts'

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
    priority: text().$type<Priority>().notNull().default('normal'),
    policy: text({ mode: 'json' }).$type<Policy>().notNull().default({}),
    /** How it follows; what is left out is as usual. */
    follow: text({ mode: 'json' }).$type<Partial<Follow>>().notNull().default({}),
    /** Of what can be edited. */
    revision: integer().notNull().default(1),
    /** The last pass as its object last told; null before the first. */
    pass: text({ mode: 'json' }).$type<PassStatus>(),
    /** The same of its life; null where that was never begun. */
    life: text({ mode: 'json' }).$type<LifeBrief>(),
  },
  (table) => [
    primaryKey({ columns: [table.workspaceId, table.id] }),
    index('migrations_newest').on(table.workspaceId, table.createdAt),
  ],
)
