/** The same migration as a line of the command line, for a POSIX shell. Null where its options cannot say it. */
import type { NewMigration } from '../../../shared/api/migrations.ts'
import type { Follow } from '../../../shared/life.ts'
import { formatLocation } from '../../../shared/location.ts'
import { formatManifest, type Manifest, type Mapping } from '../../../shared/mapping.ts'
import type { DeleteCap, Policy, Priority } from '../../../shared/policy.ts'
import { otherThanUsual } from '../follow/draft.ts'
import type { Which } from './draft.ts'

export interface Defined {
  readonly id: string
  readonly definition: NewMigration & { policy: Policy }
  readonly follow: Follow
  readonly priority: Priority
}

/** Of a policy: what no option says. */
const unsaid = ['conflicts', 'remember'] as const

export function commandOf({ id, definition, follow, priority }: Defined, workspace: string): string | null {
  const { source, destination, filter, mapping, manifest, policy } = definition
  const { fidelity = {}, ...rest } = policy
  const map = mapping ? mappingOptions(mapping) : []
  const [from, to] = [placeOptions('source', source), placeOptions('destination', destination)]
  const classes = storageClass(fidelity.storageClass)
  const followed = followOptions(otherThanUsual(follow))
  const cap = rest.deleteCap ? capOption(rest.deleteCap) : []
  if (!map || !from || !to || !followed || !cap || unsaid.some((name) => rest[name] !== undefined))
    return null
  const options: [name: string, value?: string][] = [
    ...from,
    ...to,
    ...filter.include.map((glob) => ['include', glob] as [string, string]),
    ...filter.exclude.map((glob) => ['exclude', glob] as [string, string]),
    ...given({ only: filter.only }),
    ...(rest.delete ? [['delete'] as [string]] : []),
    ...given({ 'delete-after': time(rest.deleteAfter) }),
    ...cap,
    ...given({
      compare: rest.compare,
      versions: rest.versions,
      symlinks: rest.symlinks,
      'server-side-copy': rest.serverSideCopy,
      archived: rest.archived,
      'restore-days': rest.restoreDays?.toString(),
      'restore-tier': rest.restoreTier,
      'storage-class': classes,
      tags: fidelity.tags,
      acl: fidelity.acl,
      'object-lock': fidelity.objectLock,
      encryption: fidelity.encryption,
      'on-loss': fidelity.onLoss,
    }),
    ...map,
    ...followed,
    ...(manifest ? manifestOptions(manifest) : []),
    ...given({
      priority: priority === 'normal' ? null : priority,
      workspace: workspace === 'local' ? null : workspace,
    }),
  ]
  const words = options.map(([name, value]) =>
    value === undefined ? `--${name}` : `--${name} ${quoted(value)}`,
  )
  const places = [formatLocation(source), formatLocation(destination)].map(quoted)
  return [`dray migration create ${id} ${places.join(' ')}`, ...words].join(' \\\n  ')
}

const time = (seconds: number | undefined) => (seconds === undefined ? undefined : `${seconds}s`)

/** One bound, or none where the other one is: the command has no word for both, nor for none at all. */
function capOption({ objects, share }: DeleteCap): [string, string][] | null {
  if ((objects === null) === (share === null)) return null
  return [['max-delete', objects === null ? `${+(100 * share!).toFixed(6)}%` : String(objects)]]
}

const given = (values: Record<string, string | null | undefined>): [string, string][] =>
  Object.entries(values).filter((pair): pair is [string, string] => typeof pair[1] === 'string')

function placeOptions(side: Which, location: NewMigration['source']): [string, string?][] | null {
  if (location.kind === 'file') return [[`${side}-site`, location.site]]
  const { connection, site, endpoint, region, profile, customerKey, anonymous, requesterPays } = location
  const isSourceOnly = anonymous || requesterPays
  if (location.pathStyle !== undefined || (isSourceOnly && side === 'destination')) return null
  return [
    ...given({
      [`${side}-connection`]: connection,
      [`${side}-site`]: site,
      [`${side}-endpoint`]: endpoint,
      [`${side}-region`]: region,
      [`${side}-profile`]: profile,
      [`${side}-customer-key`]: customerKey,
    }),
    ...(anonymous ? [['source-anonymous'] as [string]] : []),
    ...(requesterPays ? [['source-requester-pays'] as [string]] : []),
  ]
}

function mappingOptions(mapping: Mapping): [string, string][] | null {
  const unmatched = given({ 'map-unmatched': mapping.unmatched === 'fail' ? null : mapping.unmatched })
  if (mapping.kind === 'template') {
    return [...given({ 'map-pattern': mapping.pattern, 'map-to': mapping.to }), ...unmatched]
  }
  // FROM=TO has one "=", and the command asks for a template where nothing else says that there is a mapping.
  const { from, to } = mapping
  if (from === to || `${from}${to}`.includes('=')) return null
  return [['map-prefix', `${from}=${to}`], ...unmatched]
}

/** Null where two queues have not the same credential, or the baseline has terms of its own. */
function followOptions(follow: Partial<Follow>): [string, string][] | null {
  const { pauseAtLeast, pauseAtMost, lag, quiet, depth, sample, events = [], baseline } = follow
  const queues = events.filter((event) => event.kind === 'sqs')
  const [queue] = queues
  const terms = (of: (typeof queues)[number]) => JSON.stringify([of.region, of.profile, of.connection])
  if (queues.some((one) => terms(one) !== terms(queue!))) return null
  const at = baseline ? baselineOptions(baseline) : []
  return (
    at && [
      ...given({
        'pause-at-least': time(pauseAtLeast),
        'pause-at-most': time(pauseAtMost),
        lag: time(lag),
        quiet: time(quiet),
        'verify-depth': depth,
        sample: sample?.toString(),
      }),
      ...events.map((event): [string, string] => [
        'events',
        event.kind === 'sqs' ? `sqs:${event.queue}` : event.kind,
      ]),
      ...given({
        'events-region': queue?.region,
        'events-profile': queue?.profile,
        'events-connection': queue?.connection,
      }),
      ...at,
    ]
  )
}

function baselineOptions(location: NonNullable<Follow['baseline']>): [string, string][] | null {
  const place: [string, string] = ['baseline', formatLocation(location)]
  if (location.kind === 'file') return [place, ['baseline-site', location.site]]
  const { connection, site, kind: _, bucket: _b, prefix: _p, ...terms } = location
  if (Object.values(terms).some((one) => one !== null && one !== undefined)) return null
  return [place, ...given({ 'baseline-connection': connection, 'baseline-site': site })]
}

const manifestOptions = (manifest: Manifest): [string, string][] =>
  given({
    manifest: formatManifest(manifest),
    'manifest-columns': manifest.columns?.join(','),
    'manifest-keys': manifest.keys,
  })

function storageClass(of: NonNullable<Policy['fidelity']>['storageClass']): string | undefined {
  if (of === undefined || typeof of === 'string') return of
  const pairs = Object.entries(of.to)
  return pairs.length === 1 && pairs[0]![0] === '*'
    ? pairs[0]![1]
    : pairs.map(([from, to]) => `${from}=${to}`).join(',')
}

/** As one word of a shell's. */
export const quoted = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
