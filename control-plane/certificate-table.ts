/**
 * What of the verifications of a migration a certificate needs besides their packets: what was compared, as it was when each began, and the
 * statement, once it is signed. One row written for each verification that begins, and again for each that is certified.
 *
 * Beside them, when a lease was last lost under which somebody may have been writing: no lease can be fenced at the destination, and for some time
 * after that what is listed there proves nothing.
 */
import { type Statement, statementSchema } from '../shared/ledger.ts'
import type { Definition } from './migration-tables.ts'
import type { Row, Write } from './schema-version.ts'

/** Of one verification. */
export interface Basis {
  readonly definition: Definition
  /** When the last lease was lost before it began (ms); 0: none was. */
  readonly lostAt: number
}

/** Characters, in one answer. */
const longestList = 4_000_000

export const createCertificates = (sql: SqlStorage): void =>
  void sql.exec(
    'CREATE TABLE IF NOT EXISTS certificate (pass INTEGER PRIMARY KEY, basis TEXT NOT NULL, statement TEXT)',
  )

export class CertificateTable {
  readonly #sql: SqlStorage
  readonly #write: Write

  constructor(sql: SqlStorage, write: Write) {
    this.#sql = sql
    this.#write = write
  }

  /** Of a verification that begins. */
  begin(pass: number, definition: Definition): void {
    const basis: Basis = { definition, lostAt: this.lostAt() }
    this.#write('INSERT INTO certificate (pass, basis) VALUES (?, ?)', pass, JSON.stringify(basis))
  }

  /** Null where it is no verification, or one that began at an earlier version. */
  basis(pass: number): Basis | null {
    const row = this.#row('SELECT basis AS text FROM certificate WHERE pass = ?', pass)
    return row && JSON.parse(row)
  }

  sign(pass: number, statement: Statement): void {
    this.#write('UPDATE certificate SET statement = ? WHERE pass = ?', JSON.stringify(statement), pass)
  }

  /** Null where it is not certified. */
  statement(pass: number): Statement | null {
    const row = this.#row('SELECT statement AS text FROM certificate WHERE pass = ?', pass)
    return row === null ? null : statementSchema.parse(JSON.parse(row))
  }

  /** The newest first; fewer than `limit` where many exceptions make them long. */
  statements(limit: number): Statement[] {
    const query = 'SELECT statement FROM certificate WHERE statement IS NOT NULL ORDER BY pass DESC LIMIT ?'
    const found: Statement[] = []
    let length = 0
    for (const row of this.#sql.exec<Row>(query, limit)) {
      const text = row.statement as string
      length += text.length
      if (found.length > 0 && length > longestList) break
      found.push(statementSchema.parse(JSON.parse(text)))
    }
    return found
  }

  /** Milliseconds since the epoch; 0: no lease was ever lost. */
  lostAt(): number {
    return Number(this.#row(`SELECT value AS text FROM config WHERE name = 'lost-at'`) ?? 0)
  }

  setLostAt(at: number): void {
    this.#write(`INSERT OR REPLACE INTO config VALUES ('lost-at', ?)`, String(at))
  }

  #row(query: string, ...values: SqlStorageValue[]): string | null {
    const [row] = this.#sql.exec<Row>(query, ...values).toArray()
    return (row?.text as string | null | undefined) ?? null
  }
}
