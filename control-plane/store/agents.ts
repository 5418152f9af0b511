/** The catalogue's queries about agents. */
import { and, asc, eq, gt, isNull, sql } from 'drizzle-orm'
import type { AgentView, Doing } from '../../shared/api/agents.ts'
import type { Certificate } from '../../shared/identity/certificate.ts'
import type { PublicKeys } from '../../shared/identity/keys.ts'
import type { Facts } from '../../shared/protocol.ts'
import { version } from '../../shared/version.ts'
import { isOlder } from '../core/older.ts'
import type { Env } from '../env.ts'
import { Scope, system } from './scope.ts'
import { agents, sites } from './tables/sites.ts'

export type AgentRow = typeof agents.$inferSelect

/** The agent of an embedded control plane, which enrols nowhere. */
export interface LocalAgent extends PublicKeys {
  readonly agent: string
  readonly site: string
  readonly rootKey: string
  readonly certificate: Certificate
}

export class Agents {
  readonly #scope: Scope

  constructor(scope: Scope) {
    this.#scope = scope
  }

  /** For the objects, which act for nobody in particular. */
  static of(env: Env, workspace: string): Agents {
    return new Agents(new Scope(env.DB, workspace, system))
  }

  find(id: string): Promise<AgentRow | null> {
    return this.#scope.row(agents, eq(agents.id, id))
  }

  /** By name, from past `after` on. */
  list(after: string | null, limit: number, site?: string): Promise<AgentRow[]> {
    const where = and(
      after === null ? undefined : gt(agents.id, after),
      site ? eq(agents.site, site) : undefined,
    )
    return this.#scope.rows(agents, { where, orderBy: [asc(agents.id)], limit })
  }

  /** False where its name is taken. */
  async enrol(agent: PublicKeys & { id: string; site: string }, now: number): Promise<boolean> {
    const row = { ...agent, enrolledAt: now }
    const [added] = await this.#scope.write(this.#scope.insert(agents, row, { is: 'nothing' }), {
      action: 'agent.join',
      subject: `agent/${agent.id}`,
      after: agent,
    })
    return added === 1
  }

  /** Of this row, as it was read: with `rootKey`, the site gets it where it has none. */
  async certify({ id, site }: AgentRow, certificate: Certificate, rootKey: string | null): Promise<void> {
    const isFirst = and(eq(sites.id, site), isNull(sites.rootKey))
    await this.#scope.write(
      [
        this.#scope.update(agents, { certificate }, eq(agents.id, id)),
        ...(rootKey === null ? [] : [this.#scope.update(sites, { rootKey }, isFirst)]),
      ],
      {
        action: 'agent.certify',
        subject: `agent/${id}`,
        after: { site, ...(rootKey !== null && { rootKey }) },
      },
    )
  }

  async connected(id: string, facts: Facts, address: string | null, now: number): Promise<void> {
    await this.#scope.write(
      this.#scope.update(agents, { facts, address, seenAt: now }, eq(agents.id, id)),
      null,
    )
  }

  async disconnected(id: string, now: number): Promise<void> {
    await this.#scope.write(this.#scope.update(agents, { seenAt: now }, eq(agents.id, id)), null)
  }

  async changed(id: string, facts: Facts): Promise<void> {
    await this.#scope.write(this.#scope.update(agents, { facts }, eq(agents.id, id)), null)
  }

  /** Two processes have its identity: told where operators look. */
  async twins(id: string, told: { stayed: string; left: string }, now: number): Promise<void> {
    await this.#scope.write(this.#scope.update(agents, { twinAt: now }, eq(agents.id, id)), {
      action: 'agent.twins',
      subject: `agent/${id}`,
      after: told,
    })
  }

  /** False where it was revoked before. */
  async revoke(id: string, now: number): Promise<boolean> {
    const where = and(eq(agents.id, id), isNull(agents.revokedAt))
    const [changed] = await this.#scope.write(this.#scope.update(agents, { revokedAt: now }, where), {
      action: 'agent.revoke',
      subject: `agent/${id}`,
    })
    return changed === 1
  }

  /** The same of the agent of an embedded control plane, which is what its binding says, whatever was known of it. */
  async connectedLocal(local: LocalAgent, facts: Facts, now: number): Promise<void> {
    const { agent: id, site, signing, sealing, rootKey, certificate } = local
    const set = { site, signing, sealing, certificate, facts, seenAt: now }
    const target = [agents.workspaceId, agents.id]
    const isOther = and(eq(sites.id, site), sql`${sites.rootKey} IS NOT ${rootKey}`)
    await this.#scope.write(
      [
        this.#scope.insert(agents, { id, ...set, enrolledAt: now }, { is: 'update', target, set }),
        this.#scope.update(sites, { rootKey }, isOther),
      ],
      null,
    )
  }
}

/** `there`: how it is, where it is connected. */
export function agentView(
  { workspaceId: _, ...row }: AgentRow,
  there: { draining: boolean; doing: Doing[] } | undefined,
): AgentView {
  return {
    ...row,
    connected: there !== undefined,
    draining: there?.draining ?? false,
    doing: there?.doing ?? null,
    upgradeTo: row.revokedAt === null && row.facts && isOlder(row.facts.version, version) ? version : null,
  }
}
