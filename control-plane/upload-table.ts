/**
 * The uploads of large objects: one row each, however many parts. Their parts are the store's to list, and what of them is done is
 * in the rows of their packets.
 */
import type { Key } from '../shared/key.ts'
import type { PlannedUpload } from '../shared/large-object.ts'
import type { Row, Write } from './schema-version.ts'

/** An upload of a large object: from before it is created until its object is settled. */
export interface UploadRow {
  readonly id: number
  /** The copy packet that was expanded; one of an earlier pass's is nobody's now. */
  readonly packet: number
  readonly key: Key
  /** Null until it is created. */
  readonly upload: string | null
  readonly planned: PlannedUpload
  /** When it was planned (ms). */
  readonly begun: number
  /** Uploads of the same object that are to be aborted before one is created. */
  readonly stale: readonly string[]
  /** Its `parts` packets are a run of ids; null while there are none. */
  readonly firstChild: number | null
  readonly children: number
}

export class UploadTable {
  readonly #sql: SqlStorage
  readonly #write: Write

  constructor(sql: SqlStorage, write: Write) {
    this.#sql = sql
    this.#write = write
    sql.exec(`
      CREATE TABLE IF NOT EXISTS upload (
        id INTEGER PRIMARY KEY, packet INTEGER NOT NULL, key TEXT NOT NULL, upload TEXT, planned TEXT NOT NULL,
        begun INTEGER NOT NULL, stale TEXT NOT NULL, first_child INTEGER, children INTEGER NOT NULL
      );
    `)
  }

  next(): number {
    return this.#sql.exec<{ n: number }>('SELECT COALESCE(MAX(id), 0) + 1 AS n FROM upload').one().n
  }

  get(id: number): UploadRow | null {
    return this.#rows('WHERE id = ?', id)[0] ?? null
  }

  /** Of that object, by whatever pass; the latest first. */
  of(key: Key): UploadRow[] {
    return this.#rows('WHERE key = ? ORDER BY id DESC', key)
  }

  /** Of packets with ids below `packet`: what earlier passes left. */
  before(packet: number, limit: number): UploadRow[] {
    return this.#rows('WHERE packet < ? ORDER BY id LIMIT ?', packet, limit)
  }

  /** The first ones, of whatever pass. */
  some(limit: number): UploadRow[] {
    return this.#rows('ORDER BY id LIMIT ?', limit)
  }

  put({ id, packet, key, upload, planned, begun, stale, firstChild, children }: UploadRow): void {
    this.#write(
      'INSERT OR REPLACE INTO upload VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
      ...[
        id,
        packet,
        key,
        upload,
        JSON.stringify(planned),
        begun,
        JSON.stringify(stale),
        firstChild,
        children,
      ],
    )
  }

  delete(id: number): void {
    this.#write('DELETE FROM upload WHERE id = ?', id)
  }

  /** Of an upload's `parts` packets: how many are not done, and the bytes of those that are. */
  gathered({ firstChild, children }: UploadRow): { missing: number; bytes: number } {
    const first = firstChild ?? 0
    return this.#sql
      .exec<{ missing: number; bytes: number }>(
        `SELECT COALESCE(SUM(state <> 'done'), 0) AS missing,
          COALESCE(SUM(CASE WHEN state = 'done' THEN bytes ELSE 0 END), 0) AS bytes
          FROM packet WHERE id >= ? AND id < ?`,
        ...[first, first + children],
      )
      .one()
  }

  /** The MD5s of all of its parts, in their order; those of packets that are not done are missing. */
  md5s({ firstChild, children }: UploadRow): string {
    const first = firstChild ?? 0
    const query = 'SELECT md5s FROM packet WHERE id >= ? AND id < ? ORDER BY id'
    const rows = this.#sql.exec<{ md5s: string | null }>(query, first, first + children).toArray()
    return rows.map(({ md5s }) => md5s ?? '').join('')
  }

  #rows(where: string, ...values: SqlStorageValue[]): UploadRow[] {
    const rows = this.#sql.exec<Row>(`SELECT * FROM upload ${where}`, ...values).toArray()
    return rows.map((row) => ({
      id: row.id as number,
      packet: row.packet as number,
      key: row.key as Key,
      upload: row.upload as string | null,
      planned: JSON.parse(row.planned as string),
      begun: row.begun as number,
      stale: JSON.parse(row.stale as string),
      firstChild: row.first_child as number | null,
      children: row.children as number,
    }))
  }
}
