/** Locations that name a connection, with what it says now in its place: what agents get of them. */
import type { NewMigration } from '../../shared/api/migrations.ts'
import type { Location } from '../../shared/location.ts'
import { reachOfAll } from '../core/place.ts'
import { Connections, resolvedBy } from '../store/connections.ts'
import type { Scope } from '../store/scope.ts'
import { Refusal } from './problem.ts'

/** Refuses connections that are not there, and what no site reaches with them. */
export async function resolved<T extends NewMigration>(scope: Scope, definition: T): Promise<T> {
  const connections = new Connections(scope)
  const resolve = async (location: Location): Promise<Location> => {
    if (location.kind !== 's3' || location.connection === undefined) return location
    const row = await connections.find(location.connection)
    if (row) return resolvedBy(row, location)
    throw new Refusal(
      409,
      'config',
      `there is no connection ${location.connection}`,
      'Create it, or name another: dray connection list.',
    )
  }
  const source = await resolve(definition.source)
  const destination = await resolve(definition.destination)
  const whole = { ...definition, source, destination }
  if (reachOfAll(whole)?.length === 0) {
    throw new Refusal(
      409,
      'config',
      'no site reaches both source and destination: their sites and those of their connections have none in common',
      'Let the connections be reached from one site at least: dray connection edit NAME --site SITE.',
    )
  }
  return whole
}
