/**
 * What failed, object by object, with its causes and waivers. Of one failure three rows are written at most: its own, that of the index by
 * cause, and that of the index of waived keys where it is waived; a cause is written once a transaction that adds to it. To retry or to waive
 * one later writes its row again, and to waive it that of the index too.
 *
 * The failures of a pass are a run of ids. Nothing here reads more than it is told to: whoever looks for something goes by windows of ids.
 */
import type { FailureState } from '../shared/api/failures.ts'
import type { ErrorCode } from '../shared/error.ts'
import type { Key } from '../shared/key.ts'
import type { Failure } from '../shared/protocol.ts'
import { formOf } from './core/cause.ts'
import type { CauseRow } from './core/causes.ts'
import { addColumns, type Row, type Write } from './schema-version.ts'

export interface FailureRow extends Failure {
  readonly id: number
  readonly cause: number
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly retriedBy: number | null
  readonly waiver: WaiverRow | null
}
export interface WaiverRow {
  readonly by: string
  readonly reason: string
  readonly at: number
}

/** Which failures are meant: those for which all of this holds. */
export interface Meant {
  readonly cause?: number | undefined
  readonly prefix?: Key | undefined
  /** As text, and as the bytes of a key; A to Z are the same as a to z. */
  readonly text?: { readonly text: string; readonly bytes: Key } | undefined
  readonly ids?: readonly number[] | undefined
  readonly state?: FailureState | 'not-waived' | undefined
  /** Tried again by this pass. */
  readonly retriedBy?: number | undefined
}

/** Ids in [first, end). */
export interface Ids {
  readonly first: number
  readonly end: number
}

type Where = { readonly sql: string; readonly values: SqlStorageValue[] }

/** A step of the object's schema; failures of before are of one cause for each code. */
export function createCauses(sql: SqlStorage): void {
  addColumns(sql, 'failure', {
    cause: 'INTEGER NOT NULL DEFAULT 0',
    at: 'INTEGER NOT NULL DEFAULT 0',
    retried_by: 'INTEGER',
    waiver: 'INTEGER',
  })
  sql.exec(`
    CREATE TABLE cause (
      pass INTEGER NOT NULL, id INTEGER NOT NULL, code TEXT NOT NULL, form TEXT, message TEXT NOT NULL,
      objects INTEGER NOT NULL, bytes INTEGER NOT NULL, retried INTEGER NOT NULL, waived INTEGER NOT NULL,
      first_at INTEGER NOT NULL, last_at INTEGER NOT NULL, samples TEXT NOT NULL, PRIMARY KEY (pass, id)
    ) WITHOUT ROWID;
    CREATE TABLE waiver (id INTEGER PRIMARY KEY, by TEXT NOT NULL, reason TEXT NOT NULL, at INTEGER NOT NULL);
    INSERT INTO cause
      SELECT number, ROW_NUMBER() OVER (PARTITION BY number ORDER BY code), code, NULL, message, objects, bytes, 0, 0,
          started_at, COALESCE(ended_at, started_at), json_array(key)
        FROM (
          SELECT (SELECT MAX(number) FROM pass WHERE first_failure <= failure.id) AS number, code, MIN(key) AS key,
              MIN(message) AS message, COUNT(*) AS objects, SUM(bytes) AS bytes
            FROM failure GROUP BY 1, 2
        ) JOIN pass USING (number);
    UPDATE failure SET (cause, at) = (
      SELECT cause.id, last_at FROM cause
        WHERE pass = (SELECT MAX(number) FROM pass WHERE first_failure <= failure.id) AND cause.code = failure.code
    );
    CREATE INDEX failure_cause ON failure (cause);
    CREATE INDEX failure_waived ON failure (key) WHERE waiver IS NOT NULL;
  `)
}

export class FailureTable {
  readonly #sql: SqlStorage
  readonly #write: Write

  constructor(sql: SqlStorage, write: Write) {
    this.#sql = sql
    this.#write = write
  }

  next(): number {
    return this.#one('SELECT COALESCE(MAX(id), 0) + 1 AS n FROM failure')
  }

