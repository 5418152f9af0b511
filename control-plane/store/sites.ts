/** The catalogue's queries about sites and the tokens by which agents join them. */
import { and, asc, eq, gt, isNull, lt, sql } from 'drizzle-orm'
import type { JoinToken, NewSite, SiteView } from '../../shared/api/sites.ts'
import type { Scope } from './scope.ts'
import { agents, joinTokens, sites } from './tables/sites.ts'

export type SiteRow = typeof sites.$inferSelect
export type TokenRow = typeof joinTokens.$inferSelect
type AgentRow = typeof agents.$inferSelect

export class Sites {
  readonly #scope: Scope

  constructor(scope: Scope) {
    this.#scope = scope
  }

  find(id: string): Promise<SiteRow | null> {
    return this.#scope.row(sites, eq(sites.id, id))
  }

  /** By name, from past `after` on. */
  list(after: string | null, limit: number): Promise<SiteRow[]> {
    const where = after === null ? undefined : gt(sites.id, after)
    return this.#scope.rows(sites, { where, orderBy: [asc(sites.id)], limit })
  }

  /** Agents that are not revoked; of one site, or of all. */
  agents(site?: string): Promise<AgentRow[]> {
    const where = and(isNull(agents.revokedAt), site === undefined ? undefined : eq(agents.site, site))
    return this.#scope.rows(agents, { where, orderBy: [asc(agents.id)] })
  }

  /** False where there is one of its name. */
  async create(site: NewSite, now: number): Promise<boolean> {
    const row = { ...site, createdAt: now }
    const [added] = await this.#scope.write(this.#scope.insert(sites, row, { is: 'nothing' }), {
      action: 'site.create',
      subject: `site/${site.id}`,
      after: site,
    })
    return added === 1
  }

  /** False where it is not as `row` says any more. Without a root key there are no certificates. */
  async edit(row: SiteRow, edit: Partial<Pick<SiteRow, 'region' | 'labels' | 'rootKey'>>): Promise<boolean> {
    const { id, revision } = row
    const isAsRead = and(eq(sites.id, id), eq(sites.revision, revision))
    const { workspace } = this.#scope
    const isRootless = sql`EXISTS (SELECT 1 FROM ${sites} AS s WHERE s.workspace_id = ${workspace} AND s.id = ${id} AND s.root_key IS NULL)`
    const [changed] = await this.#scope.write(
      [
        this.#scope.update(sites, { ...edit, revision: revision + 1 }, isAsRead),
        ...(edit.rootKey === null
          ? [this.#scope.update(agents, { certificate: null }, and(eq(agents.site, id), isRootless))]
          : []),
      ],
      {
        action: 'site.edit',
        subject: `site/${id}`,
        before: { region: row.region, labels: row.labels, rootKey: row.rootKey },
        after: edit,
      },
    )
    return changed === 1
  }

  /** False where it has agents. */
  async remove({ id, region, labels }: SiteRow): Promise<boolean> {
    const { workspace } = this.#scope
    const empty = sql`NOT EXISTS (SELECT 1 FROM ${agents} AS a WHERE a.workspace_id = ${workspace} AND a.site = ${id} AND a.revoked_at IS NULL)`
    const gone = sql`NOT EXISTS (SELECT 1 FROM ${sites} AS s WHERE s.workspace_id = ${workspace} AND s.id = ${id})`
    const [removed] = await this.#scope.write(
      [
        this.#scope.remove(sites, and(eq(sites.id, id), empty)),
        this.#scope.remove(joinTokens, and(eq(joinTokens.site, id), gone)),
      ],
      { action: 'site.delete', subject: `site/${id}`, before: { region, labels } },
    )
    return removed === 1
  }

  /** Those that can still be used; the oldest first, from past `after` (an id) on. */
  tokens(site: string, after: string | null, limit: number, now: number): Promise<TokenRow[]> {
    const { id, expiresAt, used, uses } = joinTokens
    const where = and(
      eq(joinTokens.site, site),
      gt(expiresAt, now),
      lt(used, uses),
      after === null ? undefined : gt(id, after),
    )
    return this.#scope.rows(joinTokens, { where, orderBy: [asc(id)], limit })
  }

  async addToken(token: JoinToken & { digest: string }, now: number): Promise<void> {
    const { digest: _, ...told } = token
    const old = lt(joinTokens.expiresAt, now)
    await this.#scope.write([this.#scope.insert(joinTokens, token), this.#scope.remove(joinTokens, old)], {
      action: 'site.token.create',
      subject: `site/${token.site}`,
      after: told,
    })
  }

  tokenOf(digest: string): Promise<TokenRow | null> {
    return this.#scope.row(joinTokens, eq(joinTokens.digest, digest))
  }

  /** Takes one use of it. False where it has none left, or is too old. */
  async useToken(id: string, now: number): Promise<boolean> {
    const { used, uses, expiresAt } = joinTokens
    const isGood = and(eq(joinTokens.id, id), lt(used, uses), gt(expiresAt, now))
    const [changed] = await this.#scope.write(
      this.#scope.update(joinTokens, { used: sql`${used} + 1` }, isGood),
      null,
    )
    return changed === 1
  }

  /** Nobody joined by that use. */
  async giveBack(id: string): Promise<void> {
    const less = { used: sql`${joinTokens.used} - 1` }
    await this.#scope.write(this.#scope.update(joinTokens, less, eq(joinTokens.id, id)), null)
  }

  /** False where there is none. */
  async removeToken(site: string, id: string): Promise<boolean> {
    const where = and(eq(joinTokens.site, site), eq(joinTokens.id, id))
    const [removed] = await this.#scope.write(this.#scope.remove(joinTokens, where), {
      action: 'site.token.delete',
      subject: `site/${site}`,
      before: { id },
    })
    return removed === 1
  }
}

export function siteView({ workspaceId: _, ...row }: SiteRow, agents: readonly AgentRow[]): SiteView {
  const mine = agents.filter(({ site }) => site === row.id)
  const reached = mine.flatMap(({ facts }) => facts?.reach.filter(({ ms }) => ms !== null) ?? [])
  const reaches = [...new Set(reached.map(({ endpoint }) => endpoint))].sort()
  return { ...row, agents: mine.length, reaches }
}

export const tokenView = ({ workspaceId: _, digest: __, ...row }: TokenRow): JoinToken => row
