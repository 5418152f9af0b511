/**
 * The tables of a `Migration` object, as they are made and brought up to date; each is read and written by its own class, and nowhere else. What
 * there is one of is kept here: the definition, whether the pass is paused, and until when it holds.
 *
 * Keys are TEXT: SQLite's order of the UTF-8 of a byte string is the order of its bytes.
 */
import type { NewMigration } from '../shared/api/migrations.ts'
import type { LifeBrief } from '../shared/life.ts'
import type { Location } from '../shared/location.ts'
import type { Listened } from '../shared/protocol.ts'
import { Announcements } from './announcements.ts'
import { CertificateTable, createCertificates } from './certificate-table.ts'
import { ChangeTable, createChanges } from './change-table.ts'
import { type Life, newLife } from './core/life-state.ts'
import { localWorkspace } from './env.ts'
import { EventRing } from './event-ring.ts'
import { createCauses, FailureTable, type Ids } from './failure-table.ts'
import { PacketTable } from './packet-table.ts'
import { type PassRow, PassTable } from './pass-table.ts'
import { addColumns, bringUpToDate, type Row, type Step, type Write } from './schema-version.ts'
import { SessionTable } from './session-table.ts'
import { UploadTable } from './upload-table.ts'

/** The migration as the catalogue had it when its last pass began. */
export interface Definition extends NewMigration {
  readonly id: string
  readonly workspace: string
  /** Where agents keep what both sides were; absent: each at itself. */
  readonly baseline?: Location
  /** What its agents listen to; absent: nothing. */
  readonly events?: Listened[]
}

/** Nothing is leased: since when (ms), and who said so. */
export interface Paused {
  readonly since: number
  readonly by: string
}

const steps: readonly Step[] = [
  /** As 0.1.0 made them, in some of whose objects packets know nothing of uploads. */
  (sql) => {
    sql.exec(`
      CREATE TABLE IF NOT EXISTS config (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS pass (
        number INTEGER PRIMARY KEY, state TEXT NOT NULL, options TEXT NOT NULL, started_at INTEGER NOT NULL,
        ended_at INTEGER, first_packet INTEGER NOT NULL, first_failure INTEGER NOT NULL, counters TEXT NOT NULL,
        told INTEGER NOT NULL
      );
      CREATE TABLE IF NOT EXISTS packet (
        id INTEGER PRIMARY KEY, kind TEXT NOT NULL, state TEXT NOT NULL, after TEXT, through TEXT,
        objects INTEGER NOT NULL, bytes INTEGER NOT NULL, generation INTEGER NOT NULL, failures INTEGER NOT NULL,
        error TEXT, prefer INTEGER, session INTEGER, not_before INTEGER, counts TEXT, report INTEGER,
        upload INTEGER, first_part INTEGER, last_part INTEGER, md5s TEXT
      );
      CREATE TABLE IF NOT EXISTS failure (
        id INTEGER PRIMARY KEY, packet INTEGER NOT NULL, key TEXT NOT NULL, code TEXT NOT NULL,
        message TEXT NOT NULL, bytes INTEGER NOT NULL
      );
      CREATE TABLE IF NOT EXISTS session (id INTEGER PRIMARY KEY, agent TEXT NOT NULL, session TEXT NOT NULL);
    `)
    addColumns(sql, 'packet', {
      upload: 'INTEGER',
      first_part: 'INTEGER',
      last_part: 'INTEGER',
      md5s: 'TEXT',
    })
  },
  /** Sessions know when their process began (ms). */
  (sql) => addColumns(sql, 'session', { started: 'INTEGER NOT NULL DEFAULT 0' }),
  /** A pass that is over keeps the strip of its key space. */
  (sql) => addColumns(sql, 'pass', { strip: 'TEXT' }),
  /** Failures have causes, and can be tried again or waived. */
  (sql) => {
    addColumns(sql, 'pass', { retries: 'INTEGER', base: 'INTEGER', left_to: 'INTEGER' })
    createCauses(sql)
  },
  /** Of packets: how many objects are to be deleted in them, as far as that was counted, and how many their lease may delete. */
  (sql) => addColumns(sql, 'packet', { deletes: 'INTEGER', may_delete: 'INTEGER' }),
  /** Changes are told of: event packets know when the oldest was, and what no pass takes is kept. */
  (sql) => {
    addColumns(sql, 'packet', { told: 'INTEGER' })
    createChanges(sql)
  },
  /** Verifications are sealed, and certified. */
  (sql) => {
    addColumns(sql, 'packet', { seal: 'TEXT' })
    createCertificates(sql)
  },
]

