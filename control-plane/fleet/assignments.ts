/**
 * Which migrations each agent is to work for: those of which it is at the site of every location that has one. The whole list is
 * sent on every change, and again when a pass begins, even if the list is the same: an agent then connects to what it is not
 * connected to.
 */
import { type Presence, type Present, send } from './presence.ts'

interface Active {
  readonly migration: string
  readonly sites: readonly string[]
}

/** What `assign` may name; more would not be worked on anyway. */
const maxAssigned = 1_000

export class Assignments {
  readonly #sql: SqlStorage
  readonly #presence: Presence

  constructor(sql: SqlStorage, presence: Presence) {
    this.#sql = sql
    this.#presence = presence
    sql.exec(
      'CREATE TABLE IF NOT EXISTS active (migration TEXT PRIMARY KEY, sites TEXT NOT NULL) WITHOUT ROWID',
    )
  }

  /** A pass began. `sites`: those that an agent must be of, all at once; none: every agent will do. */
  add(migration: string, sites: readonly string[]): void {
    this.#sql.exec('INSERT OR REPLACE INTO active VALUES (?, ?)', migration, JSON.stringify(sites))
    this.#tellAll()
  }

  /** Its pass is over. */
  remove(migration: string): void {
    const { rowsWritten } = this.#sql.exec('DELETE FROM active WHERE migration = ?', migration)
    if (rowsWritten > 0) this.#tellAll()
  }

  /** Nothing to one that drains: it is to finish what it has. */
  tell(agent: Present, active = this.#active()): void {
    if (agent.draining) return
    const migrations = active
      .filter(({ sites }) => sites.every((wanted) => wanted === agent.site))
      .map(({ migration }) => ({ id: migration, weight: 1 }))
    send(agent, { t: 'assign', migrations: migrations.slice(0, maxAssigned) })
  }

  #tellAll(): void {
    const active = this.#active()
    for (const agent of this.#presence.all()) this.tell(agent, active)
  }

  #active(): Active[] {
    return this.#sql
      .exec<{ migration: string; sites: string }>('SELECT * FROM active')
      .toArray()
      .map(({ migration, sites }) => ({ migration, sites: JSON.parse(sites) as string[] }))
  }
}
