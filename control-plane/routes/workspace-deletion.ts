/**
 * The end of a workspace. Everybody else loses their access first, so that nothing new begins; then go its migrations, each with its object,
 * its reports and, last, its row: the rows that are left are what is left to do, whenever a request was cut off. The owner who asks keeps
 * their membership to the end, and can ask again.
 */
import { asc, eq, ne } from 'drizzle-orm'
import { deleteWorkspace } from '../../shared/api/whole-workspace.ts'
import type { Caller } from '../access/caller.ts'
import { People } from '../access/people.ts'
import { type Env, localWorkspace } from '../env.ts'
import {
  agents,
  audit,
  connections,
  idempotency,
  invitations,
  joinTokens,
  limits,
  members,
  migrations,
  schedules,
  sealedCopies,
  sites,
  tokens,
  webhooks,
} from '../store/schema.ts'
import { type Owned, Scope } from '../store/scope.ts'
import { objectOf } from './find.ts'
import { Refusal } from './problem.ts'
import { deleteReports, deleteStored } from './report-stream.ts'
import { type App, serve } from './serve.ts'

/** All that belongs to a workspace in the catalogue, but its row, its audit log and its migrations (test/control-plane/workspace.test.ts). */
export const belongings: readonly Owned[] = [
  ...[schedules, sealedCopies, connections, limits, joinTokens, agents, sites, webhooks],
  ...[invitations, tokens, members, idempotency],
]

/** Where the audit log keeps what is about no workspace. */
export const everywhere = ''

/** What one request works for, in ms: less than a client waits. */
const patience = 20_000
/** Connections that a Worker has. */
const atOnce = 6

export function workspaceDeletion(app: App): void {
  serve(app, deleteWorkspace, async ({ env, scope, params, body, caller }) => {
    const people = new People(env.DB)
    const workspace = await people.workspace(params.workspace)
    if (!workspace) throw new Refusal(404, 'not-found', `there is no workspace ${params.workspace}`)
    if (workspace.id === localWorkspace) {
      throw new Refusal(
        409,
        'busy',
        'the first workspace of a deployment stays: who owns it owns the deployment',
        'Delete what is in it.',
      )
    }
    if (body.name !== workspace.name) {
      throw new Refusal(
        400,
        'usage',
        `the workspace ${workspace.id} has another name`,
        'Repeat its name as it is shown, letter by letter.',
      )
    }

    await shutOut(scope, await stays(people, caller))
    const until = Date.now() + patience
    let left = await scope.count(migrations)
    while (left > 0 && Date.now() < until) {
      await deleteSome(env, scope)
      left = await scope.count(migrations)
    }
    if (left > 0) return { deleted: false, left }

    await Promise.all([
      erase(env.FLEET.getByName(workspace.id)),
      erase(env.COURIER.getByName(workspace.id)),
      env.TIMETABLE.getByName(workspace.id).erase(),
      deleteStored(env.REPORTS, `${workspace.id}/`),
    ])
    await forget(env, scope, people, workspace)
    return { deleted: true, left: 0 }
  })
}

/** The person who asks, or in whose name a token does; and that token. They keep what they need to ask again. */
interface Stays {
  readonly person: string
  readonly token: string
}

async function stays(people: People, caller: Caller): Promise<Stays> {
  if (caller.kind === 'person') return { person: caller.id, token: '' }
  const maker = caller.kind === 'token' ? (await people.makerOf(caller.id))?.maker : null
  if (caller.kind === 'token' && maker) return { person: maker, token: caller.id }
  throw new Refusal(403, 'access-denied', 'workspaces are deleted by people, and by tokens that people made')
}

/** Nobody else has access from here on, and no agent. */
async function shutOut(scope: Scope, { person, token }: Stays): Promise<void> {
  await scope.write(
    [
      scope.remove(members, ne(members.personId, person)),
      scope.remove(tokens, ne(tokens.id, token)),
      scope.remove(invitations, undefined),
      scope.remove(joinTokens, undefined),
      scope.remove(schedules, undefined),
      scope.remove(agents, undefined),
    ],
    { action: 'workspace.delete', subject: `workspace/${scope.workspace}` },
  )
}

async function deleteSome(env: Env, scope: Scope): Promise<void> {
  const rows = await scope.rows(migrations, { orderBy: [asc(migrations.id)], limit: atOnce })
  await Promise.all(
    rows.map(async ({ id }) => {
      await objectOf(env, scope.workspace, id).erase(true)
      await deleteReports(env.REPORTS, scope.workspace, id)
    }),
  )
  for (const { id } of rows) await scope.write(scope.remove(migrations, eq(migrations.id, id)), null)
}

/** First all that is stored; then the object itself, whose memory is of what was there. */
async function erase(object: { erase(): Promise<void>; end(): Promise<void> }): Promise<void> {
  await object.erase()
  await object.end().catch(() => {})
}

/** The last of it, in one transaction, which is recorded where no workspace ends. */
async function forget(
  env: Env,
  scope: Scope,
  people: People,
  { id, name, createdAt }: { id: string; name: string; createdAt: number },
): Promise<void> {
  const { kind, id: actorId, name: actorName, address } = scope.actor
  const actor = { actorKind: kind, actorId, actorName, address }
  const record = { action: 'workspace.delete', subject: `workspace/${id}`, before: { id, name, createdAt } }
  const deployment = new Scope(env.DB, everywhere, scope.actor)
  await scope.write(
    [
      ...belongings.map((table) => scope.remove(table, undefined)),
      people.removeWorkspace(id),
      // Only now may it be erased (its triggers).
      scope.remove(audit, undefined),
      deployment.insert(audit, { at: Date.now(), ...actor, ...record }),
    ],
    null,
  )
}
