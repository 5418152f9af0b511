/**
 * Whom an object lets in: agents whom the Worker has recognised by their signature, each signature once, and nobody who was shut out. Both are
 * kept in the object, so that neither its sleep nor a request that was on its way opens the door again.
 */
import * as z from 'zod'
import { maxSkewMs } from '../shared/identity/signature.ts'
import { problem, Refusal } from './routes/problem.ts'

const visitorSchema = z.object({
  agent: z.string(),
  site: z.string(),
  /** From which it comes; null where the platform tells none. */
  address: z.string().nullable(),
  nonce: z.string(),
})
/** Who the Worker says is there. Only the Worker reaches the objects. */
export type Visitor = z.infer<typeof visitorSchema>

const header = 'dray-visitor'

/** The request of an agent as its object gets it: who it is takes the place of how it proved that. */
export const announced = (request: Request, visitor: Visitor): Request =>
  new Request(request.url, { headers: { upgrade: 'websocket', [header]: JSON.stringify(visitor) } })

export class Door {
  readonly #sql: SqlStorage

  constructor(sql: SqlStorage) {
    this.#sql = sql
    sql.exec('CREATE TABLE IF NOT EXISTS nonce (nonce TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID')
    sql.exec('CREATE TABLE IF NOT EXISTS shut_out (agent TEXT PRIMARY KEY) WITHOUT ROWID')
  }

  /** Null where it is not let in: then the answer says why. */
  admit(request: Request, now: number): Visitor | Response {
    const visitor = visitorSchema.parse(JSON.parse(request.headers.get(header) ?? 'null'))
    if (this.isShutOut(visitor.agent)) {
      return problem(new Refusal(410, 'access-denied', 'this agent is revoked'))
    }
    // The Worker lets no signature in that is further off than this, in either direction.
    this.#sql.exec('DELETE FROM nonce WHERE at < ?', now - 2 * maxSkewMs)
    const { rowsWritten } = this.#sql.exec('INSERT OR IGNORE INTO nonce VALUES (?, ?)', visitor.nonce, now)
    return rowsWritten > 0
      ? visitor
      : problem(new Refusal(401, 'bad-credentials', 'this request was made before'))
  }

  isShutOut(agent: string): boolean {
    return this.#sql.exec('SELECT 1 FROM shut_out WHERE agent = ?', agent).toArray().length > 0
  }

  /** For good. */
  shutOut(agent: string): void {
    this.#sql.exec('INSERT OR IGNORE INTO shut_out VALUES (?)', agent)
  }
}
