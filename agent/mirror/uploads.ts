/** Multipart uploads: one of the application's is one on each side. Which, is on the disk before the application knows of it. */
import { randomUUID } from 'node:crypto'
import type { Key } from '../../shared/key.ts'
import { blob, type Journal, keyOf } from './journal.ts'
import type { SideName } from './side.ts'

export interface Upload {
  readonly id: string
  readonly key: Key
  /** The id there; null where that side has none, or lacks parts. */
  readonly old: string | null
  readonly new: string | null
  /** Milliseconds. */
  readonly begun: number
  /** Set once it is over. */
  readonly ended: number | null
  /** What was answered to its completion, for whoever did not hear it; null where it was aborted. */
  readonly answer: string | null
}

/** How long one that is over is remembered (ms). */
const remembered = 24 * 3_600_000

export class Uploads {
  readonly #journal: Journal
  readonly #now: () => number

  constructor(journal: Journal, now: () => number = Date.now) {
    this.#journal = journal
    this.#now = now
  }

  #sql(text: string) {
    return this.#journal.statement(text)
  }

  async add(key: Key, ids: { readonly old: string | null; readonly new: string | null }): Promise<string> {
    const id = randomUUID().replaceAll('-', '')
    const begun = this.#now()
    await this.#journal.durably(() => {
      this.#sql('DELETE FROM parts WHERE upload IN (SELECT id FROM uploads WHERE ended < ?)').run(
        begun - remembered,
      )
      this.#sql('DELETE FROM uploads WHERE ended < ?').run(begun - remembered)
      this.#sql('INSERT INTO uploads (id, key, old, new, begun) VALUES (?, ?, ?, ?, ?)').run(
        ...([id, blob(key), ids.old, ids.new, begun] as const),
      )
    })
    return id
  }

  find(id: string): Upload | null {
    const row = this.#sql('SELECT id, key, old, new, begun, ended, answer FROM uploads WHERE id = ?').get(id)
    return row ? uploadOf(row as unknown as Row) : null
  }

  /** Those that are open, by key and id, past `after`; up to `most`. */
  list(prefix: string, after: { key: string; id: string }, most: number): Upload[] {
    const rows = this.#sql(
      `SELECT id, key, old, new, begun, ended, answer FROM uploads
       WHERE ended IS NULL AND key >= ? AND (key > ? OR (key = ? AND id > ?)) ORDER BY key, id LIMIT ?`,
    ).all(...([blob(prefix), blob(after.key), blob(after.key), after.id, most] as const)) as unknown as Row[]
    return rows.map(uploadOf).filter(({ key }) => key.startsWith(prefix))
  }

  /** Open ones; `lame`: those that one side lacks. */
  get figures(): { open: number; lame: number } {
    const row = this.#sql(
      'SELECT count(*) open, coalesce(sum(old IS NULL OR new IS NULL), 0) lame FROM uploads WHERE ended IS NULL',
    ).get() as { open: number; lame: number }
    return { open: Number(row.open), lame: Number(row.lame) }
  }

  /** This side lacks something of it: its object is copied when it is complete. Gives its id there, to be aborted. */
  async leave(id: string, side: SideName): Promise<string | null> {
    const before = this.find(id)?.[side] ?? null
    if (before !== null)
      await this.#journal.durably(() => this.#sql(`UPDATE uploads SET ${side} = NULL WHERE id = ?`).run(id))
    return before
  }

  async end(id: string, answer: string | null): Promise<void> {
    await this.#journal.durably(() =>
      this.#sql('UPDATE uploads SET ended = ?, answer = ? WHERE id = ?').run(this.#now(), answer, id),
    )
  }

  /** Only where they differ. Lost, the side that follows refuses to complete it, and the object is copied. */
  notePart(id: string, number: number, etags: Record<SideName, string>): void {
    this.#journal.lazily(() => {
      if (etags.old === etags.new)
        this.#sql('DELETE FROM parts WHERE upload = ? AND number = ?').run(id, number)
      else
        this.#sql('INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?)').run(
          ...([id, number, etags.old, etags.new] as const),
        )
    })
  }

  /** By number, of those whose ETags differ. */
  parts(id: string): Map<number, Record<SideName, string>> {
    const rows = this.#sql('SELECT number, old, new FROM parts WHERE upload = ?').all(id) as ({
      number: number
    } & Record<SideName, string>)[]
    return new Map(rows.map((row) => [row.number, row]))
  }
}

interface Row extends Omit<Upload, 'key'> {
  readonly key: Uint8Array
}
const uploadOf = (row: Row): Upload => ({ ...row, key: keyOf(row.key) })
