/**
 * The `Timetable` object of a workspace: knows when each of its schedules is due next, and starts then what they say; and when the hours of
 * each begin and end, and pauses and resumes then (core/open-hours.ts). What is scheduled is the catalogue's to say; here are only the
 * moments, so that a time that passed while nobody was there to see it is made good, once.
 *
 * A pass that is still running is not joined by another: that time is skipped, and recorded as such. A time that could not be dealt with,
 * for reasons of our own, is tried again until it is. What comes of a moment is decided by how things are then, so that doing it again does
 * nothing; and what somebody else has paused, or has resumed in between, stays as it is.
 */
import { DurableObject } from 'cloudflare:workers'
import { eq } from 'drizzle-orm'
import type { LastRun } from '../shared/api/schedules.ts'
import { passOptions } from '../shared/policy.ts'
import { eventOf } from './core/events.ts'
import { closedBy, nextOpen, nextStart, nextTurn } from './core/open-hours.ts'
import type { Env } from './env.ts'
import { definedBy } from './life-errands.ts'
import { beginPass, inTheWay, refuseBlindDelete } from './routes/begin-pass.ts'
import { findMigration, objectOf } from './routes/find.ts'
import { Refusal } from './routes/problem.ts'
import { wholeDefinition } from './routes/resolve.ts'
import { addColumns, bringUpToDate, type Step } from './schema-version.ts'
import { Scope, system } from './store/scope.ts'
import { isDone, schedules, setIn } from './store/tables/schedules.ts'

type Schedule = typeof schedules.$inferSelect
interface Entry extends Record<string, SqlStorageValue> {
  readonly id: string
  readonly revision: number
  /** When it is to start something; `never`. */
  readonly due: number
  /** What became of it, where that is not yet told everywhere; as JSON. */
  readonly last: string | null
  /** When its hours begin or end next; null where they never do. */
  readonly turn: number | null
  readonly migration: string | null
  /** That it has started last. */
  readonly pass: number | null
}
const never = 8_640_000_000_000_000

/** Before it is tried again what failed for a reason of our own, in ms. */
const ownPause = 60_000

