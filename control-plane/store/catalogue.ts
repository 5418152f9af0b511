/** The catalogue's queries about migrations. */
import { and, desc, eq, isNull, lt, or, sql } from 'drizzle-orm'
import type {
  ListedMigration,
  MigrationView,
  NewMigration,
  PassState,
  PassStatus,
} from '../../shared/api/migrations.ts'
import { type Follow, followSchema, type LifeBrief } from '../../shared/life.ts'
import type { Policy, Priority } from '../../shared/policy.ts'
import type { Env } from '../env.ts'
import { migrations, schedules } from './schema.ts'
import { Scope, system } from './scope.ts'

type MigrationRow = typeof migrations.$inferSelect

export class Catalogue {
  readonly #scope: Scope

  constructor(scope: Scope) {
    this.#scope = scope
  }

  /** For the objects, which act for nobody in particular. */
  static of(env: Env, workspace: string): Catalogue {
    return new Catalogue(new Scope(env.DB, workspace, system))
  }

  async migration(id: string): Promise<MigrationView | null> {
    const row = await this.#scope.row(migrations, eq(migrations.id, id))
    return row && viewOf(row)
  }

  /** Newest first, from past `after` on. `state`: of the last pass; `needs`: those whose life waits for somebody. */
  async migrations(
    after: { createdAt: number; id: string } | null,
    limit: number,
    {
      state,
      text,
      needs,
    }: { state?: 'new' | PassState | undefined; text?: string | undefined; needs?: true } = {},
  ): Promise<ListedMigration[]> {
    const { createdAt, id, pass, life } = migrations
    const older =
      after && or(lt(createdAt, after.createdAt), and(eq(createdAt, after.createdAt), lt(id, after.id)))
    const rows = await this.#scope.rows(migrations, {
      where: and(
        older ?? undefined,
        state === 'new' ? isNull(pass) : state && eq(sql`json_extract(${pass}, '$.state')`, state),
        needs &&
          sql`(json_extract(${life}, '$.asks') or json_extract(${life}, '$.failingSince') is not null)`,
        text === undefined ? undefined : sql`instr(${id}, ${text.toLowerCase()}) > 0`,
      ),
      orderBy: [desc(createdAt), desc(id)],
      limit,
      instead: short,
    })
    return rows.map(listed)
  }

  /** False where it is there already; that one is left as it is. */
  async addMigration(
    id: string,
    definition: NewMigration & {
      priority?: Priority | undefined
      policy?: Policy | undefined
      follow?: Follow | undefined
    },
    now: number,
  ): Promise<boolean> {
    const row = { id, ...definition, createdAt: now }
    const [added] = await this.#scope.write(this.#scope.insert(migrations, row, { is: 'nothing' }), {
      action: 'migration.create',
      subject: `migration/${id}`,
      after: definition,
    })
    return added === 1
  }

  /** That of one that is not there is the usual one. */
  async priority(id: string): Promise<Priority> {
    return (await this.migration(id))?.priority ?? 'normal'
  }

  /** False where it was edited since it was read as `before`. */
  async edit(
    before: MigrationView,
    after: Pick<MigrationView, 'priority' | 'policy' | 'follow'>,
  ): Promise<boolean> {
    const { id, revision, priority, policy, follow } = before
    const where = and(eq(migrations.id, id), eq(migrations.revision, revision))
    const [changed] = await this.#scope.write(
      this.#scope.update(migrations, { ...after, revision: revision + 1 }, where),
      { action: 'migration.edit', subject: `migration/${id}`, before: { priority, policy, follow }, after },
    )
    return changed === 1
  }

  /** With its schedules. */
  async deleteMigration({ id, source, destination }: MigrationView): Promise<void> {
    await this.#scope.write(
      [
        this.#scope.remove(migrations, eq(migrations.id, id)),
        this.#scope.remove(schedules, eq(schedules.migration, id)),
      ],
      { action: 'migration.delete', subject: `migration/${id}`, before: { source, destination } },
    )
  }

  async saveLife(id: string, life: LifeBrief): Promise<void> {
    await this.#scope.write(this.#scope.update(migrations, { life }, eq(migrations.id, id)), null)
  }

  async saveSummary(id: string, pass: PassStatus): Promise<void> {
    await this.#scope.write(this.#scope.update(migrations, { pass }, eq(migrations.id, id)), null)
  }
}

/** Characters of a filter that a list tells as they are. */
const mostOfFilter = 1_000
const { filter } = migrations
const isLong = sql`length(${filter}) > ${mostOfFilter}`
const patterns = (name: 'include' | 'exclude') =>
  sql`CASE WHEN ${isLong} THEN json_array_length(${filter}, ${`$.${name}`}) ELSE 0 END`
/** Shortened where it is read: a thousand filters of two megabytes are more than a Worker holds. */
const short = {
  filter:
    sql`CASE WHEN ${isLong} THEN json_object('include', json('[]'), 'exclude', json('[]'), 'only', json_extract(${filter}, '$.only')) ELSE ${filter} END`.mapWith(
      filter,
    ),
  include: patterns('include'),
  exclude: patterns('exclude'),
}

function listed(row: MigrationRow): ListedMigration {
  const { include, exclude, ...rest } = row as MigrationRow & { include: number; exclude: number }
  return { ...viewOf(rest), ...(include + exclude > 0 && { leftOut: { include, exclude } }) }
}

/** What a migration does not have is left out of its view. */
const viewOf = ({
  workspaceId: _,
  mapping,
  manifest,
  follow,
  life,
  ...row
}: MigrationRow): MigrationView => ({
  ...row,
  follow: followSchema.parse(follow),
  ...(mapping && { mapping }),
  ...(manifest && { manifest }),
  ...(life && { life }),
})
