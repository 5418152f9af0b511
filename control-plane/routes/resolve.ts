/** Locations that name a connection, with what it says now in its place: what agents get of them. */
import type { MigrationView, NewMigration } from '../../shared/api/migrations.ts'
import type { Location } from '../../shared/location.ts'
import type { Listened } from '../../shared/protocol.ts'
import { reachOfAll, withoutSites } from '../core/place.ts'
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

/** What a pass begins with: the definition, where its baseline is kept, and what its agents listen to. */
export async function wholeDefinition(
  scope: Scope,
  migration: MigrationView,
): Promise<NewMigration & { readonly baseline?: Location; readonly events?: Listened[] }> {
  const { baseline } = migration.follow
  const events = await listenedTo(scope, migration)
  const definition = { ...definitionOf(migration), ...(events.length > 0 && { events }) }
  return resolved(
    scope,
    baseline ? { ...definition, baseline: await resolvedLocation(scope, baseline) } : definition,
  )
}

async function listenedTo(scope: Scope, { follow }: MigrationView): Promise<Listened[]> {
  const all: Listened[] = []
  for (const source of follow.events) {
    if (source.kind === 'watch') all.push({ kind: 'watch' })
    if (source.kind !== 'sqs') continue
    const { kind, queue, region, profile, connection } = source
    const access = connection === undefined ? null : await resolvedLocation(scope, placeOf(connection))
    all.push({ kind, queue, region, profile, ...(access?.kind === 's3' && { access: withoutSites(access) }) })
  }
  return all
}

/** Any place of a connection: its credential is what is meant. */
const placeOf = (connection: string): Location => ({
  ...{ kind: 's3', bucket: 'any', prefix: '', endpoint: null, region: null, profile: null, site: null },
  connection,
})

export const noSite = {
  code: 'config',
  message:
    'no site reaches both source and destination: their sites and those of their connections have none in common',
  hint: 'Let the connections be reached from one site at least: dray connection edit NAME --site SITE.',
} as const
