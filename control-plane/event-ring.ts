/** The last events of a migration: a row each, written over by the one that is a hundred younger, so that a sleep of the object loses none. */
import { type WatchEvent, watchEventSchema } from '../shared/api/watch.ts'
import type { NewWatchEvent } from './core/watch-events.ts'
import type { Write } from './schema-version.ts'

const most = 100

export class EventRing {
  readonly #sql: SqlStorage
  readonly #write: Write
  /** In the order in which they came. */
  events: readonly WatchEvent[] = []

  /** `write` counts rows. */
  constructor(sql: SqlStorage, write: Write) {
    this.#sql = sql
    this.#write = write
    sql.exec('CREATE TABLE IF NOT EXISTS event (slot INTEGER PRIMARY KEY, event TEXT NOT NULL)')
    this.read()
  }

  /** As they are stored: after a transaction that failed, too. */
  read(): void {
    const rows = this.#sql.exec<{ event: string }>('SELECT event FROM event').toArray()
    // What a version before this one wrote, and this one does not know, is left out.
    const known = rows.map(({ event }) => watchEventSchema.safeParse(JSON.parse(event)).data)
    this.events = known.filter((event) => event !== undefined).sort((a, b) => a.id - b.id)
  }

  get last(): number {
    return this.events.at(-1)?.id ?? 0
  }

  /** In the transaction of what it tells of. That packets are tried again for one cause is told once a pass. */
  add(pass: number, event: NewWatchEvent, at: number): void {
    const isSame = (other: WatchEvent) =>
      other.is === 'error' && event.is === 'error' && other.pass === pass && other.code === event.code
    if (this.events.some(isSame)) return
    const whole = { id: this.last + 1, at, pass, ...event } as WatchEvent
    this.#write('INSERT OR REPLACE INTO event VALUES (?, ?)', whole.id % most, JSON.stringify(whole))
    this.events = [...this.events, whole].slice(-most)
  }
}
