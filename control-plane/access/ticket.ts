/** Whose ticket it is to watch a migration with, or to download a file of it. Only an object that the catalogue knows is asked. */
import type { Env } from '../env.ts'
import { findObject } from '../routes/find.ts'
import { Refusal } from '../routes/problem.ts'
import { Scope } from '../store/scope.ts'
import { actorOf, type Caller, nobody } from './caller.ts'

export async function redeem(
  env: Env,
  { workspace = '', migration = '' }: Readonly<Record<string, string>>,
  ticket: string,
): Promise<Caller> {
  const unknown = () =>
    new Refusal(401, 'bad-credentials', 'the ticket is unknown, used or too old', 'Ask for another one.')
  const scope = new Scope(env.DB, workspace, actorOf(nobody, null))
  const object = await findObject(env, scope, migration).catch(() => null)
  const watcher = await object?.redeem(ticket)
  if (!watcher) throw unknown()
  return watcher
}
