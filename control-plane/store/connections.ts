/** The catalogue's connections, the sealed copies of their secrets, and what of both a location becomes. */
import { and, asc, eq, gt, sql } from 'drizzle-orm'
import type {
  ConnectionEdit,
  ConnectionView,
  Credential,
  NewConnection,
} from '../../shared/api/connections.ts'
import type { Store } from '../../shared/asks.ts'
import type { S3Location } from '../../shared/location.ts'
import { agents, connections, migrations, sealedCopies } from './schema.ts'
import type { Scope } from './scope.ts'

export type ConnectionRow = typeof connections.$inferSelect
export type SealedCopy = typeof sealedCopies.$inferSelect
export type AgentRow = typeof agents.$inferSelect

const tables = { connections, sealedCopies, migrations }

/** Whether agents of this site are to use it. */
export const isFor = ({ sites }: Pick<ConnectionRow, 'sites'>, site: string): boolean =>
  sites.length === 0 || sites.includes(site)

export class Connections {
  readonly #scope: Scope

  constructor(scope: Scope) {
    this.#scope = scope
  }

  /** By name, from past `after` on. */
  list(after: string | null, limit: number): Promise<ConnectionRow[]> {
    const where = after === null ? undefined : gt(connections.id, after)
    return this.#scope.rows(connections, { where, orderBy: [asc(connections.id)], limit })
  }

  find(id: string): Promise<ConnectionRow | null> {
    return this.#scope.row(connections, eq(connections.id, id))
  }

  /** Those whose secret is sealed to agents of this site. */
  async sealedFor(site: string): Promise<ConnectionRow[]> {
    const where = and(
      gt(connections.secretVersion, 0),
      eq(sql`json_extract(${connections.credential}, '$.kind')`, 'sealed'),
    )
    return (await this.#scope.rows(connections, { where })).filter((row) => isFor(row, site))
  }

  /** False where there is one of its name. */
  async create(connection: NewConnection, now: number): Promise<boolean> {
    const row = { ...connection, secretVersion: 0, revision: 1, createdAt: now, updatedAt: now }
    const [added] = await this.#scope.write(this.#scope.insert(connections, row, { is: 'nothing' }), {
      action: 'connection.create',
      subject: `connection/${connection.id}`,
      after: connection,
    })
    return added === 1
  }

  /** False where it is not as `row` says any more. With another endpoint no copy of the secret opens, so they go. */
  async edit(row: ConnectionRow, edit: ConnectionEdit, now: number): Promise<boolean> {
    const { id, revision } = row
    const set = { ...edit, revision: revision + 1, updatedAt: now } as Partial<ConnectionRow>
    const isThis = eq(connections.id, id)
    const [changed] = await this.#scope.write(
      [
        this.#scope.update(connections, set, and(isThis, eq(connections.revision, revision))),
        ...(this.#losesSecret(row, edit)
          ? [
              this.#scope.remove(
                sealedCopies,
                and(eq(sealedCopies.connection, id), this.#isRevision(id, revision + 1)),
              ),
            ]
          : []),
      ],
      {
        action: 'connection.edit',
        subject: `connection/${id}`,
        before: settingsOf(row),
        after: settingsOf({ ...row, ...set }),
      },
    )
    return changed === 1
  }

  #losesSecret({ endpoint, credential }: ConnectionRow, edit: ConnectionEdit): boolean {
    if (edit.endpoint !== undefined && edit.endpoint !== endpoint) return true
    return edit.credential !== undefined && edit.credential.kind !== 'sealed' && credential.kind === 'sealed'
  }

  #isRevision(id: string, revision: number) {
    const { workspace } = this.#scope
    return sql`EXISTS (SELECT 1 FROM ${tables.connections} AS c WHERE c.workspace_id = ${workspace} AND c.id = ${id} AND c.revision = ${revision})`
  }

  /** False where migrations use it. */
  async remove({ id, ...row }: ConnectionRow): Promise<boolean> {
    const { workspace } = this.#scope
    const unused = sql`NOT EXISTS (SELECT 1 FROM ${tables.migrations} AS m WHERE m.workspace_id = ${workspace}
      AND ${naming(id)})`
    const gone = sql`NOT EXISTS (SELECT 1 FROM ${tables.connections} AS c WHERE c.workspace_id = ${workspace} AND c.id = ${id})`
    const [removed] = await this.#scope.write(
      [
        this.#scope.remove(connections, and(eq(connections.id, id), unused)),
        this.#scope.remove(sealedCopies, and(eq(sealedCopies.connection, id), gone)),
      ],
      { action: 'connection.delete', subject: `connection/${id}`, before: settingsOf({ id, ...row }) },
    )
    return removed === 1
  }

  /** The migrations that use it, at most ten. */
  async usedBy(id: string): Promise<string[]> {
    return (await this.#scope.rows(migrations, { where: naming(id), limit: 10 })).map((row) => row.id)
  }

  /** Of all connections. */
  allCopies(): Promise<SealedCopy[]> {
    return this.#scope.rows(sealedCopies, {})
  }

  copies(id: string): Promise<SealedCopy[]> {
    return this.#scope.rows(sealedCopies, { where: eq(sealedCopies.connection, id) })
  }

  copyOf(id: string, agent: string): Promise<SealedCopy | null> {
    return this.#scope.row(sealedCopies, and(eq(sealedCopies.connection, id), eq(sealedCopies.agent, agent)))
  }

  /** The secrets that an agent has, as they are now. */
  async heldNow(agent: string): Promise<{ connection: string; version: number }[]> {
    const copies = await this.#scope.rows(sealedCopies, {
      where: eq(sealedCopies.agent, agent),
      orderBy: [asc(sealedCopies.connection)],
    })
    if (copies.length === 0) return []
    const rows = await this.#scope.rows(connections, { where: gt(connections.secretVersion, 0) })
    const versionOf = new Map(rows.map(({ id, secretVersion }) => [id, secretVersion]))
    return copies.flatMap(({ connection, version }) =>
      versionOf.get(connection) === version ? [{ connection, version }] : [],
    )
  }

  agents(): Promise<AgentRow[]> {
    return this.#scope.rows(agents, { orderBy: [asc(agents.site), asc(agents.id)] })
  }

  /** Takes the next version for another secret. False where somebody else was first. */
  async beginVersion({ id, secretVersion, revision }: ConnectionRow): Promise<boolean> {
    const set = { secretVersion: secretVersion + 1, revision: revision + 1 }
    const isAsRead = and(eq(connections.id, id), eq(connections.secretVersion, secretVersion))
    const [changed] = await this.#scope.write(this.#scope.update(connections, set, isAsRead), null)
    return changed === 1
  }

  /** Copies of one version, in place of what those agents had. */
  async keep(
    id: string,
    version: number,
    copies: readonly { agent: string; envelope: string }[],
    sealedBy: string,
    now: number,
  ): Promise<void> {
    const target = [sealedCopies.workspaceId, sealedCopies.connection, sealedCopies.agent]
    const inserts = copies.map(({ agent, envelope }) => {
      const set = { version, envelope, sealedBy, sealedAt: now }
      return this.#scope.insert(
        sealedCopies,
        { connection: id, agent, ...set },
        { is: 'update', target, set },
      )
    })
    await this.#scope.write(inserts, {
      action: 'connection.seal',
      subject: `connection/${id}`,
      after: { version, agents: copies.map(({ agent }) => agent) },
    })
  }
}

