/**
 * The tables of a `Migration` object: definition, passes, packets, failures, sessions. Rows are read and written here and
 * nowhere else.
 *
 * Rows written are what a control plane costs, so packets have no index but their id: those of a pass are a run of ids
 * (one pass runs at a time), and so are its failures. Keys are TEXT: SQLite's order of the UTF-8 of a byte string is the
 * order of its bytes.
 */
import type { NewMigration, PassState } from '../shared/api/migrations.ts'
import type { Key } from '../shared/key.ts'
import type { PassOptions } from '../shared/policy.ts'
import type { PacketKind } from '../shared/protocol.ts'
import type { Range } from '../shared/range.ts'
import { Announcements } from './announcements.ts'
import type { Counters } from './core/counters.ts'
import type { NewPacket, Packet } from './core/packet.ts'
import type { Ready } from './core/queue.ts'
import { localWorkspace } from './env.ts'
import { EventRing } from './event-ring.ts'
import { createCauses, FailureTable, type Ids } from './failure-table.ts'
import type { Placed } from './packet-runs.ts'
import { addColumns, bringUpToDate, type Step } from './schema-version.ts'
import { UploadTable } from './upload-table.ts'

export interface PassRow {
  readonly number: number
  readonly state: PassState
  readonly options: PassOptions
  readonly startedAt: number
  readonly endedAt: number | null
  /** Ids from here to the next pass's first are its own. */
  readonly firstPacket: number
  readonly firstFailure: number
  /** The pass of which it tries again what failed; null: it looks at everything. */
  readonly retries: number | null
  /** The pass over everything that it goes back to; its own number where it is one itself. */
  readonly base: number
  /** The retry that does the packets which this one left undone; null: nobody does. */
  readonly leftTo: number | null
  readonly counters: Counters
  /** Whether the fleet and the catalogue know of its state. */
  readonly told: boolean
}

/** The migration as the catalogue had it when its last pass began. */
export interface Definition extends NewMigration {
  readonly id: string
  readonly workspace: string
}

/** Nothing is leased: since when (ms), and who said so. */
export interface Paused {
  readonly since: number
  readonly by: string
}

/** One process of an agent; leases belong to it. */
export interface SessionRow {
  readonly id: number
  readonly agent: string
  readonly session: string
  /** When the process began (ms). */
  readonly started: number
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
]

type Row = Record<string, SqlStorageValue>

export class MigrationTables {
  readonly #sql: SqlStorage
  readonly uploads: UploadTable
  readonly failures: FailureTable
  readonly announcements: Announcements
  readonly events: EventRing
  /** Since this object woke. */
  rowsWritten = 0

  constructor(storage: DurableObjectStorage) {
    const { sql } = storage
    bringUpToDate(storage, 'migration', steps)
    this.#sql = sql
    const write = (query: string, ...values: SqlStorageValue[]) => this.#write(query, ...values)
    this.uploads = new UploadTable(sql, write)
    this.failures = new FailureTable(sql, write)
    this.announcements = new Announcements(sql, write)
    this.events = new EventRing(sql, write)
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

  lastPass(): PassRow | null {
    return this.#passes('ORDER BY number DESC LIMIT 1')[0] ?? null
  }

  pass(number: number): PassRow | null {
    return this.#passes('WHERE number = ?', number)[0] ?? null
  }

  /** Of lower numbers, the newest first. */
  passesBefore(number: number, limit: number): PassRow[] {
    return this.#passes('WHERE number < ? ORDER BY number DESC LIMIT ?', number, limit)
  }

  /** The last that looks at everything, however it ended: what lies where was known to it. */
  lastWhole(): PassRow | null {
    return this.#passes('WHERE retries IS NULL ORDER BY number DESC LIMIT 1')[0] ?? null
  }

  /** The first after `number` that has looked at everything, to its end; null: there is none. */
  wholeAfter(number: number): PassRow | null {
    const where = `WHERE number > ? AND retries IS NULL AND state IN ('complete', 'incomplete')
      AND json_extract(options, '$.dryRun') = 0 ORDER BY number LIMIT 1`
    return this.#passes(where, number)[0] ?? null
  }

  /** The last before `number` of which this can be said. */
  wholeBefore(number: number): PassRow | null {
    const where = `WHERE number < ? AND retries IS NULL AND state IN ('complete', 'incomplete')
      AND json_extract(options, '$.dryRun') = 0 ORDER BY number DESC LIMIT 1`
    return this.#passes(where, number)[0] ?? null
  }

  /** A pass over everything and its retries, in their order. */
  series(base: number): PassRow[] {
    return this.#passes('WHERE number = ?1 OR (number > ?1 AND base = ?1) ORDER BY number', base)
  }

  /** Of the failures of a pass. */
  failureIds({ number, firstFailure }: PassRow): Ids {
    return { first: firstFailure, end: this.pass(number + 1)?.firstFailure ?? this.failures.next() }
  }

  /** The id past a pass's last packet. */
  endOfPackets(number: number): number {
    return this.#passes('WHERE number = ?', number + 1)[0]?.firstPacket ?? Number.MAX_SAFE_INTEGER
  }

  #passes(where: string, ...values: SqlStorageValue[]): PassRow[] {
    const columns =
      'number, state, options, started_at, ended_at, first_packet, first_failure, retries, base, left_to, counters, told'
    const rows = this.#sql.exec<Row>(`SELECT ${columns} FROM pass ${where}`, ...values).toArray()
    return rows.map((row) => ({
      number: row.number as number,
      state: row.state as PassState,
      options: JSON.parse(row.options as string),
      startedAt: row.started_at as number,
      endedAt: row.ended_at as number | null,
      firstPacket: row.first_packet as number,
      firstFailure: row.first_failure as number,
      retries: row.retries as number | null,
      base: (row.base ?? row.number) as number,
      leftTo: row.left_to as number | null,
      counters: JSON.parse(row.counters as string),
      told: row.told === 1,
    }))
  }

