/**
 * Changes that were told of while no pass took them: they are packets of the next one that does. There are never many: past a bound all of a side
 * are forgotten but for how old the oldest is, since the next pass over everything begins after them, and so lists them.
 */
import type { Key } from '../shared/key.ts'
import type { Range } from '../shared/range.ts'
import type { Side } from './core/told-range.ts'
import { holds, mostWaiting, type Waiting, WaitingRanges } from './core/waiting-ranges.ts'
import type { Row, Write } from './schema-version.ts'

export function createChanges(sql: SqlStorage): void {
  sql.exec(`
    CREATE TABLE IF NOT EXISTS change (
      id INTEGER PRIMARY KEY, side TEXT NOT NULL, after TEXT, through TEXT, told INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS missed (side TEXT PRIMARY KEY, told INTEGER NOT NULL) WITHOUT ROWID;
  `)
}

export type Told = Range & { readonly told: number }

export class ChangeTable {
  readonly #sql: SqlStorage
  readonly #write: Write
  /** Read when they are first asked for; thrown away where a transaction fails. */
  #kept: Record<Side, WaitingRanges> | null = null
  #next = 1

  constructor(sql: SqlStorage, write: Write) {
    this.#sql = sql
    this.#write = write
  }

  /** Nothing is remembered of the tables. */
  forget(): void {
    this.#kept = null
  }

  keep(side: Side, changes: Iterable<Told>): void {
    for (const change of changes) this.#keep(side, change)
  }

  #keep(side: Side, { after, through, told }: Told): void {
    const ranges = this.#of(side)
    const around = ranges.overlapping({ after, through })
    // The oldest time stays, and nothing else would be new.
    if (around.some((other) => holds(other, { after, through }) && other.told <= told)) return
    if (ranges.size >= mostWaiting) {
      this.miss(side, Math.min(told, ranges.oldest!))
      this.#clear(side)
      return
    }
    const first = around[0]
    const change: Waiting = {
      id: this.#next++,
      after: first && (first.after === null || (after !== null && first.after < after)) ? first.after : after,
      through: furthest([through, ...around.map((each) => each.through)]),
      told: Math.min(told, ...around.map((each) => each.told)),
    }
    for (const { id } of around) this.#write('DELETE FROM change WHERE id = ?', id)
    ranges.put(change)
    this.#write(
      'INSERT INTO change VALUES (?, ?, ?, ?, ?)',
      ...[change.id, side, change.after, change.through, change.told],
    )
  }

  /** Those of `side`, which are kept no longer; the other side's are forgotten. */
  take(side: Side): Waiting[] {
    const taken = [...this.#of(side)]
    this.#clear('source')
    this.#clear('destination')
    return taken
  }

  #clear(side: Side): void {
    const ranges = this.#of(side)
    if (ranges.size > 0) this.#write('DELETE FROM change WHERE side = ?', side)
    ranges.clear()
  }

  /** Whether any is kept. */
  has(side: Side): boolean {
    return this.#of(side).size > 0
  }

  /** When the oldest was that is kept (ms); null: none is. */
  oldest(side: Side): number | null {
    return this.#of(side).oldest
  }

  /** Changes as old as that are left to the next pass over everything, if they are not left to it already. */
  miss(side: Side, told: number): void {
    if ((this.missed(side) ?? Number.POSITIVE_INFINITY) <= told) return
    this.#write('INSERT OR REPLACE INTO missed VALUES (?, ?)', side, told)
  }

  /** How old the oldest of these is (ms since the epoch); null: there are none. */
  missed(side: Side): number | null {
    const [row] = this.#sql.exec<Row>('SELECT told FROM missed WHERE side = ?', side).toArray()
    return (row?.told as number | undefined) ?? null
  }

  /** A pass over everything has found them. */
  found(side: Side): void {
    if (this.missed(side) !== null) this.#write('DELETE FROM missed WHERE side = ?', side)
  }

  #of(side: Side): WaitingRanges {
    this.#kept ??= this.#read()
    return this.#kept[side]
  }

  #read(): Record<Side, WaitingRanges> {
    const kept = { source: new WaitingRanges(), destination: new WaitingRanges() }
    this.#next = 1
    for (const row of this.#sql.exec<Row>('SELECT * FROM change ORDER BY id')) {
      const { id, side, after, through, told } = row as unknown as Waiting & { side: Side }
      kept[side].put({ id, after: after as Key | null, through: through as Key | null, told })
      this.#next = id + 1
    }
    return kept
  }
}

const furthest = (keys: readonly (Key | null)[]): Key | null =>
  keys.reduce((a, b) => (a === null || b === null ? null : a > b ? a : b))
