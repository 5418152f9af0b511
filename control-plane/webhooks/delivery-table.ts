/**
 * The deliveries of a workspace, in its `Courier`: those that wait, and what became of the others. Bounded: of each webhook the last 1,000
 * that are over and no older than 30 days, and 1,000 that wait.
 */

import type { WebhookEvent } from '../../shared/api/webhook-events.ts'
import type { DeliveryView } from '../../shared/api/webhooks.ts'
import type { Attempt, Settled } from '../core/delivery.ts'

const keep = 1_000
const keepMs = 30 * 24 * 60 * 60 * 1_000

export interface Due {
  readonly id: number
  readonly webhook: string
  readonly attempts: number
  readonly event: WebhookEvent
}

type Row = Record<string, SqlStorageValue>

export class DeliveryTable {
  readonly #sql: SqlStorage

  constructor(sql: SqlStorage) {
    this.#sql = sql
    sql.exec(`
      CREATE TABLE IF NOT EXISTS delivery (
        id INTEGER PRIMARY KEY AUTOINCREMENT, webhook TEXT NOT NULL, event TEXT NOT NULL, type TEXT NOT NULL, body TEXT NOT NULL,
        state TEXT NOT NULL, created_at INTEGER NOT NULL, attempts INTEGER NOT NULL, due INTEGER, tried_at INTEGER,
        status INTEGER, duration INTEGER, answer TEXT
      );
      CREATE UNIQUE INDEX IF NOT EXISTS delivery_once ON delivery (webhook, event);
      CREATE INDEX IF NOT EXISTS delivery_due ON delivery (due) WHERE due IS NOT NULL;
    `)
  }

  /** Its id; null where the webhook has the event already. */
  add(webhook: string, event: WebhookEvent, now: number, due: number): number | null {
    const added = this.#sql
      .exec<{ id: number }>(
        `INSERT INTO delivery (webhook, event, type, body, state, created_at, attempts, due) VALUES (?, ?, ?, ?, 'waiting', ?, 0, ?)
          ON CONFLICT DO NOTHING RETURNING id`,
        ...[webhook, event.id, event.type, JSON.stringify(event), now, due],
      )
      .toArray()
    if (added.length > 0) this.#prune(webhook, now)
    return added[0]?.id ?? null
  }

  /** Those that are due, oldest first, of each webhook at most `each`: one that hangs leaves room for the others. */
  due(now: number, limit: number, each: number): Due[] {
    const query = `SELECT id, webhook, attempts, body FROM (
        SELECT *, ROW_NUMBER() OVER (PARTITION BY webhook ORDER BY due, id) AS place FROM delivery WHERE due <= ?
      ) WHERE place <= ? ORDER BY due, id LIMIT ?`
    return this.#sql.exec<Row>(query, now, each, limit).toArray().map(toDue)
  }

  one(id: number): Due | null {
    const [row] = this.#sql.exec<Row>('SELECT * FROM delivery WHERE id = ?', id).toArray()
    return row ? toDue(row) : null
  }

  /** When the next is due; null where none is. */
  nextDue(): number | null {
    const query = 'SELECT MIN(due) AS due FROM delivery WHERE due IS NOT NULL'
    return this.#sql.exec<{ due: number | null }>(query).one().due
  }

  /** After an attempt; `attempts` with it. */
  settle(id: number, attempts: number, { state, due }: Settled, tried: Attempt, now: number): void {
    this.#sql.exec(
      `UPDATE delivery SET state = ?, due = ?, attempts = ?, tried_at = ?, status = ?, duration = ?, answer = ? WHERE id = ?`,
      ...[state, due, attempts, now, tried.status, tried.duration, tried.answer, id],
    )
  }

  /** Without an attempt that counts. */
  postpone(id: number, due: number): void {
    this.#sql.exec('UPDATE delivery SET due = ? WHERE id = ?', due, id)
  }

  giveUp(id: number, why: string): void {
    this.#sql.exec(`UPDATE delivery SET state = 'given-up', due = NULL, answer = ? WHERE id = ?`, why, id)
  }

  /** From the first try on. False where the webhook has no such delivery. */
  again(webhook: string, id: number, now: number): boolean {
    const query = `UPDATE delivery SET state = 'waiting', due = ?, attempts = 0 WHERE id = ? AND webhook = ?`
    return this.#sql.exec(query, now, id, webhook).rowsWritten > 0
  }

  /** The webhook is no more. */
  forget(webhook: string): void {
    this.#sql.exec('DELETE FROM delivery WHERE webhook = ?', webhook)
  }

  view(id: number): DeliveryView | null {
    const [row] = this.#sql.exec<Row>('SELECT * FROM delivery WHERE id = ?', id).toArray()
    return row ? toView(row) : null
  }

  /** Newest first, those with ids below `before`. */
  page(webhook: string, before: number, limit: number): DeliveryView[] {
    const query = 'SELECT * FROM delivery WHERE webhook = ? AND id < ? ORDER BY id DESC LIMIT ?'
    return this.#sql.exec<Row>(query, webhook, before, limit).toArray().map(toView)
  }

  #prune(webhook: string, now: number): void {
    this.#sql.exec(
      `DELETE FROM delivery WHERE webhook = ? AND due IS NULL AND (created_at < ? OR id <= (
        SELECT id FROM delivery WHERE webhook = ? AND due IS NULL ORDER BY id DESC LIMIT 1 OFFSET ?))`,
      ...[webhook, now - keepMs, webhook, keep],
    )
    this.#sql.exec(
      `UPDATE delivery SET state = 'given-up', due = NULL, answer = 'more than ${keep} later ones wait' WHERE webhook = ? AND due IS NOT NULL AND id <= (
        SELECT id FROM delivery WHERE webhook = ? AND due IS NOT NULL ORDER BY id DESC LIMIT 1 OFFSET ?)`,
      ...[webhook, webhook, keep],
    )
  }
}

const toDue = (row: Row): Due => ({
  id: row.id as number,
  webhook: row.webhook as string,
  attempts: row.attempts as number,
  event: JSON.parse(row.body as string),
})

const toView = (row: Row): DeliveryView => ({
  id: row.id as number,
  webhook: row.webhook as string,
  event: row.event as string,
  type: row.type as DeliveryView['type'],
  state: row.state as DeliveryView['state'],
  createdAt: row.created_at as number,
  attempts: row.attempts as number,
  due: row.due as number | null,
  triedAt: row.tried_at as number | null,
  status: row.status as number | null,
  duration: row.duration as number | null,
  answer: row.answer as string | null,
})