/** What people decide of it. */
const settingsOf = ({
  id,
  kind,
  endpoint,
  region,
  pathStyle,
  requesterPays,
  sites,
  credential,
}: ConnectionRow) => ({
  id,
  kind,
  endpoint,
  region,
  pathStyle,
  requesterPays,
  sites,
  credential,
})

export const viewOf = (row: ConnectionRow, rotate: string[]): ConnectionView => {
  const { secretVersion, revision, createdAt, updatedAt } = row
  return { ...settingsOf(row), secretVersion, rotate, revision, createdAt, updatedAt }
}

/** A location as agents get it: with what its connection says in the place of its name. */
export const resolvedBy = (row: ConnectionRow, location: S3Location): S3Location => ({
  ...location,
  ...termsOf(row),
})

/** All of its buckets, as agents get them; `site`: those of this one, null: of any. */
export const storeOf = (row: ConnectionRow, site: string | null): Store => ({
  kind: 'store',
  connection: row.id,
  site,
  ...termsOf(row),
})

function termsOf(row: ConnectionRow) {
  const { endpoint, region, pathStyle, requesterPays, sites } = row
  const credential = row.credential as Credential
  return {
    endpoint,
    region,
    profile: credential.kind === 'profile' ? credential.profile : null,
    ...(credential.kind === 'anonymous' && { anonymous: true as const }),
    ...(credential.kind === 'sealed' && { sealed: true as const }),
    ...(requesterPays && { requesterPays: true as const }),
    ...(pathStyle !== null && { pathStyle }),
    ...(sites.length > 0 && { sites }),
  }
}

/** Of migrations: whether one names the connection, be it for its baseline or for what it listens to. */
const naming = (id: string) => sql`(json_extract(source, '$.connection') = ${id}
  OR json_extract(destination, '$.connection') = ${id}
  OR json_extract(follow, '$.baseline.connection') = ${id}
  OR EXISTS (SELECT 1 FROM json_each(follow, '$.events') AS event WHERE json_extract(event.value, '$.connection') = ${id}))`
