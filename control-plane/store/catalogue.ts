/** The catalogue's queries about migrations and agents. */
import { and, desc, eq, lt, or } from 'drizzle-orm'
import type { AgentView, MigrationView, NewMigration, PassStatus } from '../../shared/api/migrations.ts'
import type { Priority } from '../../shared/policy.ts'
import type { Env } from '../env.ts'
import { agents, migrations } from './schema.ts'
import { Scope, system } from './scope.ts'

export type AgentRow = Omit<AgentView, 'connected'>
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

  /** Newest first, from past `after` on. */
  async migrations(after: { createdAt: number; id: string } | null, limit: number): Promise<MigrationView[]> {
    const { createdAt, id } = migrations
    const older =
      after && or(lt(createdAt, after.createdAt), and(eq(createdAt, after.createdAt), lt(id, after.id)))
    const rows = await this.#scope.rows(migrations, {
      where: older ?? undefined,
      orderBy: [desc(createdAt), desc(id)],
      limit,
    })
    return rows.map(viewOf)
  }

  /** False where it is there already; that one is left as it is. */
  async addMigration(
    id: string,
    definition: NewMigration & { priority?: Priority | undefined },
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
  async setPriority(before: MigrationView, priority: Priority): Promise<boolean> {
    const { id, revision } = before
    const where = and(eq(migrations.id, id), eq(migrations.revision, revision))
    const [changed] = await this.#scope.write(
      this.#scope.update(migrations, { priority, revision: revision + 1 }, where),
      {
        action: 'migration.edit',
        subject: `migration/${id}`,
        before: { priority: before.priority },
        after: { priority },
      },
    )
    return changed === 1
  }

  async saveSummary(id: string, pass: PassStatus): Promise<void> {
    await this.#scope.write(this.#scope.update(migrations, { pass }, eq(migrations.id, id)), null)
  }

  async agents(): Promise<AgentRow[]> {
    const rows = await this.#scope.rows(agents, { orderBy: [agents.id] })
    return rows.map(({ workspaceId: _, ...row }) => row)
  }

  async saveAgent(agent: AgentRow): Promise<void> {
    const { id: _, ...set } = agent
    const target = [agents.workspaceId, agents.id]
    await this.#scope.write(this.#scope.insert(agents, agent, { is: 'update', target, set }), null)
  }
}

/** What a migration does not have is left out of its view. */
const viewOf = ({ workspaceId: _, mapping, manifest, ...row }: MigrationRow): MigrationView => ({
  ...row,
  ...(mapping && { mapping }),
  ...(manifest && { manifest }),
})
