/** What paths name, or 404. */
import type { MigrationView, NewMigration } from '../../shared/api/migrations.ts'
import { idSchema } from '../../shared/id.ts'
import type { Env } from '../env.ts'
import type { Migration } from '../migration.ts'
import { Catalogue } from '../store/catalogue.ts'
import type { Scope } from '../store/scope.ts'
import { Refusal } from './problem.ts'

export async function findMigration(scope: Scope, id: string): Promise<MigrationView> {
  const known = idSchema.safeParse(id).success ? await new Catalogue(scope).migration(id) : null
  if (!known)
    throw new Refusal(
      404,
      'not-found',
      `there is no migration ${id}`,
      'See those that there are: dray migrations.',
    )
  return known
}

/** What defines it: that which never changes. */
export const definitionOf = ({
  source,
  destination,
  filter,
  mapping,
  manifest,
}: NewMigration): NewMigration => ({
  source,
  destination,
  filter,
  ...(mapping && { mapping }),
  ...(manifest && { manifest }),
})

export const objectOf = (env: Env, workspace: string, id: string): DurableObjectStub<Migration> =>
  env.MIGRATION.getByName(`${workspace}/${id}`)

/** The live object of a migration that the catalogue knows: no other object is ever touched. */
export async function findObject(env: Env, scope: Scope, id: string): Promise<DurableObjectStub<Migration>> {
  await findMigration(scope, id)
  return objectOf(env, scope.workspace, id)
}

/** `value`, or 404 for the pass that the path names. */
export function orNoPass<T>(value: T | null, number: number): T {
  const hint = 'See those that there are: dray migration passes ID.'
  if (value === null) throw new Refusal(404, 'not-found', `there is no pass ${number}`, hint)
  return value
}
