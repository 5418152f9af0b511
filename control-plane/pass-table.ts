/**
 * The passes of a migration, a row each. One pass runs at a time, so its packets are a run of ids, and so are its failures; the row says where
 * each begins.
 */
import type { PassState } from '../shared/api/migrations.ts'
import { type PassOptions, passOptionsSchema } from '../shared/policy.ts'
import type { Counters } from './core/counters.ts'
import type { Row, Write } from './schema-version.ts'

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

/** Has looked at everything, to its end. */
const saw = `retries IS NULL AND state IN ('complete', 'incomplete') AND json_extract(options, '$.dryRun') = 0`

export class PassTable {
  readonly #sql: SqlStorage
  readonly #write: Write

  constructor(sql: SqlStorage, write: Write) {
    this.#sql = sql
    this.#write = write
  }

  last(): PassRow | null {
    return this.#rows('ORDER BY number DESC LIMIT 1')[0] ?? null
  }

  get(number: number): PassRow | null {
    return this.#rows('WHERE number = ?', number)[0] ?? null
  }

  /** Of lower numbers, the newest first. */
  before(number: number, limit: number): PassRow[] {
    return this.#rows('WHERE number < ? ORDER BY number DESC LIMIT ?', number, limit)
  }

  /** The last that looks at everything, however it ended: what lies where was known to it. */
  lastWhole(): PassRow | null {
    return this.#rows('WHERE retries IS NULL ORDER BY number DESC LIMIT 1')[0] ?? null
  }

  /** The last that came to its end, and was no dry run. */
  lastEnded(): PassRow | null {
    const ended = `state IN ('complete', 'incomplete') AND json_extract(options, '$.dryRun') = 0`
    return this.#rows(`WHERE ${ended} ORDER BY number DESC LIMIT 1`)[0] ?? null
  }

  /** The first after `number` that has looked at everything, to its end; null: there is none. */
  wholeAfter(number: number): PassRow | null {
    return this.#rows(`WHERE number > ? AND ${saw} ORDER BY number LIMIT 1`, number)[0] ?? null
  }

  /** The last before `number` of which this can be said. */
  wholeBefore(number: number): PassRow | null {
    return this.#rows(`WHERE number < ? AND ${saw} ORDER BY number DESC LIMIT 1`, number)[0] ?? null
  }

  /** A pass over everything and its retries, in their order. */
  series(base: number): PassRow[] {
    return this.#rows('WHERE number = ?1 OR (number > ?1 AND base = ?1) ORDER BY number', base)
  }

  /** Whose packet it is; null where that pass is forgotten. */
  ofPacket(packet: number): PassRow | null {
    return this.#rows('WHERE first_packet <= ? ORDER BY number DESC LIMIT 1', packet)[0] ?? null
  }

  /** The id past a pass's last packet. */
  endOfPackets(number: number): number {
    return this.get(number + 1)?.firstPacket ?? Number.MAX_SAFE_INTEGER
  }

  #rows(where: string, ...values: SqlStorageValue[]): PassRow[] {
    const columns =
      'number, state, options, started_at, ended_at, first_packet, first_failure, retries, base, left_to, counters, told'
    const rows = this.#sql.exec<Row>(`SELECT ${columns} FROM pass ${where}`, ...values).toArray()
    return rows.map((row) => ({
      number: row.number as number,
      state: row.state as PassState,
      // One that was stored by an earlier version lacks what has come since.
      options: passOptionsSchema.parse(JSON.parse(row.options as string)),
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

  insert(pass: PassRow): void {
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
  end({ number, state, endedAt, counters }: PassRow, strip: string | null): void {
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

  dropStrip(number: number): void {
    this.#write('UPDATE pass SET strip = NULL WHERE number = ?', number)
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
}
