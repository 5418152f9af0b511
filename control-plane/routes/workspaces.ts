/** Workspaces: made by people, who own what they make. */
import {
  createWorkspace,
  readWorkspace,
  renameWorkspace,
  type WorkspaceView,
} from '../../shared/api/workspaces.ts'
import { People } from '../access/people.ts'
import { members } from '../store/schema.ts'
import { Scope } from '../store/scope.ts'
import { Refusal } from './problem.ts'
import { type App, changedSince, serve } from './serve.ts'

export function workspaceRoutes(app: App): void {
  serve(app, createWorkspace, async ({ env, body, caller, scope }) => {
    if (caller.kind !== 'person') throw new Refusal(403, 'access-denied', 'workspaces are made by people')
    const people = new People(env.DB)
    const taken = () =>
      new Refusal(409, 'busy', `there is a workspace ${body.id} already`, 'Give this one another id.')
    if (await people.workspace(body.id)) throw taken()
    const within = new Scope(env.DB, body.id, scope.actor)
    const createdAt = Date.now()
    try {
      await within.write(
        [
          people.insertWorkspace({ ...body, createdAt }),
          within.insert(members, { personId: caller.id, role: 'owner', createdAt }),
        ],
        { action: 'workspace.create', subject: `workspace/${body.id}`, after: body },
      )
    } catch (error) {
      // Somebody else was a moment faster.
      if (await people.workspace(body.id)) throw taken()
      throw error
    }
    return { ...body, revision: 1, createdAt }
  })

  serve(app, readWorkspace, ({ env, params }) => find(new People(env.DB), params.workspace))

  serve(app, renameWorkspace, async ({ env, params, body, scope, ifMatch }) => {
    const people = new People(env.DB)
    const before = await find(people, params.workspace)
    const [changed] = await scope.write(people.renameWorkspace(before.id, body.name, ifMatch), {
      action: 'workspace.rename',
      subject: `workspace/${before.id}`,
      before: { name: before.name },
      after: { name: body.name },
    })
    if (changed === 0) throw changedSince('the workspace')
    return find(people, before.id)
  })
}

async function find(people: People, id: string): Promise<WorkspaceView> {
  const found = await people.workspace(id)
  if (found) return found
  throw new Refusal(404, 'not-found', `there is no workspace ${id}`)
}