  insert(
    id: number,
    packet: number,
    { key, code, message, bytes }: Failure,
    more: { readonly cause: number; readonly at: number; readonly waiver: number | null },
  ): void {
    this.#write(
      'INSERT INTO failure (id, packet, key, code, message, bytes, cause, at, waiver) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
      ...[id, packet, key, code, message, bytes, more.cause, more.at, more.waiver],
    )
  }

  /** Of those that are meant, in the order of their ids. */
  list({ first, end }: Ids, meant: Meant, limit: number): FailureRow[] {
    const { sql, values } = whereOf(meant)
    const query = `SELECT failure.*, waiver.by, waiver.reason, waiver.at AS waived_at
      FROM failure ${indexFor(meant)} LEFT JOIN waiver ON waiver.id = failure.waiver
      WHERE failure.id >= ? AND failure.id < ? ${sql} ORDER BY failure.id LIMIT ?`
    return this.#sql
      .exec<Row>(query, first, end, ...values, limit)
      .toArray()
      .map(toFailure)
  }

  /** No further than `most`. */
  count({ first, end }: Ids, meant: Meant, most: number): number {
    const { sql, values } = whereOf(meant)
    const query = `SELECT COUNT(*) AS n FROM (
      SELECT 1 FROM failure ${indexFor(meant)} WHERE failure.id >= ? AND failure.id < ? ${sql} LIMIT ?)`
    return this.#one(query, first, end, ...values, most)
  }

  /** A few columns of all that are meant, for whoever goes through them. */
  *keys({ first, end }: Ids, meant: Meant): Generator<{ id: number; key: Key; bytes: number }> {
    const { sql, values } = whereOf(meant)
    const query = `SELECT id, key, bytes FROM failure ${indexFor(meant)} WHERE id >= ? AND id < ? ${sql} ORDER BY id`
    for (const [id, key, bytes] of this.#sql.exec(query, first, end, ...values).raw()) {
      yield { id: id as number, key: key as Key, bytes: bytes as number }
    }
  }

  /** How many of each cause are meant. */
  byCause({ first, end }: Ids, meant: Meant): { cause: number; n: number }[] {
    const { sql, values } = whereOf(meant)
    const query = `SELECT cause, COUNT(*) AS n FROM failure ${indexFor(meant)} WHERE failure.id >= ? AND failure.id < ? ${sql} GROUP BY cause`
    return this.#sql.exec<{ cause: number; n: number }>(query, first, end, ...values).toArray()
  }

  /** All that are meant; null: not any more. */
  mark({ first, end }: Ids, meant: Meant, column: 'retried_by' | 'waiver', value: number | null): void {
    const { sql, values } = whereOf(meant)
    const query = `UPDATE failure SET ${column} = ? WHERE failure.id >= ? AND failure.id < ? ${sql}`
    this.#write(query, value, first, end, ...values)
  }

  /** Their causes stay, and what they come to. So does the very last failure, since ids are never given twice. */
  forget({ first, end }: Ids): void {
    const query = 'DELETE FROM failure WHERE id >= ? AND id < ? AND id < (SELECT MAX(id) FROM failure)'
    this.#write(query, first, end)
  }

  addWaiver({ by, reason, at }: WaiverRow): number {
    const id = this.#one('SELECT COALESCE(MAX(id), 0) + 1 AS n FROM waiver')
    this.#write('INSERT INTO waiver VALUES (?, ?, ?, ?)', id, by, reason, at)
    return id
  }

  /**
   * The waiver of the latest failure from the id `first` on that is of this object and this cause. That an object is missing or differs is what a
   * verification finds of any that could not be copied, so of those it is one cause with all others.
   */
  waiverOf(first: number, failure: Failure): number | null {
    // Hot where much fails: mostly there are none at all.
    if (this.#one('SELECT EXISTS (SELECT 1 FROM waiver) AS n') === 0) return null
    const query = `SELECT key, code, message, waiver FROM failure INDEXED BY failure_waived
      WHERE key = ? AND waiver IS NOT NULL AND id >= ? ORDER BY id DESC`
    const form = formOf(failure)
    for (const row of this.#sql.exec<Row>(query, failure.key, first)) {
      const earlier = { key: row.key as Key, message: row.message as string }
      const isFound = isFinding(row.code) || isFinding(failure.code)
      if (isFound || (row.code === failure.code && formOf(earlier) === form)) return row.waiver as number
    }
    return null
  }

  causes(pass: number): CauseRow[] {
    const rows = this.#sql.exec<Row>('SELECT * FROM cause WHERE pass = ? ORDER BY id', pass).toArray()
    return rows.map((row) => ({
      id: row.id as number,
      code: row.code as ErrorCode,
      form: row.form as string | null,
      message: row.message as string,
      objects: row.objects as number,
      bytes: row.bytes as number,
      retried: row.retried as number,
      waived: row.waived as number,
      firstAt: row.first_at as number,
      lastAt: row.last_at as number,
      samples: JSON.parse(row.samples as string),
    }))
  }

  saveCauses(pass: number, causes: readonly CauseRow[]): void {
    for (const { id, code, form, message, objects, bytes, ...more } of causes) {
      this.#write(
        'INSERT OR REPLACE INTO cause VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
        ...[pass, id, code, form, message, objects, bytes, more.retried, more.waived],
        ...[more.firstAt, more.lastAt, JSON.stringify(more.samples)],
      )
    }
  }

  /** Of all causes of a pass. */
  totals(pass: number): { objects: number; retried: number; waived: number } {
    const query = `SELECT COALESCE(SUM(objects), 0) AS objects, COALESCE(SUM(retried), 0) AS retried,
      COALESCE(SUM(waived), 0) AS waived FROM cause WHERE pass = ?`
    return this.#sql.exec<{ objects: number; retried: number; waived: number }>(query, pass).one()
  }

  #one(query: string, ...values: SqlStorageValue[]): number {
    return this.#sql.exec<{ n: number }>(query, ...values).one().n
  }
}

