/**
 * What is about a person and no workspace: where somebody is a member, who invited them, whether there is anybody yet. Each query is about the one
 * person, address or invitation that it names; everything within a workspace goes through `Scope`.
 */
import { and, asc, desc, eq, exists, gt, inArray, isNotNull, lt, ne, notExists, or, sql } from 'drizzle-orm'
import { type DrizzleD1Database, drizzle } from 'drizzle-orm/d1'
import type { Role } from '../../shared/api/scopes.ts'
import type { Change } from '../store/scope.ts'
import {
  accounts,
  deviceCodes,
  invitations,
  members,
  passkeys,
  people,
  secondFactors,
  sessions,
  tokens,
} from '../store/tables/people.ts'
import { workspaces } from '../store/tables/workspaces.ts'

export interface Membership {
  readonly workspace: string
  readonly name: string
  readonly role: Role
}

export class People {
  readonly #db: DrizzleD1Database

  constructor(database: D1Database) {
    this.#db = drizzle(database)
  }

  /** By the workspace's id. */
  async memberships(person: string): Promise<Membership[]> {
    return this.#db
      .select({ workspace: workspaces.id, name: workspaces.name, role: members.role })
      .from(members)
      .innerJoin(workspaces, eq(workspaces.id, members.workspaceId))
      .where(eq(members.personId, person))
      .orderBy(asc(workspaces.id))
  }

  /** Who made a token (null: the machine's operator), and their role in its workspace now, if they have one. */
  async makerOf(token: string): Promise<{ maker: string | null; role: Role | null } | null> {
    const found = await this.#db
      .select({ maker: tokens.makerId, role: members.role })
      .from(tokens)
      .leftJoin(
        members,
        and(eq(members.workspaceId, tokens.workspaceId), eq(members.personId, tokens.makerId)),
      )
      // One without a name was never finished, nor shown to anybody.
      .where(and(eq(tokens.id, token), isNotNull(tokens.makerName)))
      .get()
    return found ?? null
  }

  /** Whether a person's session goes on. */
  async hasSession(id: string, person: string, now: number): Promise<boolean> {
    const found = await this.#db
      .select({ id: sessions.id })
      .from(sessions)
      .where(and(eq(sessions.id, id), eq(sessions.userId, person), gt(sessions.expiresAt, new Date(now))))
      .get()
    return found !== undefined
  }

  /** That go on, newest first, however old: the library lists and ends sessions only for one that signed in minutes ago. */
  async sessionsOf(person: string, now: number) {
    return this.#db
      .select()
      .from(sessions)
      .where(and(eq(sessions.userId, person), gt(sessions.expiresAt, new Date(now))))
      .orderBy(desc(sessions.createdAt))
  }

  /** False where the person has no such session. */
  async endSession(id: string, person: string): Promise<boolean> {
    const ended = await this.#db
      .delete(sessions)
      .where(and(eq(sessions.id, id), eq(sessions.userId, person)))
      .returning({ id: sessions.id })
    return ended.length > 0
  }

  /** Of a token that is good now, as they are stored; null where it is not. */
  async permissionsOf(token: string, now: number): Promise<string | null> {
    const found = await this.#db.select().from(tokens).where(eq(tokens.id, token)).get()
    if (!found || found.enabled === false) return null
    return found.expiresAt === null || found.expiresAt.getTime() > now ? (found.permissions ?? '{}') : null
  }

