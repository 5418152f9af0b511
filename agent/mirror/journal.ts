/**
 * What the mirror must not forget: an intent before each write, keys whose sides may differ, keys that were deleted.
 *
 * An intent is on the disk before the first byte of its write goes to either side. It is taken away when both sides have answered alike;
 * that may be lost, since what is found at the next start is looked at again. Commits are shared: all that came while the
 * last was at work goes into the next, so a busy mirror pays one fsync for many writes.
 *
 * Nothing is kept in memory but writes under way and counts: a side that is gone for a day makes a long table, not a large process.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Key } from '../../shared/key.ts'
import type { Verdict } from '../core/mirror-verdict.ts'
import type { Tables } from './journal-tables.ts'

/** `change`: of tags and the like, which makes no dirty key alike. */
export type IntentKind = 'put' | 'delete' | 'change'

export interface Intent {
  readonly keys: readonly Key[]
  readonly kind: IntentKind
  /** Of the first of its keys; the others' follow. */
  readonly seq: number
}

export interface DirtyKey {
  readonly key: Key
  readonly rev: number
  readonly since: number
  readonly attempts: number
  readonly sure: number
}

export interface JournalOptions {
  now?(): number
  /** Milliseconds after which a write that nobody heard the end of cannot land any more. */
  readonly lateMs: number
}

interface Queued {
  act(): void
  done(): void
  /** Absent where nobody waits. */
  failed?(error: unknown): void
}

/** What was committed lazily waits no longer than this (ms) where nothing else is. */
const lazyMs = 20

export const blob = (key: string): Buffer => Buffer.from(key, 'latin1')
export const keyOf = (bytes: Uint8Array): Key => Buffer.from(bytes).toString('latin1') as Key

export class Journal {
  readonly #tables: Tables
  readonly #db: DatabaseSync
  readonly #lateMs: number
  readonly #now: () => number
  readonly #statements: Record<string, StatementSync> = {}
  #seq: number
  #rev: number
  /** Writes under way, by key: each is in the tables, or about to be. */
  readonly #open = new Map<Key, number>()
  #opened = 0
  #queue: Queued[] = []
  #syncing = false
  #broken: string | null = null
  #soon: NodeJS.Immediate | null = null
  #later: NodeJS.Timeout | null = null
  #dirty: number
  #tombstones: number
  /** Told when a key has become dirty. */
  onDirty: () => void = () => {}