  insertPass(pass: PassRow): void {
    const { number, state, options, startedAt, endedAt, firstPacket, firstFailure, retries, base } = pass
    this.#write(
      `INSERT INTO pass (number, state, options, started_at, ended_at, first_packet, first_failure, retries, base, counters, told)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[number, state, JSON.stringify(options), startedAt, endedAt, firstPacket, firstFailure],
      ...[retries, base, JSON.stringify(pass.counters), Number(pass.told)],
    )
  }

  saveCounters({ number, counters }: PassRow): void {
    this.#write('UPDATE pass SET counters = ? WHERE number = ?', JSON.stringify(counters), number)
  }

  /** With its final state, of which nobody has been told yet. `strip`: null where it is not known. */
  endPass({ number, state, endedAt, counters }: PassRow, strip: string | null): void {
    this.#write(
      'UPDATE pass SET state = ?, ended_at = ?, counters = ?, told = 0, strip = ? WHERE number = ?',
      ...[state, endedAt, JSON.stringify(counters), strip, number],
    )
  }

  /** What a pass that is over has kept. */
  strip(number: number): string | null {
    const [row] = this.#sql.exec<Row>('SELECT strip FROM pass WHERE number = ?', number).toArray()
    return (row?.strip as string | null | undefined) ?? null
  }

  keepStrip(number: number, strip: string): void {
    this.#write('UPDATE pass SET strip = ? WHERE number = ?', strip, number)
  }

  /** Of one that is over. */
  setState(number: number, state: PassState): void {
    this.#write('UPDATE pass SET state = ? WHERE number = ?', state, number)
  }

  /** The retry that does what a pass left undone; null: nobody does. */
  leaveTo(number: number, retry: number | null): void {
    this.#write('UPDATE pass SET left_to = ? WHERE number = ?', retry, number)
  }

  /** The fleet and the catalogue are to be told of it again. */
  setUntold(number: number): void {
    this.#write('UPDATE pass SET told = 0 WHERE number = ?', number)
  }

  /** Nothing where the pass has come to another state since. */
  setTold(number: number, state: PassState): void {
    this.#write('UPDATE pass SET told = 1 WHERE number = ? AND state = ?', number, state)
  }

  next(table: 'packet' | 'session'): number {
    return this.#sql.exec<{ n: number }>(`SELECT COALESCE(MAX(id), 0) + 1 AS n FROM ${table}`).one().n
  }

  packet(id: number): Packet | null {
    const row = this.#sql.exec<Row>('SELECT * FROM packet WHERE id = ?', id).toArray()[0]
    return row ? toPacket(row) : null
  }

  /** From `first` on, in the order of ids; only what the queue has to know, since there may be millions. */
  *ready(first: number): Generator<Ready> {
    const query = `SELECT id, kind, prefer, not_before FROM packet WHERE id >= ? AND state = 'ready'`
    for (const row of this.#sql.exec<Row>(query, first)) {
      yield {
        id: row.id as number,
        kind: row.kind as PacketKind,
        prefer: row.prefer as number | null,
        notBefore: row.not_before as number,
      }
    }
  }

  leased(first: number): Packet[] {
    const query = `SELECT * FROM packet WHERE id >= ? AND state = 'leased'`
    return this.#sql.exec<Row>(query, first).toArray().map(toPacket)
  }

  insertPacket(id: number, packet: NewPacket): void {
    this.#write(
      'INSERT INTO packet VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      id,
      ...toRow(packet),
    )
  }

  updatePacket(packet: Packet): void {
    this.#write(
      `UPDATE packet SET kind = ?, state = ?, after = ?, through = ?, objects = ?, bytes = ?, generation = ?,
        failures = ?, error = ?, prefer = ?, session = ?, not_before = ?, counts = ?, report = ?,
        upload = ?, first_part = ?, last_part = ?, md5s = ? WHERE id = ?`,
      ...toRow(packet),
      packet.id,
    )
  }

  /** Of those with ids in [first, end) that stand for a part of the key space: which. In the order of ids. */
  *placed(first: number, end: number): Generator<Placed> {
    const query = `SELECT id, after, through FROM packet WHERE id >= ? AND id < ? AND NOT (kind = 'survey' AND state = 'done')
      AND kind <> 'parts' ORDER BY id`
    for (const row of this.#sql.exec<Row>(query, first, end)) yield row as unknown as Placed
  }

  /** Those with ids in [first, end) that stand for a part of the key space, in its order, from the start `from` on. */
  inKeyOrder(first: number, end: number, from: Key | null, limit: number): Packet[] {
    const rest = from === null ? '' : 'AND after >= ?'
    return this.#sql
      .exec<Row>(
        `SELECT * FROM packet WHERE id >= ? AND id < ? AND NOT (kind = 'survey' AND state = 'done') AND kind <> 'parts' ${rest}
          ORDER BY after LIMIT ?`,
        ...[first, end, ...(from === null ? [] : [from]), limit],
      )
      .toArray()
      .map(toPacket)
  }

  /** Those with ids in [first, end) that stand for a part of the key space, and of `range`, in no order. */
  *covering(first: number, end: number, { after, through }: Range): Generator<Packet> {
    const query = `SELECT * FROM packet WHERE id >= ?1 AND id < ?2 AND NOT (kind = 'survey' AND state = 'done') AND kind <> 'parts'
      AND (?3 IS NULL OR through IS NULL OR through > ?3) AND (?4 IS NULL OR after IS NULL OR after < ?4)`
    for (const row of this.#sql.exec<Row>(query, first, end, after, through)) yield toPacket(row)
  }

  /** The ends of some `n` packets, evenly spread over the ids in [first, end). */
  sampleEnds(first: number, end: number, n: number): Key[] {
    const stride = Math.max(1, Math.floor((end - first) / n))
    const ends: Key[] = []
    for (let id = first; id < end; id += stride) {
      const packet = this.packet(id)
      if (packet && packet.through !== null) ends.push(packet.through)
    }
    return ends
  }

  /** Accepted reports among the ids in [first, end), in their order. */
  reports(first: number, end: number, limit: number): { packet: number; generation: number }[] {
    return this.#sql
      .exec<{ packet: number; generation: number }>(
        `SELECT id AS packet, generation FROM packet WHERE id >= ? AND id < ? AND report = 1 ORDER BY id LIMIT ?`,
        ...[first, end, limit],
      )
      .toArray()
  }

  sessions(): SessionRow[] {
    return this.#sql.exec<Row>('SELECT * FROM session').toArray() as unknown as SessionRow[]
  }

  sessionOf(agent: string, session: string): SessionRow | null {
    const query = 'SELECT * FROM session WHERE agent = ? AND session = ?'
    return (this.#sql.exec<Row>(query, agent, session).toArray()[0] as SessionRow | undefined) ?? null
  }

  insertSession({ id, agent, session, started }: SessionRow): void {
    this.#write('INSERT INTO session VALUES (?, ?, ?, ?)', id, agent, session, started)
  }
}

function toRow(packet: NewPacket): SqlStorageValue[] {
  return [
    packet.kind,
    packet.state,
    packet.after,
    packet.through,
    packet.work.objects,
    packet.work.bytes,
    packet.generation,
    packet.failures,
    packet.error,
    packet.prefer,
    packet.state === 'leased' ? packet.session : null,
    packet.state === 'ready' ? packet.notBefore : null,
    packet.state === 'done' && packet.counts ? JSON.stringify(packet.counts) : null,
    packet.state === 'done' ? Number(packet.report) : null,
    packet.upload,
    packet.parts?.first ?? null,
    packet.parts?.last ?? null,
    (packet.state === 'done' && packet.md5s) || null,
  ]
}

function toPacket(row: Row): Packet {
  const common = {
    id: row.id as number,
    kind: row.kind as PacketKind,
    after: row.after as Key | null,
    through: row.through as Key | null,
    work: { objects: row.objects as number, bytes: row.bytes as number },
    generation: row.generation as number,
    failures: row.failures as number,
    error: row.error as Packet['error'],
    prefer: row.prefer as number | null,
    upload: row.upload as number | null,
    parts:
      row.first_part === null ? null : { first: row.first_part as number, last: row.last_part as number },
  }
  switch (row.state as Packet['state']) {
    case 'ready':
      return { ...common, state: 'ready', notBefore: (row.not_before as number | null) ?? 0 }
    case 'leased':
      return { ...common, state: 'leased', session: row.session as number, since: 0 }
    case 'done':
      return {
        ...common,
        state: 'done',
        counts: row.counts === null ? null : JSON.parse(row.counts as string),
        report: row.report === 1,
        ...(row.md5s !== null && { md5s: row.md5s as string }),
      }
    case 'expanded':
      return { ...common, state: 'expanded' }
    default:
      return { ...common, state: 'parked' }
  }
}
