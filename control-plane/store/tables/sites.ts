/** Sites, their agents, and the tokens by which agents join them. */
import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import type { Certificate } from '../../../shared/identity/certificate.ts'
import type { Facts } from '../../../shared/protocol.ts'
import { workspaceId } from './workspaces.ts'

export const sites = sqliteTable(
  'sites',
  {
    workspaceId: workspaceId(),
    id: text().notNull(),
    region: text().notNull().default(''),
    labels: text({ mode: 'json' }).$type<Record<string, string>>().notNull().default({}),
    /** Public half of the key that certifies its agents; null before its first agent has made it. */
    rootKey: text('root_key'),
    createdAt: integer('created_at').notNull(),
    revision: integer().notNull().default(1),
  },
  (table) => [primaryKey({ columns: [table.workspaceId, table.id] })],
)

export const agents = sqliteTable(
  'agents',
  {
    workspaceId: workspaceId(),
    id: text().notNull(),
    site: text().notNull(),
    /** Its public keys: Ed25519 and X25519. */
    signing: text().notNull(),
    sealing: text().notNull(),
    /** Null until the site's root has certified the keys. */
    certificate: text({ mode: 'json' }).$type<Certificate>(),
    /** As it last told; null before it first connected. */
    facts: text({ mode: 'json' }).$type<Facts>(),
    /** From which it last connected; null where the platform tells none. */
    address: text(),
    enrolledAt: integer('enrolled_at').notNull(),
    /** When it last connected or disconnected; null before the first time. */
    seenAt: integer('seen_at'),
    /** When two processes last had its identity at once. */
    twinAt: integer('twin_at'),
    revokedAt: integer('revoked_at'),
  },
  (table) => [
    primaryKey({ columns: [table.workspaceId, table.id] }),
    index('agents_of_site').on(table.workspaceId, table.site),
  ],
)

export const joinTokens = sqliteTable(
  'join_tokens',
  {
    workspaceId: workspaceId(),
    id: text().notNull(),
    site: text().notNull(),
    /** SHA-256 of the token, which is not kept. */
    digest: text().notNull(),
    uses: integer().notNull(),
    used: integer().notNull().default(0),
    createdAt: integer('created_at').notNull(),
    createdBy: text('created_by').notNull(),
    expiresAt: integer('expires_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.workspaceId, table.id] })],
)
