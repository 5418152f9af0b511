/** Members and invitations. Nobody gives a role, or takes one, that can more than they can; the last owner stays. */
import { and, asc, desc, eq, exists, gt, lt, ne, or, type SQL, sql } from 'drizzle-orm'
import { alias, QueryBuilder } from 'drizzle-orm/sqlite-core'
import {
  changeMember,
  createInvitation,
  type InvitationView,
  listInvitations,
  listMembers,
  type MemberView,
  removeMember,
  withdrawInvitation,
} from '../../shared/api/members.ts'
import { type Role, scopesOf } from '../../shared/api/scopes.ts'
import { randomText, sha256 } from '../../shared/octets.ts'
import { type Caller, scopesIn } from '../access/caller.ts'
import { People } from '../access/people.ts'
import { linkOrigin } from '../env.ts'
import { invitations, members, tokens } from '../store/schema.ts'
import type { Scope } from '../store/scope.ts'
import { pageOf, placeIn } from './page.ts'
import { Refusal } from './problem.ts'
import { type App, changedSince, serve } from './serve.ts'

const day = 24 * 60 * 60 * 1000

export function memberRoutes(app: App): void {
  serve(app, listMembers, async ({ env, scope, query }) => {
    const { createdAt, personId } = members
    const after = placeIn(query.cursor)
    const where = after && or(gt(createdAt, after.at), and(eq(createdAt, after.at), gt(personId, after.id)))
    const rows = await scope.rows(members, {
      where: where ?? undefined,
      orderBy: [asc(createdAt), asc(personId)],
      limit: query.limit,
    })
    const page = await viewsOf(env.DB, rows)
    return { members: page, cursor: pageOf(page, query.limit) }
  })

  serve(app, changeMember, async ({ env, scope, params, body, caller, ifMatch }) => {
    const before = await find(scope, params.member)
    refuseAbove(caller, scope.workspace, before.role)
    refuseAbove(caller, scope.workspace, body.role)
    const where = and(
      eq(members.personId, before.personId),
      ifMatch === null ? undefined : eq(members.revision, ifMatch),
      body.role === 'owner' ? undefined : notLastOwner(scope.workspace),
    )
    const [changed] = await scope.write(
      scope.update(members, { role: body.role, revision: sql`${members.revision} + 1` }, where),
      {
        action: 'member.change',
        subject: `member/${before.personId}`,
        before: { role: before.role },
        after: { role: body.role },
      },
    )
    const after = await find(scope, params.member)
    if (changed === 0) {
      if (ifMatch !== null && after.revision !== ifMatch) throw changedSince('the member')
      throw lastOwner()
    }
    return (await viewsOf(env.DB, [after]))[0]!
  })

  serve(app, removeMember, async ({ scope, params, caller }) => {
    const { role } = await find(scope, params.member)
    refuseAbove(caller, scope.workspace, role)
    await dismiss(scope, params.member)
    return undefined
  })

  serve(app, listInvitations, async ({ scope, query }) => {
    const { createdAt, id } = invitations
    const before = placeIn(query.cursor)
    const where = before && or(lt(createdAt, before.at), and(eq(createdAt, before.at), lt(id, before.id)))
    const rows = await scope.rows(invitations, {
      where: where ?? undefined,
      orderBy: [desc(createdAt), desc(id)],
      limit: query.limit,
    })
    const page = rows.map(invitationView)
    return { invitations: page, cursor: pageOf(page, query.limit) }
  })

  serve(app, createInvitation, async ({ env, request, scope, body, caller }) => {
    refuseAbove(caller, scope.workspace, body.role)
    const secret = randomText(32)
    const now = Date.now()
    const row = {
      id: crypto.randomUUID(),
      email: body.email,
      role: body.role,
      secretHash: await sha256(secret),
      inviterName: caller.kind === 'machine' ? 'The operator' : scope.actor.name,
      createdAt: now,
      expiresAt: now + body.days * day,
    }
    const invitation = invitationView(row)
    await scope.write(scope.insert(invitations, row), {
      action: 'invitation.create',
      subject: `invitation/${row.id}`,
      after: invitation,
    })
    return { invitation, link: `${linkOrigin(env, request)}/invitation#${row.id}.${secret}` }
  })

  serve(app, withdrawInvitation, async ({ scope, params }) => {
    const which = eq(invitations.id, params.invitation)
    const before = await scope.row(invitations, which)
    if (!before) throw new Refusal(404, 'not-found', `there is no invitation ${params.invitation}`)
    await scope.write(scope.remove(invitations, which), {
      action: 'invitation.withdraw',
      subject: `invitation/${before.id}`,
      before: invitationView(before),
    })
    return undefined
  })
}

/** Ends a membership, and with it the tokens that the member made there. */
export async function dismiss(scope: Scope, person: string): Promise<void> {
  const { role } = await find(scope, person)
  const [gone] = await scope.write(
    [
      scope.remove(members, and(eq(members.personId, person), notLastOwner(scope.workspace))),
      scope.remove(tokens, and(eq(tokens.makerId, person), sql`changes() > 0`)),
    ],
    { action: 'member.remove', subject: `member/${person}`, before: { role } },
  )
  if (gone === 0) throw lastOwner()
}

async function find(scope: Scope, person: string) {
  const found = await scope.row(members, eq(members.personId, person))
  if (found) return found
  throw new Refusal(404, 'not-found', `there is no member ${person}`)
}

/** Decided by the statement that changes it: of two owners who go at once, one stays. */
function notLastOwner(workspace: string): SQL {
  const other = alias(members, 'other')
  const others = new QueryBuilder()
    .select({ id: other.personId })
    .from(other)
    .where(
      and(eq(other.workspaceId, workspace), eq(other.role, 'owner'), ne(other.personId, members.personId)),
    )
  return or(ne(members.role, 'owner'), exists(others))!
}

const lastOwner = () =>
  new Refusal(409, 'busy', 'a workspace has an owner', 'Make somebody else an owner first.')

function refuseAbove(caller: Caller, workspace: string, role: Role): void {
  const rights = scopesIn(caller, workspace) ?? []
  if (scopesOf[role].every((scope) => rights.includes(scope))) return
  throw new Refusal(
    403,
    'access-denied',
    `the role ${role} can more than you can`,
    'Ask an owner of the workspace.',
  )
}

interface Row {
  personId: string
  role: Role
  revision: number
  createdAt: number
}

async function viewsOf(database: D1Database, rows: readonly Row[]): Promise<MemberView[]> {
  const named = await new People(database).named(rows.map(({ personId }) => personId))
  return rows.map(({ personId: id, role, revision, createdAt }) => ({
    id,
    ...(named.get(id) ?? { name: '', email: '' }),
    role,
    revision,
    createdAt,
  }))
}

const invitationView = ({
  id,
  email,
  role,
  inviterName,
  createdAt,
  expiresAt,
}: Omit<InvitationView, 'inviter'> & { inviterName: string }): InvitationView => ({
  id,
  email,
  role,
  inviter: inviterName,
  createdAt,
  expiresAt,
})
