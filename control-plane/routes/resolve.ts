/** Locations that name a connection, with what it says now in its place: what agents get of them. */
import type { MigrationView, NewMigration } from '../../shared/api/migrations.ts'
import type { Location } from '../../shared/location.ts'
import { reachOfAll } from '../core/place.ts'
import { Connections, resolvedBy } from '../store/connections.ts'
import type { Scope } from '../store/scope.ts'
import { definitionOf } from './find.ts'
import { Refusal } from './problem.ts'

export async function resolvedLocation(scope: Scope, location: Location): Promise<Location> {
  if (location.kind !== 's3' || location.connection === undefined) return location
  const row = await new Connections(scope).find(location.connection)
  if (row) return resolvedBy(row, location)
  throw noConnection(location.connection)
}

export const noConnection = (id: string) =>
  new Refusal(
    409,
    'config',
    `there is no connection ${id}`,
    'Create it, or name another: dray connection list.',
  )

/** Refuses connections that are not there. */
export async function resolvedEnds<T extends NewMigration>(scope: Scope, definition: T): Promise<T> {
  const source = await resolvedLocation(scope, definition.source)
  const destination = await resolvedLocation(scope, definition.destination)
  return { ...definition, source, destination }
}

/** Refuses what no site reaches, too. */
export async function resolved<T extends NewMigration>(scope: Scope, definition: T): Promise<T> {
  const whole = await resolvedEnds(scope, definition)
  if (reachOfAll(whole)?.length === 0) throw new Refusal(409, noSite.code, noSite.message, noSite.hint)
  return whole
}

/** What a pass begins with: the definition, and where its baseline is kept. */
export async function wholeDefinition(
  scope: Scope,
  migration: MigrationView,
): Promise<NewMigration & { readonly baseline?: Location }> {
  const { baseline } = migration.follow
  const definition = definitionOf(migration)
  return resolved(
    scope,
    baseline ? { ...definition, baseline: await resolvedLocation(scope, baseline) } : definition,
  )
}

export const noSite = {
  code: 'config',
  message:
    'no site reaches both source and destination: their sites and those of their connections have none in common',
  hint: 'Let the connections be reached from one site at least: dray connection edit NAME --site SITE.',
} as const
