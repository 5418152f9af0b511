/** Who calls, and what is theirs. */
import {
  leaveWorkspace,
  listSessions,
  type Me,
  readMe,
  revokeSession,
  type SessionView,
} from '../../shared/api/me.ts'
import { scopesOf } from '../../shared/api/scopes.ts'
import { listWorkspaces } from '../../shared/api/workspaces.ts'
import { type Caller, scopesIn } from '../access/caller.ts'
import { People } from '../access/people.ts'
import { type Env, localWorkspace } from '../env.ts'
import { Scope } from '../store/scope.ts'
import { dismiss } from './members.ts'
import { Refusal } from './problem.ts'
import { type App, serve } from './serve.ts'

export function meRoutes(app: App): void {
  serve(app, readMe, async ({ env, caller }) => {
    const workspaces = await workspacesOf(env, caller)
    if (caller.kind === 'person') {
      const { id, name, email, mustEnrol } = caller
      return { kind: 'person' as const, id, name, email, mustEnrol, workspaces }
    }
    const { id, name } = caller.kind === 'token' ? caller : { id: 'machine', name: 'the operator token' }
    const kind = caller.kind === 'token' ? ('token' as const) : ('machine' as const)
    return { kind, id, name, email: null, mustEnrol: false, workspaces }
  })

  serve(app, listWorkspaces, async ({ env, caller }) => ({
    workspaces: await workspacesOf(env, caller),
    cursor: null,
  }))

  serve(app, listSessions, async ({ env, caller }) => {
    const found = caller.kind === 'person' ? await new People(env.DB).sessionsOf(caller.id, Date.now()) : []
    return { sessions: found.map((session) => viewOf(session, caller)), cursor: null }
  })

  serve(app, revokeSession, async ({ env, params, caller }) => {
    const isEnded =
      caller.kind === 'person' && (await new People(env.DB).endSession(params.session, caller.id))
    if (!isEnded) throw new Refusal(404, 'not-found', `you have no session ${params.session}`)
    return undefined
  })

  serve(app, leaveWorkspace, async ({ env, params, caller, scope }) => {
    if (caller.kind !== 'person' || !caller.roles[params.workspace]) {
      throw new Refusal(404, 'not-found', `you are no member of a workspace ${params.workspace}`)
    }
    await dismiss(new Scope(env.DB, params.workspace, scope.actor), caller.id)
    return undefined
  })
}

async function workspacesOf(env: Env, caller: Caller): Promise<Me['workspaces']> {
  const people = new People(env.DB)
  if (caller.kind === 'person') {
    const memberships = await people.memberships(caller.id)
    return memberships.map(({ workspace: id, name, role }) => ({
      id,
      name,
      role,
      scopes: [...scopesOf[role]],
    }))
  }
  const id = caller.kind === 'token' ? caller.workspace : localWorkspace
  const found = await people.workspace(id)
  if (!found) return []
  const role = caller.kind === 'machine' ? ('owner' as const) : null
  return [{ id, name: found.name, role, scopes: [...(scopesIn(caller, id) ?? [])] }]
}

type Session = Awaited<ReturnType<People['sessionsOf']>>[number]

const viewOf = (session: Session, caller: Caller): SessionView => ({
  id: session.id,
  method: session.method,
  agent: session.userAgent || null,
  address: session.ipAddress || null,
  createdAt: session.createdAt.getTime(),
  expiresAt: session.expiresAt.getTime(),
  current: caller.kind === 'person' && caller.session === session.id,
})
