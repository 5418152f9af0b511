/** The catalogue's queries. */
import { and, desc, eq, lt, or } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import type { AgentView, MigrationView, NewMigration, PassStatus } from '../../shared/api/migrations.ts'
import type { Manifest, Mapping } from '../../shared/mapping.ts'
import { agents, migrations } from './schema.ts'

const migrationColumns = {
  id: migrations.id,
  source: migrations.source,
  destination: migrations.destination,
  filter: migrations.filter,
  mapping: migrations.mapping,
  manifest: migrations.manifest,
  createdAt: migrations.createdAt,
  pass: migrations.pass,
}

export type AgentRow = Omit<AgentView, 'connected'>

export class Catalogue {
  readonly #db
  readonly #workspace: string

  constructor(db: D1Database, workspace: string) {
    this.#db = drizzle(db)
    this.#workspace = workspace
  }

  async migration(id: string): Promise<MigrationView | null> {
    const row = await this.#db.select(migrationColumns).from(migrations).where(this.#is(id)).get()
    return row ? viewOf(row) : null
  }

  /** Newest first, from past `after` on. */
  async migrations(after: { createdAt: number; id: string } | null, limit: number): Promise<MigrationView[]> {
    const { createdAt, id, workspaceId } = migrations
    const older =
      after && or(lt(createdAt, after.createdAt), and(eq(createdAt, after.createdAt), lt(id, after.id)))
    const rows = await this.#db
      .select(migrationColumns)
      .from(migrations)
      .where(and(eq(workspaceId, this.#workspace), older ?? undefined))
      .orderBy(desc(createdAt), desc(id))
      .limit(limit)
    return rows.map(viewOf)
  }

  /** False where it is there already; that one is left as it is. */
  async addMigration(id: string, definition: NewMigration, now: number): Promise<boolean> {
    const row = { workspaceId: this.#workspace, id, ...definition, createdAt: now }
    const added = await this.#db
      .insert(migrations)
      .values(row)
      .onConflictDoNothing()
      .returning({ id: migrations.id })
    return added.length > 0
  }

  async saveSummary(id: string, pass: PassStatus): Promise<void> {
    await this.#db.update(migrations).set({ pass }).where(this.#is(id))
  }

  async agents(): Promise<AgentRow[]> {
    return this.#db
      .select({
        id: agents.id,
        host: agents.host,
        site: agents.site,
        version: agents.version,
        seenAt: agents.seenAt,
      })
      .from(agents)
      .where(eq(agents.workspaceId, this.#workspace))
      .orderBy(agents.id)
  }

  async saveAgent(agent: AgentRow): Promise<void> {
    const { id, ...set } = agent
    await this.#db
      .insert(agents)
      .values({ workspaceId: this.#workspace, ...agent })
      .onConflictDoUpdate({ target: [agents.workspaceId, agents.id], set })
  }

  #is(id: string) {
    return and(eq(migrations.workspaceId, this.#workspace), eq(migrations.id, id))
  }
}

type MigrationRow = Omit<MigrationView, 'mapping' | 'manifest'> & {
  mapping: Mapping | null
  manifest: Manifest | null
}

/** What a migration does not have is left out of its view. */
const viewOf = ({ mapping, manifest, ...row }: MigrationRow): MigrationView => ({
  ...row,
  ...(mapping && { mapping }),
  ...(manifest && { manifest }),
})
