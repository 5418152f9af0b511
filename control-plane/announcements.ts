/**
 * Events that an object has still to tell its workspace's courier. They are stored in the transaction of the fact that they tell of, and
 * removed once the courier has them: told at least once, whatever dies in between, and under one id however often.
 */
import type { WebhookEvent } from '../shared/api/webhook-events.ts'
import type { Env } from './env.ts'
import type { Write } from './schema-version.ts'

export class Announcements {
  readonly #sql: SqlStorage
  readonly #write: Write

  /** `write` counts rows, where somebody does. */
  constructor(sql: SqlStorage, write: Write = sql.exec.bind(sql)) {
    this.#sql = sql
    this.#write = write
    sql.exec('CREATE TABLE IF NOT EXISTS announcement (id INTEGER PRIMARY KEY, event TEXT NOT NULL)')
  }

  add(event: WebhookEvent): void {
    this.#write('INSERT INTO announcement (event) VALUES (?)', JSON.stringify(event))
  }

  get waiting(): boolean {
    return this.#next() !== null
  }

  /** All of them, in their order. Throws where the courier cannot be told; what it has not got stays. */
  async tell(env: Env): Promise<void> {
    for (let next = this.#next(); next; next = this.#next()) {
      await env.COURIER.getByName(next.event.workspace).accept(next.event)
      this.#write('DELETE FROM announcement WHERE id = ?', next.id)
    }
  }

  #next(): { id: number; event: WebhookEvent } | null {
    const query = 'SELECT id, event FROM announcement ORDER BY id LIMIT 1'
    const [row] = this.#sql.exec<{ id: number; event: string }>(query).toArray()
    return row ? { id: row.id, event: JSON.parse(row.event) } : null
  }
}
