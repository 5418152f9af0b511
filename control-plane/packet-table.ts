/**
 * The packets of a migration. Rows written are what a control plane costs, so they have no index but their id: each step of a packet writes one
 * row. What is asked for by key reads the packets of the ids that it is told; packet-runs.ts knows which.
 */
import type { Key } from '../shared/key.ts'
import type { PacketKind } from '../shared/protocol.ts'
import type { Range } from '../shared/range.ts'
import type { NewPacket, Packet } from './core/packet.ts'
import type { Ready } from './core/queue.ts'
import type { Row, Write } from './schema-version.ts'

/** What says where in the key space a packet lies. */
export type Placed = Pick<Packet, 'id' | 'after' | 'through'>

/** Those that stand for a part of the key space: a survey that is done has become others, and parts are of one object, which has a packet. */
const tiles = `NOT (kind = 'survey' AND state = 'done') AND kind NOT IN ('parts', 'event')`

export class PacketTable {
  readonly #sql: SqlStorage
  readonly #write: Write

  constructor(sql: SqlStorage, write: Write) {
    this.#sql = sql
    this.#write = write
  }

  next(): number {
    return this.#sql.exec<{ n: number }>('SELECT COALESCE(MAX(id), 0) + 1 AS n FROM packet').one().n
  }

  get(id: number): Packet | null {
    const row = this.#sql.exec<Row>('SELECT * FROM packet WHERE id = ?', id).toArray()[0]
    return row ? toPacket(row) : null
  }

  /** From `first` on, in the order of ids; only what has to be known to queue them, since there may be millions. */
  *ready(first: number): Generator<Ready & { readonly deletes: number }> {
    const query = `SELECT id, kind, prefer, not_before, deletes FROM packet WHERE id >= ? AND state = 'ready'`
    for (const row of this.#sql.exec<Row>(query, first)) {
      yield {
        id: row.id as number,
        kind: row.kind as PacketKind,
        prefer: row.prefer as number | null,
        notBefore: row.not_before as number,
        deletes: (row.deletes as number | null) ?? 0,
      }
    }
  }

  leased(first: number): Packet[] {
    const query = `SELECT * FROM packet WHERE id >= ? AND state = 'leased'`
    return this.#sql.exec<Row>(query, first).toArray().map(toPacket)
  }

  /** Of events, from `first` on. */
  *events(first: number): Generator<Packet> {
    const query = `SELECT * FROM packet WHERE id >= ? AND kind = 'event'`
    for (const row of this.#sql.exec<Row>(query, first)) yield toPacket(row)
  }

  insert(id: number, packet: NewPacket): void {
    this.#write(
      `INSERT INTO packet (id, ${columns}) VALUES (?${', ?'.repeat(columnCount)})`,
      id,
      ...toRow(packet),
    )
  }

  update(packet: Packet): void {
    const values = toRow(packet)
    this.#write(
      `UPDATE packet SET (${columns}) = (?${', ?'.repeat(columnCount - 1)}) WHERE id = ?`,
      ...values,
      packet.id,
    )
  }

  /** Of those with ids in [first, end) that stand for a part of the key space: which. In the order of ids. */
  *placed(first: number, end: number): Generator<Placed> {
    const query = `SELECT id, after, through FROM packet WHERE id >= ? AND id < ? AND ${tiles} ORDER BY id`
    for (const row of this.#sql.exec<Row>(query, first, end)) yield row as unknown as Placed
  }

  /** Those with ids in [first, end) that stand for a part of the key space, in its order, from the start `from` on. */
  inKeyOrder(first: number, end: number, from: Key | null, limit: number): Packet[] {
    const rest = from === null ? '' : 'AND after >= ?'
    return this.#sql
      .exec<Row>(
        `SELECT * FROM packet WHERE id >= ? AND id < ? AND ${tiles} ${rest}
          ORDER BY after LIMIT ?`,
        ...[first, end, ...(from === null ? [] : [from]), limit],
      )
      .toArray()
      .map(toPacket)
  }

  /** Those with ids in [first, end) that stand for a part of the key space, and of `range`, in no order. */
  *covering(first: number, end: number, { after, through }: Range): Generator<Packet> {
    const query = `SELECT * FROM packet WHERE id >= ?1 AND id < ?2 AND ${tiles}
      AND (?3 IS NULL OR through IS NULL OR through > ?3) AND (?4 IS NULL OR after IS NULL OR after < ?4)`
    for (const row of this.#sql.exec<Row>(query, first, end, after, through)) yield toPacket(row)
  }

  /** The first of those with ids in [first, end), so many at most; how many there were. */
  forget(first: number, end: number, limit: number): number {
    const count = 'SELECT COUNT(*) AS n FROM (SELECT 1 FROM packet WHERE id >= ? AND id < ? LIMIT ?)'
    const n = this.#sql.exec<{ n: number }>(count, first, end, limit).one().n
    if (n === 0) return 0
    const some = 'SELECT id FROM packet WHERE id >= ? AND id < ? ORDER BY id LIMIT ?'
    this.#write(`DELETE FROM packet WHERE id IN (${some})`, first, end, limit)
    return n
  }

  /** The ends of some `n` packets, evenly spread over the ids in [first, end). */
  sampleEnds(first: number, end: number, n: number): Key[] {
    const stride = Math.max(1, Math.floor((end - first) / n))
    const ends: Key[] = []
    for (let id = first; id < end; id += stride) {
      const packet = this.get(id)
      if (packet && packet.kind !== 'event' && packet.through !== null) ends.push(packet.through)
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
}

/** All but the id, as `toRow` has them. */
const columns = `kind, state, after, through, objects, bytes, generation, failures, error, prefer, session, not_before, counts, report,
  upload, first_part, last_part, md5s, deletes, may_delete, told, seal`
const columnCount = columns.split(',').length

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
    packet.work.deletes ?? null,
    packet.state === 'leased' ? packet.deletes : null,
    packet.told ?? null,
    packet.state === 'done' && packet.seal ? JSON.stringify(packet.seal) : null,
  ]
}

function toPacket(row: Row): Packet {
  const common = {
    id: row.id as number,
    kind: row.kind as PacketKind,
    after: row.after as Key | null,
    through: row.through as Key | null,
    work: {
      objects: row.objects as number,
      bytes: row.bytes as number,
      ...(row.deletes !== null && { deletes: row.deletes as number }),
    },
    generation: row.generation as number,
    failures: row.failures as number,
    error: row.error as Packet['error'],
    prefer: row.prefer as number | null,
    upload: row.upload as number | null,
    parts:
      row.first_part === null ? null : { first: row.first_part as number, last: row.last_part as number },
    ...(row.told !== null && { told: row.told as number }),
  }
  switch (row.state as Packet['state']) {
    case 'ready':
      return { ...common, state: 'ready', notBefore: (row.not_before as number | null) ?? 0 }
    case 'leased':
      return {
        ...common,
        state: 'leased',
        session: row.session as number,
        since: 0,
        deletes: (row.may_delete as number | null) ?? 0,
      }
    case 'done':
      return {
        ...common,
        state: 'done',
        counts: row.counts === null ? null : JSON.parse(row.counts as string),
        report: row.report === 1,
        ...(row.md5s !== null && { md5s: row.md5s as string }),
        ...(row.seal !== null && { seal: JSON.parse(row.seal as string) }),
      }
    case 'expanded':
      return { ...common, state: 'expanded' }
    default:
      return { ...common, state: 'parked' }
  }
}
