/** The same migration as a document for `dray apply`, with the connections that were made for it: without what goes without saying. */
import { stringify } from 'yaml'
import type { ConnectionView } from '../../../shared/api/connections.ts'
import type { NewMigration } from '../../../shared/api/migrations.ts'
import { otherThanUsual } from '../follow/draft.ts'
import type { Defined } from './command.ts'

export function documentOf(
  { id, definition, follow, priority }: Defined,
  connections: readonly ConnectionView[],
  head: string,
): string {
  const { source, destination, filter, mapping, manifest, policy } = definition
  const other = otherThanUsual(follow)
  const patterns = {
    ...(filter.include.length > 0 && { include: filter.include }),
    ...(filter.exclude.length > 0 && { exclude: filter.exclude }),
    ...(filter.only !== null && { only: filter.only }),
  }
  const migration = {
    source: placeOf(source),
    destination: placeOf(destination),
    ...(Object.keys(patterns).length > 0 && { filter: patterns }),
    ...(mapping && { mapping }),
    ...(manifest && { manifest }),
    ...(Object.keys(policy).length > 0 && { policy }),
    ...(Object.keys(other).length > 0 && {
      follow: { ...other, ...(other.baseline && { baseline: placeOf(other.baseline) }) },
    }),
    ...(priority !== 'normal' && { priority }),
  }
  const made = connections.map((connection) => [connection.id, connectionOf(connection)])
  const document = {
    ...(made.length > 0 && { connections: Object.fromEntries(made) }),
    migrations: { [id]: migration },
  }
  return `${head
    .split('\n')
    .map((line) => `# ${line}\n`)
    .join('')}${stringify(document, { lineWidth: 110 })}`
}

/** A directory, or what of a bucket is not nothing. */
function placeOf(location: NewMigration['source']): object {
  if (location.kind === 'file') return { path: location.path, site: location.site }
  const { kind: _, ...bucket } = location
  return Object.fromEntries(Object.entries(bucket).filter(([, value]) => value !== null && value !== ''))
}

function connectionOf({
  endpoint,
  region,
  pathStyle,
  requesterPays,
  sites,
  credential,
}: ConnectionView): object {
  return {
    ...(endpoint !== null && { endpoint }),
    ...(region !== null && { region }),
    ...(pathStyle !== null && { pathStyle }),
    ...(requesterPays && { requesterPays }),
    ...(sites.length > 0 && { sites }),
    credential:
      credential.kind !== 'profile'
        ? credential.kind
        : credential.profile === null
          ? 'default'
          : { profile: credential.profile },
  }
}