  async workspace(id: string) {
    return (await this.#db.select().from(workspaces).where(eq(workspaces.id, id)).get()) ?? null
  }

  /** For `Scope.write`, by whoever may. */
  insertWorkspace(values: { id: string; name: string; createdAt: number }): Change {
    return { statement: this.#db.insert(workspaces).values(values) }
  }

  /** Nothing may belong to it any more. */
  removeWorkspace(id: string): Change {
    return { statement: this.#db.delete(workspaces).where(eq(workspaces.id, id)) }
  }

  renameWorkspace(id: string, name: string, revision: number | null): Change {
    const where = and(
      eq(workspaces.id, id),
      revision === null ? undefined : eq(workspaces.revision, revision),
    )
    return {
      statement: this.#db
        .update(workspaces)
        .set({ name, revision: sql`${workspaces.revision} + 1` })
        .where(where),
    }
  }

  /** Names and addresses, by id. */
  async named(ids: readonly string[]): Promise<Map<string, { name: string; email: string }>> {
    const found = new Map<string, { name: string; email: string }>()
    // A statement has 100 parameters at most.
    for (let i = 0; i < ids.length; i += 100) {
      const rows = await this.#db
        .select({ id: people.id, name: people.name, email: people.email })
        .from(people)
        .where(inArray(people.id, ids.slice(i, i + 100)))
      for (const { id, ...rest } of rows) found.set(id, rest)
    }
    return found
  }

  /** Whether a workspace has an owner who can sign in. */
  async ownerOf(workspace: string): Promise<boolean> {
    const one = await this.#db
      .select({ id: people.id })
      .from(people)
      .innerJoin(members, eq(members.personId, people.id))
      .where(
        and(eq(members.workspaceId, workspace), eq(members.role, 'owner'), sql`NOT (${this.#unfinished()})`),
      )
      .limit(1)
    return one.length > 0
  }

  /** Whether somebody of that address can sign in, or is a member somewhere: who invites them does not get to begin anew in their place. */
  async knows(email: string): Promise<boolean> {
    const memberships = this.#db
      .select({ id: members.personId })
      .from(members)
      .where(eq(members.personId, people.id))
    const one = await this.#db
      .select({ id: people.id })
      .from(people)
      .where(and(eq(people.email, email), or(sql`NOT (${this.#unfinished()})`, exists(memberships))))
      .limit(1)
    return one.length > 0
  }

  /** Whoever began to come in and never set up a way to sign in gives their address free; all of them where none is given, but `except`. */
  async forgetUnfinished({ email, except }: { email?: string; except?: string }): Promise<void> {
    await this.#db
      .delete(people)
      .where(
        and(
          this.#unfinished(),
          email === undefined ? undefined : eq(people.email, email),
          except === undefined ? undefined : ne(people.id, except),
        ),
      )
  }

  /** Sessions and device codes that have expired. */
  async forgetExpired(now: number): Promise<void> {
    await this.#db.batch([
      this.#db.delete(sessions).where(lt(sessions.expiresAt, new Date(now))),
      this.#db.delete(deviceCodes).where(lt(deviceCodes.expiresAt, new Date(now))),
    ])
  }

  /** An open invitation with its workspace. */
  async invitation(id: string, now: number) {
    const found = await this.#db
      .select({ invitation: invitations, workspaceName: workspaces.name })
      .from(invitations)
      .innerJoin(workspaces, eq(workspaces.id, invitations.workspaceId))
      .where(and(eq(invitations.id, id), gt(invitations.expiresAt, now)))
      .get()
    return found ?? null
  }

  /** For `Scope.write`: makes somebody a member, where the invitation is still open as it runs, and they are none. */
  acceptance(id: string, secretHash: string, person: string, now: number): Change {
    const open = this.#db
      .select({
        workspaceId: invitations.workspaceId,
        personId: sql<string>`${person}`.as('user_id'),
        role: invitations.role,
        revision: sql<number>`1`.as('revision'),
        createdAt: sql<number>`${now}`.as('created_at'),
      })
      .from(invitations)
      .where(
        and(eq(invitations.id, id), eq(invitations.secretHash, secretHash), gt(invitations.expiresAt, now)),
      )
    return { statement: this.#db.insert(members).select(open).onConflictDoNothing() }
  }

  async isInvited(email: string, now: number): Promise<boolean> {
    const invited = await this.#db
      .select({ id: invitations.id })
      .from(invitations)
      .where(and(eq(invitations.email, email), gt(invitations.expiresAt, now)))
      .limit(1)
    return invited.length > 0
  }

  /** No passkey, no verified second factor, no account with an OIDC provider. */
  #unfinished() {
    const ofThem = (table: typeof passkeys | typeof secondFactors | typeof accounts) =>
      eq(table.userId, people.id)
    return and(
      notExists(this.#db.select({ id: passkeys.id }).from(passkeys).where(ofThem(passkeys))),
      notExists(
        this.#db
          .select({ id: secondFactors.id })
          .from(secondFactors)
          .where(and(ofThem(secondFactors), eq(secondFactors.verified, true))),
      ),
      notExists(
        this.#db
          .select({ id: accounts.id })
          .from(accounts)
          .where(and(ofThem(accounts), sql`${accounts.providerId} <> 'credential'`)),
      ),
    )!
  }
}
