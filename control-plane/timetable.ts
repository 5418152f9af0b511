/**
 * The `Timetable` object of a workspace: knows when each of its schedules is due next, and starts their passes then. What is scheduled is
 * the catalogue's to say; here is only the moment, so that a time that passed while nobody was there to see it is made good, once.
 *
 * A pass that is still running is not joined by another: that time is skipped, and recorded as such. A time that could not be dealt with,
 * for reasons of our own, is tried again until it is.
 */
import { DurableObject } from 'cloudflare:workers'
import { eq } from 'drizzle-orm'
import type { LastRun } from '../shared/api/schedules.ts'
import { nextTime } from '../shared/cron.ts'
import { eventOf } from './core/events.ts'
import type { Env } from './env.ts'
import { beginPass } from './routes/begin-pass.ts'
import { findMigration } from './routes/find.ts'
import { Refusal } from './routes/problem.ts'
import { bringUpToDate, type Step } from './schema-version.ts'
import { Scope, system } from './store/scope.ts'
import { schedules } from './store/tables/schedules.ts'

type Schedule = typeof schedules.$inferSelect
/** `last`: what became of it, where that is not yet told everywhere; as JSON. */
type Entry = { id: string; revision: number; due: number; last: string | null }

/** Before it is tried again what failed for a reason of our own, in ms. */
const ownPause = 60_000

const steps: readonly Step[] = [
  (sql) =>
    sql.exec(
      'CREATE TABLE entry (id TEXT PRIMARY KEY, revision INTEGER NOT NULL, due INTEGER NOT NULL, last TEXT)',
    ),
]

export class Timetable extends DurableObject<Env> {
  readonly #sql: SqlStorage
  readonly #scope: Scope

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#sql = ctx.storage.sql
    bringUpToDate(ctx.storage, 'timetable', steps)
    this.#scope = new Scope(env.DB, ctx.id.name!, system)
  }

  /** Schedules were set or deleted: those that are as they were keep their time. */
  async changed(): Promise<void> {
    const now = Date.now()
    const wanted = await this.#scope.rows(schedules, { where: eq(schedules.enabled, true) })
    const known = new Map(this.#entries().map((entry) => [entry.id, entry]))
    for (const row of wanted) {
      if (known.get(row.id)?.revision !== row.revision) this.#expect(row, now)
      known.delete(row.id)
    }
    for (const id of known.keys()) this.#forget(id)
    await this.#arm()
  }

  /** Its workspace is deleted. */
  async erase(): Promise<void> {
    await this.ctx.storage.deleteAlarm()
    for (const { id } of this.#entries()) this.#forget(id)
  }

  override async alarm(): Promise<void> {
    const due = this.#entries().filter((entry) => entry.due <= Date.now())
    let again: number | null = null
    for (const entry of due) {
      try {
        await this.#run(entry)
      } catch (error) {
        console.warn('a schedule could not be looked at', error)
        again = Date.now() + ownPause
      }
    }
    await this.#arm(again)
  }

  async #run({ id, due, last: known }: Entry): Promise<void> {
    const row = await this.#scope.row(schedules, eq(schedules.id, id))
    if (!row?.enabled) {
      this.#forget(id)
      return
    }
    const last: LastRun = known ? JSON.parse(known) : { due, at: Date.now(), ...(await this.#start(row)) }
    // Whatever fails from here on is tried again, and starts nothing a second time.
    this.#sql.exec('UPDATE entry SET last = ? WHERE id = ?', JSON.stringify(last), id)
    if (last.outcome !== 'started') await this.#announce(row, last)
    const { pass, message } = last
    await this.#scope.write(this.#scope.update(schedules, { last }, eq(schedules.id, id)), {
      action: `schedule.${last.outcome}`,
      subject: `schedule/${id}`,
      after: { migration: row.migration, due: new Date(due).toISOString(), pass, message },
    })
    // All that was missed meanwhile is made good by this one.
    this.#expect(row, last.at)
  }

  async #announce({ id, migration }: Schedule, { due, at, message }: LastRun): Promise<void> {
    const { workspace } = this.#scope
    const data = { schedule: id, migration, due, reason: message }
    const event = eventOf(workspace, 'schedule.missed', [id, due], at, data)
    await this.env.COURIER.getByName(workspace).accept(event)
  }

  /** A refusal is its outcome; anything else is thrown, and tried again. */
  async #start(row: Schedule): Promise<Pick<LastRun, 'outcome' | 'pass' | 'message'>> {
    try {
      const migration = await findMigration(this.#scope, row.migration)
      const answer = await beginPass(this.env, this.#scope, migration, row.options)
      if ('pass' in answer && !answer.resumed) {
        const { number } = answer.pass
        return { outcome: 'started', pass: number, message: `pass ${number} was started` }
      }
      const { number } = 'busy' in answer ? answer.busy : answer.pass
      return { outcome: 'skipped', pass: number, message: `pass ${number} was still running` }
    } catch (error) {
      if (error instanceof Refusal) return { outcome: 'failed', pass: null, message: error.message }
      throw error
    }
  }

  #expect({ id, revision, cron, zone }: Schedule, now: number): void {
    const due = nextTime(cron, zone, now)
    if (due === null) this.#forget(id)
    else this.#sql.exec('INSERT OR REPLACE INTO entry VALUES (?, ?, ?, NULL)', id, revision, due)
  }

  #forget(id: string): void {
    this.#sql.exec('DELETE FROM entry WHERE id = ?', id)
  }

  #entries(): Entry[] {
    return this.#sql.exec<Entry>('SELECT * FROM entry ORDER BY due, id').toArray()
  }

  async #arm(notBefore: number | null = null): Promise<void> {
    const [next] = this.#entries()
    if (next) await this.ctx.storage.setAlarm(Math.max(next.due, notBefore ?? 0))
    else await this.ctx.storage.deleteAlarm()
  }
}