export class MigrationTables {
  readonly #sql: SqlStorage
  readonly passes: PassTable
  readonly packets: PacketTable
  readonly sessions: SessionTable
  readonly uploads: UploadTable
  readonly failures: FailureTable
  readonly announcements: Announcements
  readonly events: EventRing
  readonly changes: ChangeTable
  readonly certificates: CertificateTable
  /** Since this object woke. */
  rowsWritten = 0

  constructor(storage: DurableObjectStorage) {
    const { sql } = storage
    bringUpToDate(storage, 'migration', steps)
    this.#sql = sql
    const write: Write = (query, ...values) => this.#write(query, ...values)
    this.passes = new PassTable(sql, write)
    this.packets = new PacketTable(sql, write)
    this.sessions = new SessionTable(sql, write)
    this.uploads = new UploadTable(sql, write)
    this.failures = new FailureTable(sql, write)
    this.announcements = new Announcements(sql, write)
    this.events = new EventRing(sql, write)
    this.changes = new ChangeTable(sql, write)
    this.certificates = new CertificateTable(sql, write)
  }

  #write(query: string, ...values: SqlStorageValue[]): void {
    this.rowsWritten += this.#sql.exec(query, ...values).rowsWritten
  }

  /** Null before the first pass. */
  definition(): Definition | null {
    const row = this.#sql.exec<Row>(`SELECT value FROM config WHERE name = 'definition'`).toArray()[0]
    // One that was stored before there were several workspaces names none.
    return row ? { workspace: localWorkspace, ...JSON.parse(row.value as string) } : null
  }

  setDefinition(definition: Definition): void {
    this.#write(`INSERT OR REPLACE INTO config VALUES ('definition', ?)`, JSON.stringify(definition))
  }

  /** Of the running pass; null where it is not. */
  paused(): Paused | null {
    const row = this.#sql.exec<Row>(`SELECT value FROM config WHERE name = 'paused'`).toArray()[0]
    return row ? JSON.parse(row.value as string) : null
  }

  setPaused(paused: Paused | null): void {
    if (paused) this.#write(`INSERT OR REPLACE INTO config VALUES ('paused', ?)`, JSON.stringify(paused))
    else this.#write(`DELETE FROM config WHERE name = 'paused'`)
  }

  /** How far it is thinned out (thinning.ts): the pass that is next, and the first id of a packet that may be left. */
  thinned(): { readonly pass: number; readonly packet: number } {
    const row = this.#sql.exec<Row>(`SELECT value FROM config WHERE name = 'thinned'`).toArray()[0]
    return row ? JSON.parse(row.value as string) : { pass: 1, packet: 1 }
  }

  /** Nothing is written where it is so already. */
  setThinned(thinned: { readonly pass: number; readonly packet: number }): void {
    if (JSON.stringify(thinned) === JSON.stringify(this.thinned())) return
    this.#write(`INSERT OR REPLACE INTO config VALUES ('thinned', ?)`, JSON.stringify(thinned))
  }

  /** Until when the running pass stays open though nothing is left to do (ms); null: it does not. */
  holdsUntil(): number | null {
    const row = this.#sql.exec<Row>(`SELECT value FROM config WHERE name = 'holds-until'`).toArray()[0]
    return row ? Number(row.value) : null
  }

  setHoldsUntil(until: number | null): void {
    if (until === null) this.#write(`DELETE FROM config WHERE name = 'holds-until'`)
    else this.#write(`INSERT OR REPLACE INTO config VALUES ('holds-until', ?)`, String(until))
  }

  life(): Life {
    const row = this.#sql.exec<Row>(`SELECT value FROM config WHERE name = 'life'`).toArray()[0]
    // What an earlier version has not stored is as at the beginning.
    return row ? { ...newLife, ...JSON.parse(row.value as string) } : newLife
  }

  setLife(life: Life): void {
    this.#write(`INSERT OR REPLACE INTO config VALUES ('life', ?)`, JSON.stringify(life))
  }

  /** What of the life the catalogue has not heard yet; null: it has heard all. */
  untoldLife(): LifeBrief | null {
    const row = this.#sql.exec<Row>(`SELECT value FROM config WHERE name = 'untold-life'`).toArray()[0]
    return row ? JSON.parse(row.value as string) : null
  }

  setUntoldLife(life: LifeBrief): void {
    this.#write(`INSERT OR REPLACE INTO config VALUES ('untold-life', ?)`, JSON.stringify(life))
  }

  /** Nothing where there is more to tell since. */
  setLifeTold(life: LifeBrief): void {
    this.#write(`DELETE FROM config WHERE name = 'untold-life' AND value = ?`, JSON.stringify(life))
  }

  /** Of the failures of a pass. */
  failureIds({ number, firstFailure }: PassRow): Ids {
    return { first: firstFailure, end: this.passes.get(number + 1)?.firstFailure ?? this.failures.next() }
  }
}
