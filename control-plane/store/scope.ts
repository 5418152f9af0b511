/**
 * The catalogue as one workspace sees it. Every query goes through here and is about this workspace alone, whatever its caller asks for;
 * nobody else opens the database (test/layers.test.ts). A change and the record of who made it are one transaction.
 */
import { and, eq, getTableColumns, type InferInsertModel, type InferSelectModel, type SQL } from 'drizzle-orm'
import { type DrizzleD1Database, drizzle } from 'drizzle-orm/d1'
import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core'
import { audit } from './tables/audit.ts'

/** Whoever asked for a change. */
export interface Actor {
  readonly kind: 'person' | 'token' | 'machine' | 'agent' | 'system'
  readonly id: string
  readonly name: string
  /** Null where it is none of the network's. */
  readonly address: string | null
}
/** The control plane itself. */
export const system: Actor = { kind: 'system', id: 'system', name: 'Dray', address: null }

/** A table of things that belong to workspaces. */
export type Owned = SQLiteTable & { readonly workspaceId: SQLiteColumn }
type Row<T extends Owned> = InferSelectModel<T>
type Values<T extends Owned> = Omit<InferInsertModel<T>, 'workspaceId'>

/** What the audit log tells of a change. Holds no secret. */
export interface Entry {
  /** `connection.create`, say. */
  readonly action: string
  /** Of what: `connection/archive`. */
  readonly subject: string
  readonly before?: unknown
  readonly after?: unknown
}

/** One statement, for `write`. */
export interface Change {
  readonly statement: { toSQL(): { sql: string; params: unknown[] } }
}

export class Scope {
  readonly workspace: string
  readonly actor: Actor
  readonly #database: D1Database
  readonly #db: DrizzleD1Database

  constructor(database: D1Database, workspace: string, actor: Actor) {
    this.#database = database
    this.#db = drizzle(database)
    this.workspace = workspace
    this.actor = actor
  }

  /** The first that is `where`, or null. */
  async row<T extends Owned>(table: T, where?: SQL): Promise<Row<T> | null> {
    return (await this.rows(table, { where, limit: 1 }))[0] ?? null
  }

  async rows<T extends Owned>(
    table: T,
    {
      where,
      orderBy = [],
      limit = 10_000,
      instead = {},
    }: {
      where?: SQL | undefined
      orderBy?: (SQL | SQLiteColumn)[]
      limit?: number
      /** What is read in place of a column, or beside them. */
      instead?: Record<string, SQL>
    },
  ): Promise<Row<T>[]> {
    const rows = await this.#db
      .select({ ...getTableColumns(table as SQLiteTable), ...instead })
      .from(table as SQLiteTable)
      .where(this.#own(table, where))
      .orderBy(...orderBy)
      .limit(limit)
    return rows as Row<T>[]
  }

  async count<T extends Owned>(table: T, where?: SQL): Promise<number> {
    return this.#db.$count(table as SQLiteTable, this.#own(table, where))
  }

  /** `otherwise`: what happens where there is one of its key already; an error unless told. */
  insert<T extends Owned>(
    table: T,
    values: Values<T>,
    otherwise?: { is: 'nothing' } | { is: 'update'; target: SQLiteColumn[]; set: Partial<Values<T>> },
  ): Change {
    const insert = this.#db
      .insert(table as SQLiteTable)
      .values({ ...values, workspaceId: this.workspace } as never)
    if (otherwise?.is === 'nothing') return { statement: insert.onConflictDoNothing() }
    if (otherwise?.is === 'update') {
      return {
        statement: insert.onConflictDoUpdate({ target: otherwise.target, set: otherwise.set as never }),
      }
    }
    return { statement: insert }
  }

  update<T extends Owned>(
    table: T,
    set: { [column in keyof Values<T>]?: Values<T>[column] | SQL },
    where: SQL | undefined,
  ): Change {
    return {
      statement: this.#db
        .update(table as SQLiteTable)
        .set(set as never)
        .where(this.#own(table, where)),
    }
  }

  remove<T extends Owned>(table: T, where: SQL | undefined): Change {
    return { statement: this.#db.delete(table as SQLiteTable).where(this.#own(table, where)) }
  }

  /**
   * All changes or none; how many rows each of them changed. The audit log gets `entry` where the first of them changed something, in the
   * same transaction.
   */
  async write(changes: Change | readonly Change[], entry: Entry | null): Promise<number[]> {
    const [first, ...rest] = Array.isArray(changes) ? (changes as Change[]) : [changes as Change]
    if (!first) return []
    const [told, ...others] = [first, ...rest].map(({ statement }) => this.#prepare(statement.toSQL()))
    const recorded = entry ? [this.#record(entry)] : []
    const results = await this.#database.batch([told!, ...recorded, ...others])
    results.splice(1, recorded.length)
    return results.map(({ meta }) => meta.changes)
  }

  #prepare({ sql, params }: { sql: string; params: unknown[] }): D1PreparedStatement {
    return this.#database.prepare(sql).bind(...params)
  }

  /** Of what was not a change of the catalogue. */
  async record(entry: Entry): Promise<void> {
    const { kind, id, name, address } = this.actor
    const { action, subject, before, after } = entry
    const actor = { actorKind: kind, actorId: id, actorName: name, address }
    await this.write(this.insert(audit, { at: Date.now(), ...actor, action, subject, before, after }), null)
  }

  #own(table: Owned, where: SQL | undefined): SQL | undefined {
    return and(eq(table.workspaceId, this.workspace), where)
  }

  /** Follows the statement that it tells of: `changes()` is of that one. */
  #record({ action, subject, before, after }: Entry): D1PreparedStatement {
    const { kind, id, name, address } = this.actor
    const json = (value: unknown) => (value === undefined ? null : JSON.stringify(value))
    return this.#prepare({
      sql: `INSERT INTO audit (workspace_id, at, actor_kind, actor_id, actor_name, address, action, subject, before, after)
            SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE changes() > 0`,
      params: [
        this.workspace,
        Date.now(),
        kind,
        id,
        name,
        address,
        action,
        subject,
        json(before),
        json(after),
      ],
    })
  }
}
