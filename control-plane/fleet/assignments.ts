/**
 * Which migrations each agent is to work for: those of which its site reaches every location; and with what weight beside one
 * another. The whole list is sent on every change, and again when a pass begins, even if the list is the same: an agent then
 * connects to what it is not connected to.
 */
import type { WaitsFor } from '../../shared/api/migrations.ts'
import { type Priority, weights } from '../../shared/policy.ts'
import { type Reach, reaches, waitsFor } from '../core/place.ts'
import { bringUpToDate, type Step } from '../schema-version.ts'
import { type Presence, type Present, send } from './presence.ts'

interface Active {
  readonly migration: string
  readonly reach: Reach
  readonly weight: number
}

/** What `assign` may name; more would not be worked on anyway. */
const maxAssigned = 1_000

const steps: Step[] = [
  (sql) =>
    sql.exec(
      'CREATE TABLE IF NOT EXISTS active (migration TEXT PRIMARY KEY, sites TEXT NOT NULL) WITHOUT ROWID',
    ),
  /** What was a list of sites, of which none meant every one, is a reach; and each has a weight. */
  (sql) => {
    sql.exec(
      'CREATE TABLE assignment (migration TEXT PRIMARY KEY, reach TEXT NOT NULL, weight INTEGER NOT NULL) WITHOUT ROWID',
    )
    sql.exec(
      `INSERT INTO assignment SELECT migration, CASE sites WHEN '[]' THEN 'null' ELSE sites END, ? FROM active`,
      weights.normal,
    )
    sql.exec('DROP TABLE active')
  },
]

export class Assignments {
  readonly #sql: SqlStorage
  readonly #presence: Presence
  readonly #priorityOf: (migration: string) => Promise<Priority>
  #turn: Promise<unknown> = Promise.resolve()

  /** `priorityOf`: as the catalogue has it, which is the one place where it is. */
  constructor(
    storage: DurableObjectStorage,
    presence: Presence,
    priorityOf: (migration: string) => Promise<Priority>,
  ) {
    this.#sql = storage.sql
    this.#presence = presence
    this.#priorityOf = priorityOf
    bringUpToDate(storage, 'assignments', steps)
  }

  /** A pass began. `reach`: the sites that reach all of its locations. */
  add(migration: string, reach: Reach): Promise<void> {
    return this.#inTurn(async () => {
      const weight = weights[await this.#priorityOf(migration)]
      this.#sql.exec(
        'INSERT OR REPLACE INTO assignment VALUES (?, ?, ?)',
        ...[migration, JSON.stringify(reach), weight],
      )
      this.#tellAll()
    })
  }

  /** Its priority may be another one. */
  weigh(migration: string): Promise<void> {
    return this.#inTurn(async () => {
      const weight = weights[await this.#priorityOf(migration)]
      const query = 'UPDATE assignment SET weight = ? WHERE migration = ? AND weight <> ?'
      if (this.#sql.exec(query, weight, migration, weight).rowsWritten > 0) this.#tellAll()
    })
  }

  /** Its pass is over. */
  remove(migration: string): void {
    const { rowsWritten } = this.#sql.exec('DELETE FROM assignment WHERE migration = ?', migration)
    if (rowsWritten > 0) this.#tellAll()
  }

  /** Those whose passes run. */
  migrations(): string[] {
    return this.#active().map(({ migration }) => migration)
  }

  /** What an assigned migration waits for; null while an agent that is there can work for it. */
  waitsFor(migration: string): WaitsFor | null {
    const active = this.#active('WHERE migration = ?', migration)[0]
    if (!active) return null
    const there = this.#presence.alive().filter(({ draining }) => !draining)
    return waitsFor(active.reach, [...new Set(there.map(({ site }) => site))])
  }

  /** Nothing to one that drains: it is to finish what it has. */
  tell(agent: Present, active = this.#active()): void {
    if (agent.draining) return
    const migrations = active
      .filter(({ reach }) => reaches(reach, agent.site))
      .map(({ migration, weight }) => ({ id: migration, weight }))
    send(agent, { t: 'assign', migrations: migrations.slice(0, maxAssigned) })
  }

  #tellAll(): void {
    const active = this.#active()
    for (const agent of this.#presence.all()) this.tell(agent, active)
  }

  #active(where = '', ...values: string[]): Active[] {
    return this.#sql
      .exec<{ migration: string; reach: string; weight: number }>(
        `SELECT * FROM assignment ${where}`,
        ...values,
      )
      .toArray()
      .map(({ reach, ...row }) => ({ ...row, reach: JSON.parse(reach) as Reach }))
  }

  /** So that of two who ask for the priority the last one gets the last word. */
  #inTurn(act: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(act)
    this.#turn = done.catch(() => {})
    return done
  }
}