const indexFor = ({ cause }: Meant) => (cause === undefined ? '' : 'INDEXED BY failure_cause')

const states: Record<FailureState | 'not-waived', string> = {
  open: 'AND retried_by IS NULL AND waiver IS NULL',
  retried: 'AND retried_by IS NOT NULL',
  waived: 'AND waiver IS NOT NULL',
  'not-waived': 'AND waiver IS NULL',
}

function whereOf({ cause, prefix, text, ids, state, retriedBy }: Meant): Where {
  const values: SqlStorageValue[] = []
  let sql = state ? states[state] : ''
  if (cause !== undefined) {
    sql += ' AND cause = ?'
    values.push(cause)
  }
  if (prefix !== undefined) {
    const past = pastPrefix(prefix)
    sql += past === null ? ' AND key >= ?' : ' AND key >= ? AND key < ?'
    values.push(prefix, ...(past === null ? [] : [past]))
  }
  if (text !== undefined) {
    sql += ' AND (instr(lower(key), ?) > 0 OR instr(lower(message), ?) > 0)'
    values.push(lower(text.bytes), lower(text.text))
  }
  if (retriedBy !== undefined) {
    sql += ' AND retried_by = ?'
    values.push(retriedBy)
  }
  if (ids !== undefined) {
    sql += ' AND failure.id IN (SELECT value FROM json_each(?))'
    values.push(JSON.stringify(ids))
  }
  return { sql, values }
}

const isFinding = (code: unknown) => code === 'missing' || code === 'differs'

/** As SQLite's. */
const lower = (text: string) => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase())

/** The first key that is greater than all with this prefix; null: there is none. */
function pastPrefix(prefix: Key): string | null {
  const rest = prefix.replace(/\xff+$/, '')
  return rest === '' ? null : rest.slice(0, -1) + String.fromCharCode(rest.charCodeAt(rest.length - 1) + 1)
}

function toFailure(row: Row): FailureRow {
  return {
    id: row.id as number,
    key: row.key as Key,
    code: row.code as ErrorCode,
    message: row.message as string,
    bytes: row.bytes as number,
    cause: row.cause as number,
    at: row.at as number,
    retriedBy: row.retried_by as number | null,
    waiver:
      row.waiver === null
        ? null
        : { by: row.by as string, reason: row.reason as string, at: row.waived_at as number },
  }
}
