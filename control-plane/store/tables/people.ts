/**
 * People, how they sign in, and where they are members. Property names are those of better-auth's models (access/auth.ts), whose tables these
 * are, but for members and invitations, which are a workspace's.
 */
import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import type { Role } from '../../../shared/api/scopes.ts'
import { workspaceId } from './workspaces.ts'

const time = (name: string) => integer(name, { mode: 'timestamp_ms' })
const flag = (name: string) => integer(name, { mode: 'boolean' })

export const people = sqliteTable('people', {
  id: text().primaryKey(),
  name: text().notNull(),
  email: text().notNull().unique(),
  emailVerified: flag('email_verified').notNull().default(false),
  image: text(),
  twoFactorEnabled: flag('two_factor_enabled').default(false),
  createdAt: time('created_at').notNull(),
  updatedAt: time('updated_at').notNull(),
})

const personId = () =>
  text('user_id')
    .notNull()
    .references(() => people.id, { onDelete: 'cascade' })

/** How somebody signed in. `password` alone, and `entry` (a set-up link or an invitation), open nothing but the enrolment of more. */
export const methods = ['passkey', 'second-factor', 'oidc', 'device', 'password', 'entry'] as const
export type Method = (typeof methods)[number]

export const sessions = sqliteTable(
  'sessions',
  {
    id: text().primaryKey(),
    userId: personId(),
    /** Opens nothing by itself: a cookie or a bearer has it with a signature by DRAY_AUTH_SECRET. */
    token: text().notNull().unique(),
    method: text().$type<Method>().notNull(),
    ipAddress: text('ip_address'),
    userAgent: text('user_agent'),
    expiresAt: time('expires_at').notNull(),
    createdAt: time('created_at').notNull(),
    updatedAt: time('updated_at').notNull(),
  },
  (table) => [index('sessions_of').on(table.userId)],
)

/** A password (`credential`), or who somebody is to an OIDC provider. Its tokens are never kept. */
export const accounts = sqliteTable(
  'accounts',
  {
    id: text().primaryKey(),
    userId: personId(),
    accountId: text('account_id').notNull(),
    providerId: text('provider_id').notNull(),
    issuer: text(),
    accessToken: text('access_token'),
    refreshToken: text('refresh_token'),
    idToken: text('id_token'),
    accessTokenExpiresAt: time('access_token_expires_at'),
    refreshTokenExpiresAt: time('refresh_token_expires_at'),
    scope: text(),
    /** scrypt. */
    password: text(),
    createdAt: time('created_at').notNull(),
    updatedAt: time('updated_at').notNull(),
  },
  (table) => [index('accounts_of').on(table.userId)],
)

/** What a sign-in remembers between its steps, for minutes. */
export const verifications = sqliteTable(
  'verifications',
  {
    id: text().primaryKey(),
    /** Hashed. */
    identifier: text().notNull(),
    value: text().notNull(),
    expiresAt: time('expires_at').notNull(),
    createdAt: time('created_at').notNull(),
    updatedAt: time('updated_at').notNull(),
  },
  (table) => [index('verifications_by').on(table.identifier)],
)

export const passkeys = sqliteTable(
  'passkeys',
  {
    id: text().primaryKey(),
    userId: personId(),
    name: text(),
    publicKey: text('public_key').notNull(),
    credentialID: text('credential_id').notNull(),
    counter: integer().notNull(),
    deviceType: text('device_type').notNull(),
    backedUp: flag('backed_up').notNull(),
    transports: text(),
    aaguid: text(),
    createdAt: time('created_at'),
  },
  (table) => [index('passkeys_of').on(table.userId), index('passkeys_by').on(table.credentialID)],
)

/** Secret and backup codes are encrypted with DRAY_AUTH_SECRET. */
export const secondFactors = sqliteTable(
  'second_factors',
  {
    id: text().primaryKey(),
    userId: personId(),
    secret: text().notNull(),
    backupCodes: text('backup_codes').notNull(),
    verified: flag('verified').default(true),
    failedVerificationCount: integer('failed_verification_count').default(0),
    lockedUntil: time('locked_until'),
  },
  (table) => [index('second_factors_of').on(table.userId)],
)

/** Of `dray login`, until it has its session: ten minutes at most. */
export const deviceCodes = sqliteTable('device_codes', {
  id: text().primaryKey(),
  deviceCode: text('device_code').notNull().unique(),
  userCode: text('user_code').notNull().unique(),
  userId: text('user_id'),
  status: text().notNull(),
  clientId: text('client_id'),
  scope: text(),
  pollingInterval: integer('polling_interval'),
  lastPolledAt: time('last_polled_at'),
  expiresAt: time('expires_at').notNull(),
})

/** How often an address tried to sign in. */
export const attempts = sqliteTable('sign_in_attempts', {
  id: text().primaryKey(),
  key: text().notNull().unique(),
  count: integer().notNull(),
  lastRequest: integer('last_request').notNull(),
})

/** API tokens, by their SHA-256. */
export const tokens = sqliteTable(
  'tokens',
  {
    id: text().primaryKey(),
    workspaceId: workspaceId(),
    name: text(),
    /** Its first characters, to know it by. */
    start: text(),
    prefix: text(),
    key: text().notNull().unique(),
    /** `{"dray": Scope[]}`. */
    permissions: text(),
    /** The person whose rights bound it; null where the machine's own operator made it. */
    makerId: text('maker_id').references(() => people.id, { onDelete: 'cascade' }),
    makerName: text('maker_name'),
    enabled: flag('enabled').default(true),
    expiresAt: time('expires_at'),
    /** Of its last use, almost: the last that was written. */
    lastRequest: time('last_request'),
    configId: text('config_id').notNull().default('default'),
    refillInterval: integer('refill_interval'),
    refillAmount: integer('refill_amount'),
    lastRefillAt: time('last_refill_at'),
    rateLimitEnabled: flag('rate_limit_enabled'),
    rateLimitTimeWindow: integer('rate_limit_time_window'),
    rateLimitMax: integer('rate_limit_max'),
    requestCount: integer('request_count'),
    remaining: integer(),
    metadata: text(),
    createdAt: time('created_at').notNull(),
    updatedAt: time('updated_at').notNull(),
  },
  (table) => [index('tokens_of').on(table.workspaceId, table.createdAt)],
)

export const members = sqliteTable(
  'members',
  {
    workspaceId: workspaceId(),
    personId: personId(),
    role: text().$type<Role>().notNull(),
    revision: integer().notNull().default(1),
    createdAt: integer('created_at').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.workspaceId, table.personId] }),
    index('members_of').on(table.personId),
  ],
)

/** Open ones: an invitation that was accepted or withdrawn is gone, and the audit log tells of it. */
export const invitations = sqliteTable(
  'invitations',
  {
    workspaceId: workspaceId(),
    id: text().notNull().unique(),
    /** In lower case. */
    email: text().notNull(),
    role: text().$type<Role>().notNull(),
    /** SHA-256 of what the link holds, in hexadecimal digits. */
    secretHash: text('secret_hash').notNull(),
    inviterName: text('inviter_name').notNull(),
    createdAt: integer('created_at').notNull(),
    expiresAt: integer('expires_at').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.workspaceId, table.id] }),
    index('invitations_to').on(table.email),
  ],
)
