/**
 * Tickets to watch this migration with, or to download a file of it: each good once, for 30 seconds, for whoever asked for it. Their secrets are kept as hashes, and in
 * storage, since the object may sleep between the two calls.
 */
import * as z from 'zod'
import { scopeSchema } from '../shared/api/scopes.ts'
import { randomText, sha256 } from '../shared/octets.ts'
import type { Caller } from './access/caller.ts'

const lifetimeMs = 30_000
/** Open at one time. */
const most = 1_000

/** As `Caller`, of those who may watch. */
const callerSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('machine') }),
  z.object({
    kind: z.literal('person'),
    ...{ id: z.string(), name: z.string(), email: z.string(), session: z.string() },
    roles: z.record(z.string(), z.enum(['viewer', 'operator', 'admin', 'owner'])),
    mustEnrol: z.boolean(),
  }),
  z.object({
    kind: z.literal('token'),
    ...{ id: z.string(), name: z.string(), workspace: z.string(), maker: z.string().nullable() },
    scopes: z.array(scopeSchema),
  }),
])
export type Watcher = z.infer<typeof callerSchema>

export const watcherOf = (caller: Caller): Watcher => callerSchema.parse(caller)

export class Tickets {
  readonly #sql: SqlStorage

  constructor(sql: SqlStorage) {
    this.#sql = sql
    sql.exec(
      'CREATE TABLE IF NOT EXISTS ticket (hash TEXT PRIMARY KEY, caller TEXT NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID',
    )
  }

  async issue(caller: Watcher, now: number): Promise<{ ticket: string; expiresAt: number }> {
    this.#sql.exec('DELETE FROM ticket WHERE expires <= ?', now)
    const { n } = this.#sql.exec<{ n: number }>('SELECT COUNT(*) AS n FROM ticket').one()
    if (n >= most) this.#sql.exec('DELETE FROM ticket')
    const ticket = randomText(32)
    const expiresAt = now + lifetimeMs
    const hash = await sha256(ticket)
    this.#sql.exec('INSERT INTO ticket VALUES (?, ?, ?)', hash, JSON.stringify(caller), expiresAt)
    return { ticket, expiresAt }
  }

  /** Whose it is; null where it is none, or no more. */
  async redeem(ticket: string, now: number): Promise<Watcher | null> {
    const hash = await sha256(ticket)
    const [row] = this.#sql
      .exec<{ caller: string; expires: number }>('DELETE FROM ticket WHERE hash = ? RETURNING *', hash)
      .toArray()
    return row && row.expires > now ? callerSchema.parse(JSON.parse(row.caller)) : null
  }
}
