/** Whether somebody who was let in may still watch: their session or token is there, and their role or its scopes let them. */
import type { Scope } from '../../shared/api/scopes.ts'
import { type Env, localWorkspace } from '../env.ts'
import type { Watcher } from '../tickets.ts'
import { scopesIn } from './caller.ts'
import { People } from './people.ts'
import { boundsOf, scopesFrom } from './person.ts'

export async function mayStill(
  env: Env,
  workspace: string,
  watcher: Watcher,
  right: Scope,
  now: number,
): Promise<boolean> {
  const people = new People(env.DB)
  switch (watcher.kind) {
    case 'machine':
      return workspace === localWorkspace
    case 'person': {
      if (!(await people.hasSession(watcher.session, watcher.id, now))) return false
      const memberships = await people.memberships(watcher.id)
      const roles = Object.fromEntries(memberships.map(({ workspace: id, role }) => [id, role]))
      return scopesIn({ ...watcher, roles }, workspace)?.includes(right) ?? false
    }
    case 'token': {
      const permissions = await people.permissionsOf(watcher.id, now)
      const made = permissions === null ? null : await people.makerOf(watcher.id)
      if (!made) return false
      const given = scopesFrom(JSON.parse(permissions!))
      return given.includes(right) && boundsOf(made, workspace).includes(right)
    }
  }
  watcher satisfies never
}