  /** Whatever was under way when the journal was left is dirty, and may still land. */
  constructor(tables: Tables, { now = Date.now, lateMs }: JournalOptions) {
    this.#tables = tables
    this.#db = tables.db
    this.#now = now
    this.#lateMs = lateMs
    this.#seq = Number(this.#sql('SELECT coalesce(max(seq), 0) n FROM intents').get()!.n)
    this.#rev = Number(this.#sql('SELECT coalesce(max(rev), 0) n FROM dirty').get()!.n)
    this.#whole(() => {
      for (const { key } of this.#sql('SELECT DISTINCT key FROM intents').all() as { key: Uint8Array }[])
        this.#soil(keyOf(key), true)
      this.#db.exec('DELETE FROM intents')
    })
    this.#dirty = this.#count('dirty')
    this.#tombstones = this.#count('tombstones')
  }

  #sql(text: string): StatementSync {
    this.#statements[text] ??= this.#db.prepare(text)
    return this.#statements[text]
  }

  #count(table: string): number {
    return Number(this.#sql(`SELECT count(*) n FROM ${table}`).get()!.n)
  }

  /** Resolves when it is on the disk. */
  begin(keys: readonly Key[], kind: IntentKind): Promise<Intent> {
    const seq = this.#seq + 1
    this.#seq += keys.length
    for (const key of keys) this.#open.set(key, (this.#open.get(key) ?? 0) + 1)
    this.#opened += keys.length
    const intent = { keys, kind, seq }
    const at = this.#now()
    return this.durably(() => {
      for (const [i, key] of keys.entries()) {
        this.#sql('INSERT INTO intents VALUES (?, ?, ?, ?)').run(seq + i, blob(key), kind, at)
        if (kind === 'delete') this.#bury(key)
      }
    }).then(
      () => intent,
      (error) => {
        this.#close(keys)
        throw error
      },
    )
  }

  /** What became of the write to each of its keys. */
  end({ keys, kind, seq }: Intent, verdictOf: (key: Key, i: number) => Pick<Verdict, 'key' | 'late'>): void {
    this.lazily(
      () => {
        for (const [i, key] of keys.entries()) {
          const { key: is, late } = verdictOf(key, i)
          this.#sql('DELETE FROM intents WHERE seq = ?').run(seq + i)
          if (is === 'dirty') this.#soil(key, late)
          if (is === 'alike' && kind !== 'change') this.#clean(key)
          if (is === 'alike' && kind === 'put') this.#unbury(key)
        }
      },
      () => this.#close(keys),
    )
  }

  #close(keys: readonly Key[]): void {
    this.#opened -= keys.length
    for (const key of keys) {
      const left = this.#open.get(key)! - 1
      if (left === 0) this.#open.delete(key)
      else this.#open.set(key, left)
    }
  }

  #soil(key: Key, late: boolean): void {
    const now = this.#now()
    const sure = late ? now + this.#lateMs : 0
    const { changes } = this.#sql(
      'UPDATE dirty SET rev = ?, due = ?, sure = max(sure, ?), attempts = 0, told = 0 WHERE key = ?',
    ).run(++this.#rev, now, sure, blob(key))
    if (changes === 0) {
      this.#sql('INSERT INTO dirty (key, rev, since, due, sure) VALUES (?, ?, ?, ?, ?)').run(
        ...([blob(key), this.#rev, now, now, sure] as const),
      )
      this.#dirty++
    }
    this.onDirty()
  }

  /** Unless something may still land: then whoever repairs it looks once more after that. */
  #clean(key: Key): void {
    if (this.#dirty === 0) return
    const { changes } = this.#sql('DELETE FROM dirty WHERE key = ? AND sure <= ?').run(
      ...([blob(key), this.#now()] as const),
    )
    this.#dirty -= Number(changes)
  }

  #bury(key: Key): void {
    const { changes } = this.#sql('INSERT OR IGNORE INTO tombstones VALUES (?, ?)').run(
      ...([blob(key), this.#now()] as const),
    )
    this.#tombstones += Number(changes)
  }

  #unbury(key: Key): void {
    if (this.#tombstones === 0) return
    const { changes } = this.#sql('DELETE FROM tombstones WHERE key = ?').run(blob(key))
    this.#tombstones -= Number(changes)
  }

  /** Whether the sides may differ in it now: it is being written, dirty, or was deleted. Only the side of record knows it then. */
  isUncertain(key: Key): boolean {
    if (this.#open.has(key)) return true
    if (this.#dirty > 0 && this.#sql('SELECT 1 FROM dirty WHERE key = ?').get(blob(key))) return true
    return (
      this.#tombstones > 0 && this.#sql('SELECT 1 FROM tombstones WHERE key = ?').get(blob(key)) !== undefined
    )
  }

  soil(key: Key, late = false): Promise<void> {
    return this.durably(() => this.#soil(key, late))
  }

  /** Resolves when all that has been said so far can be read, and is on the disk. */
  flushed(): Promise<void> {
    return this.durably(() => {})
  }

  /** Those that may be looked at now, the oldest first. */
  due(most: number): DirtyKey[] {
    const rows = this.#sql(
      'SELECT key, rev, since, attempts, sure FROM dirty WHERE due <= ? ORDER BY due LIMIT ?',
    ).all(this.#now(), most) as (Omit<DirtyKey, 'key'> & { key: Uint8Array })[]
    return rows.map((row) => ({ ...row, key: keyOf(row.key) }))
  }

  /** When the next is due (ms since the epoch), or null. */
  get nextDue(): number | null {
    const { at } = this.#sql('SELECT min(due) at FROM dirty').get() as { at: number | null }
    return at
  }

  /** The sides are equal in it. `isGone`: by having nothing there. False where it was written meanwhile, or is to be looked at again. */
  repaired({ key, rev }: Pick<DirtyKey, 'key' | 'rev'>, isGone: boolean): Promise<void> {
    return this.durably(() => {
      if (isGone) this.#bury(key)
      else this.#unbury(key)
      const { changes } = this.#sql('DELETE FROM dirty WHERE key = ? AND rev = ? AND sure <= ?').run(
        ...([blob(key), rev, this.#now()] as const),
      )
      this.#dirty -= Number(changes)
      if (changes === 0)
        this.#sql(
          'UPDATE dirty SET due = max(sure, ?), attempts = 0, problem = NULL WHERE key = ? AND rev = ?',
        ).run(...([this.#now(), blob(key), rev] as const))
    })
  }

  /** Not now: it is tried again `afterMs` later. `late`: something was begun that may still land. */
  postpone(
    { key, rev }: Pick<DirtyKey, 'key' | 'rev'>,
    afterMs: number,
    problem: string,
    late: boolean,
  ): Promise<void> {
    return this.durably(() => {
      const now = this.#now()
      this.#sql(
        'UPDATE dirty SET due = ?, sure = max(sure, ?), attempts = attempts + 1, problem = ? WHERE key = ? AND rev = ?',
      ).run(
        ...([now + afterMs, late ? now + this.#lateMs : 0, problem.slice(0, 500), blob(key), rev] as const),
      )
    })
  }

  /** All of them may be looked at now. */
  hurry(): void {
    this.lazily(() =>
      this.#sql('UPDATE dirty SET due = max(sure, ?) WHERE due > ?').run(this.#now(), this.#now()),
    )
  }

  /** Keys that have been dirty since before `until` (ms), and that the control plane has not been told of. */
  untold(until: number, most: number): DirtyKey[] {
    if (this.#dirty === 0) return []
    const rows = this.#sql(
      'SELECT key, rev, since, attempts, sure FROM dirty WHERE told = 0 AND since < ? LIMIT ?',
    ).all(until, most) as (Omit<DirtyKey, 'key'> & { key: Uint8Array })[]
    return rows.map((row) => ({ ...row, key: keyOf(row.key) }))
  }

  told(keys: readonly Pick<DirtyKey, 'key' | 'rev'>[]): Promise<void> {
    return this.durably(() => {
      for (const { key, rev } of keys)
        this.#sql('UPDATE dirty SET told = 1 WHERE key = ? AND rev = ?').run(blob(key), rev)
    })
  }

  /** In the order of their bytes, past `after`. */
  tombstones(after: Key | null, most: number): Key[] {
    const rows = this.#sql('SELECT key FROM tombstones WHERE key > ? ORDER BY key LIMIT ?').all(
      ...([blob(after ?? ''), most] as const),
    ) as { key: Uint8Array }[]
    return rows.map(({ key }) => keyOf(key))
  }

  /** Nothing falls back any more. */
  forgetTombstones(): Promise<void> {
    return this.durably(() => {
      this.#db.exec('DELETE FROM tombstones')
      this.#tombstones = 0
    })
  }

  get figures(): {
    open: number
    dirty: number
    tombstones: number
    oldest: number | null
    problem: string | null
  } {
    const { at } = this.#sql('SELECT min(since) at FROM dirty').get() as { at: number | null }
    const worst = this.#sql('SELECT problem FROM dirty WHERE problem IS NOT NULL LIMIT 1').get()
    return {
      open: this.#opened,
      dirty: this.#dirty,
      tombstones: this.#tombstones,
      oldest: at,
      problem: (worst?.problem as string | undefined) ?? null,
    }
  }

  /** Writes under way. */
  get open(): number {
    return this.#opened
  }

  fact(name: string): string | null {
    return (
      (this.#sql('SELECT value FROM facts WHERE name = ?').get(name)?.value as string | undefined) ?? null
    )
  }

  setFact(name: string, value: string): Promise<void> {
    return this.durably(() => this.#sql('INSERT OR REPLACE INTO facts VALUES (?, ?)').run(name, value))
  }

  statement(text: string): StatementSync {
    return this.#sql(text)
  }

  /** Why nothing can be written any more; null while it can. Nobody knows what of it is on a disk that has failed once. */
  get broken(): string | null {
    return this.#broken
  }

  /** With the next commit; resolves when that is on the disk. */
  durably(act: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ act, done: resolve, failed: reject })
      this.#soon ??= setImmediate(() => this.#commit())
    })
  }

  /** With whatever is committed next; nobody waits for it. `done` when it can be read. */
  lazily(act: () => void, done: () => void = () => {}): void {
    this.#queue.push({ act, done })
    this.#later ??= setTimeout(() => this.#commit(), lazyMs)
  }

  /** One at a time; what comes meanwhile goes into the next. */
  #commit(): void {
    if (this.#soon) clearImmediate(this.#soon)
    if (this.#later) clearTimeout(this.#later)
    this.#soon = this.#later = null
    if (this.#syncing) return
    const batch = this.#queue
    if (batch.length === 0) return
    this.#queue = []
    const counts = [this.#dirty, this.#tombstones] as const
    try {
      if (this.#broken !== null) throw new Error(this.#broken)
      this.#whole(() => {
        for (const { act } of batch) act()
      })
    } catch (error) {
      ;[this.#dirty, this.#tombstones] = counts
      // A full disk, mostly: writes are refused, and what nobody waits for is tried again.
      this.#queue = [...batch.filter(({ failed }) => !failed), ...this.#queue]
      if (this.#queue.length > 0) this.#later = setTimeout(() => this.#commit(), 1_000)
      for (const { failed } of batch) failed?.(error)
      return
    }
    for (const { done, failed } of batch) if (!failed) done()
    const waiting = batch.filter(({ failed }) => failed)
    if (waiting.length > 0) void this.#sync(waiting)
  }

  async #sync(waiting: readonly Queued[]): Promise<void> {
    this.#syncing = true
    try {
      await this.#tables.sync()
      for (const { done } of waiting) done()
    } catch (error) {
      this.#broken = (error as Error).message
      for (const { failed } of waiting) failed?.(error)
    }
    this.#syncing = false
    if (this.#queue.length > 0) this.#commit()
  }

  #whole(act: () => void): void {
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      act()
      this.#db.exec('COMMIT')
    } catch (error) {
      // Where SQLite has done so already, there is nothing left to roll back.
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      throw error
    }
  }

  /** Nobody waits for anything of it any more. */
  close(): void {
    this.#syncing = false
    this.#commit()
    if (this.#later) clearTimeout(this.#later)
    this.#tables.close()
  }
}