const steps: readonly Step[] = [
  (sql) =>
    sql.exec(
      'CREATE TABLE entry (id TEXT PRIMARY KEY, revision INTEGER NOT NULL, due INTEGER NOT NULL, last TEXT)',
    ),
  (sql) => addColumns(sql, 'entry', { turn: 'INTEGER', migration: 'TEXT', pass: 'INTEGER' }),
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
      const entry = known.get(row.id)
      if (entry?.revision !== row.revision) {
        // Other hours hold from now on, or none any more.
        const turns = hasHours(row) || (entry?.turn ?? null) !== null
        this.#expect(row, now, entry?.pass ?? null, turns ? now : null)
      }
      known.delete(row.id)
    }
    for (const { id, turn } of known.values()) {
      if (turn === null) this.#forget(id)
      else this.#sql.exec('UPDATE entry SET due = ?, turn = ? WHERE id = ?', never, now, id)
    }
    await this.#arm()
  }

  /** Its workspace is deleted. */
  async erase(): Promise<void> {
    await this.ctx.storage.deleteAlarm()
    for (const { id } of this.#entries()) this.#forget(id)
  }

  override async alarm(): Promise<void> {
    const now = Date.now()
    let again: number | null = null
    for (const entry of this.#entries().filter((each) => momentOf(each) <= now)) {
      try {
        await this.#look(entry, now)
      } catch (error) {
        console.warn('a schedule could not be looked at', error)
        again = Date.now() + ownPause
      }
    }
    await this.#arm(again)
  }

  async #look(entry: Entry, now: number): Promise<void> {
    const { id, due, turn } = entry
    const row = await this.#scope.row(schedules, eq(schedules.id, id))
    if (!row?.enabled) {
      if (turn !== null) await this.#resume(entry)
      this.#forget(id)
      return
    }
    const closed = closedBy(setIn(row), now)
    if (turn !== null && turn <= now) {
      if (closed) await this.#pause(row, entry, closed)
      else await this.#resume({ ...entry, migration: row.migration })
      this.#sql.exec('UPDATE entry SET turn = ? WHERE id = ?', nextTurn(setIn(row), now), id)
      if (isDone(row) && row.starts === 'pass' && !(await this.#isRunning(entry))) return this.#forget(id)
    }
    if (due > now) return
    if (closed && entry.last === null) {
      // It was due while nobody was there, and is made good when it may be.
      this.#sql.exec('UPDATE entry SET due = ? WHERE id = ?', nextOpen(setIn(row), now) ?? never, id)
    } else await this.#run(row, entry)
  }

  async #run(row: Schedule, { id, due, last: known, pass: before }: Entry): Promise<void> {
    const last: LastRun = known ? JSON.parse(known) : { due, at: Date.now(), ...(await this.#start(row)) }
    // Whatever fails from here on is tried again, and starts nothing a second time.
    this.#sql.exec('UPDATE entry SET last = ? WHERE id = ?', JSON.stringify(last), id)
    if (last.outcome !== 'started') await this.#announce(row, last)
    const { pass, message } = last
    // A moment is done when that is what it was due at, however late that was noticed.
    const told = row.at === null ? last : { ...last, due: Date.parse(row.at) }
    await this.#scope.write(this.#scope.update(schedules, { last: told }, eq(schedules.id, id)), {
      action: `schedule.${last.outcome}`,
      subject: `schedule/${id}`,
      after: { migration: row.migration, due: new Date(due).toISOString(), pass, message },
    })
    // All that was missed meanwhile is made good by this one.
    this.#expect({ ...row, last: told }, last.at, last.outcome === 'started' ? pass : before)
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
      const object = this.#object(row.migration)
      const life = await object.life()
      const byLife = (command: Parameters<typeof object.commandLife>[0]) =>
        object.commandLife(command, byOf(row.id), definedBy(migration), null)
      if (row.starts === 'life') {
        if (!life.commands.includes('start'))
          return { outcome: 'skipped', pass: null, message: `the migration is ${life.state} already` }
        refuseBlindDelete(migration, passOptions(migration.policy))
        await wholeDefinition(this.#scope, migration)
        const answer = await byLife({ do: 'start' })
        if ('refused' in answer) throw inTheWay(answer.refused)
        return { outcome: 'started', pass: null, message: 'its life was started' }
      }
      // Between two passes that follow.
      if (row.options.kind === 'verify' && life.commands.includes('verify')) {
        const { depth = migration.follow.depth, sample = migration.follow.sample } = row.options
        const answer = await byLife({ do: 'verify', depth, sample })
        if ('refused' in answer) throw inTheWay(answer.refused)
        return { outcome: 'started', pass: null, message: 'a verification was asked for' }
      }
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

  /** Its hours are over: what it has started, or on a day of a blackout whatever runs, comes to a halt. */
  async #pause(
    { id, migration, starts }: Schedule,
    { pass }: Entry,
    why: 'window' | 'blackout',
  ): Promise<void> {
    const object = this.#object(migration)
    const by = byOf(id)
    const { commands } = await object.life()
    if ((why === 'blackout' || starts === 'life') && commands.includes('pause')) {
      const defined = definedBy(await findMigration(this.#scope, migration))
      const answer = await object.commandLife({ do: 'pause', inFlight: 'finish' }, by, defined, null)
      if ('life' in answer) await this.#record(id, 'paused', { migration, why })
      return
    }
    const number = why === 'blackout' ? await object.lastPass() : pass
    const before = number ? await object.passStatus(number) : null
    if (!number || before?.state !== 'running' || before.paused) return
    await object.pausePass(number, 'finish', by)
    await this.#record(id, 'paused', { migration, pass: number, why })
  }

  /** What it has paused, and nobody has touched since. */
  async #resume({ id, migration }: Entry): Promise<void> {
    if (migration === null) return
    const object = this.#object(migration)
    const by = byOf(id)
    const { paused } = await object.life()
    if (paused?.by === by) {
      const defined = definedBy(await findMigration(this.#scope, migration))
      await object.commandLife({ do: 'resume' }, by, defined, null)
      await this.#record(id, 'resumed', { migration })
      return
    }
    const number = await object.lastPass()
    const status = number > 0 ? await object.passStatus(number) : null
    if (status?.paused?.by !== by) return
    await object.resumePass(number, by)
    await this.#record(id, 'resumed', { migration, pass: number })
  }

  #record(id: string, what: 'paused' | 'resumed', after: object): Promise<unknown> {
    return this.#scope.record({ action: `schedule.${what}`, subject: `schedule/${id}`, after })
  }

  #object(migration: string) {
    return objectOf(this.env, this.#scope.workspace, migration)
  }

  /** `pass`: that it has started last. `turn`: when to look at its hours, where not when they change. */
  #expect(row: Schedule, now: number, pass: number | null, turn: number | null = null): void {
    const schedule = setIn(row)
    // A moment that has gone by is made good.
    const due = row.at === null ? nextStart(schedule, now) : isDone(row) ? null : Date.parse(row.at)
    const next = turn ?? (hasHours(row) ? nextTurn(schedule, now) : null)
    if (due === null && next === null) this.#forget(row.id)
    else {
      this.#sql.exec(
        'INSERT OR REPLACE INTO entry (id, revision, due, last, turn, migration, pass) VALUES (?, ?, ?, NULL, ?, ?, ?)',
        ...[row.id, row.revision, due ?? never, next, row.migration, pass],
      )
    }
  }

  async #isRunning({ migration, pass }: Entry): Promise<boolean> {
    if (migration === null || pass === null) return false
    return (await this.#object(migration).passStatus(pass))?.state === 'running'
  }

  #forget(id: string): void {
    this.#sql.exec('DELETE FROM entry WHERE id = ?', id)
  }

  #entries(): Entry[] {
    return this.#sql.exec<Entry>('SELECT * FROM entry ORDER BY due, id').toArray()
  }

  async #arm(notBefore: number | null = null): Promise<void> {
    const next = Math.min(...this.#entries().map(momentOf))
    if (next < never) await this.ctx.storage.setAlarm(Math.max(next, notBefore ?? 0))
    else await this.ctx.storage.deleteAlarm()
  }
}

const hasHours = ({ window, blackouts }: Schedule): boolean => window !== null || blackouts.length > 0

/** When there is something to do for it. */
const momentOf = ({ due, turn }: Entry): number => Math.min(due, turn ?? never)

/** Whoever reads what was paused knows why. */
const byOf = (schedule: string): string => `schedule ${schedule}`
