/** The processes of agents that work for a migration, or did. */
import type { Row, Write } from './schema-version.ts'

/** One process of an agent; leases belong to it. */
export interface SessionRow {
  readonly id: number
  readonly agent: string
  readonly session: string
  /** When the process began (ms). */
  readonly started: number
}

export class SessionTable {
  readonly #sql: SqlStorage
  readonly #write: Write

  constructor(sql: SqlStorage, write: Write) {
    this.#sql = sql
    this.#write = write
  }

  next(): number {
    return this.#sql.exec<{ n: number }>('SELECT COALESCE(MAX(id), 0) + 1 AS n FROM session').one().n
  }

  all(): SessionRow[] {
    return this.#sql.exec<Row>('SELECT * FROM session').toArray() as unknown as SessionRow[]
  }

  of(agent: string, session: string): SessionRow | null {
    const query = 'SELECT * FROM session WHERE agent = ? AND session = ?'
    return (this.#sql.exec<Row>(query, agent, session).toArray()[0] as SessionRow | undefined) ?? null
  }

  insert({ id, agent, session, started }: SessionRow): void {
    this.#write('INSERT INTO session VALUES (?, ?, ?, ?)', id, agent, session, started)
  }
}
