/** `dray migrations` and `dray migration ID`: what a control plane knows. */
import { isDeepStrictEqual } from 'node:util'
import type { MigrationView, PassStatus, WaitsFor } from '../../shared/api/migrations.ts'
import { DrayError } from '../../shared/error.ts'
import { visible } from '../../shared/key.ts'
import { defaultFollow } from '../../shared/life.ts'
import { formatLocation, type Location } from '../../shared/location.ts'
import { formatManifest } from '../../shared/mapping.ts'
import type { DeleteCap, Filter } from '../../shared/policy.ts'
import { bytes, count, duration, plural } from './figures.ts'
import { exitCodes, type Io } from './io.ts'
import { followText } from './life-text.ts'
import { droppedText, packetsOf } from './outcome.ts'
import { localSite } from './place.ts'
import { type AskOptions, withPlane } from './plane.ts'
import type { PlaneClient } from './plane-client.ts'
import { table } from './table.ts'

export async function runMigrations(options: AskOptions, io: Io): Promise<number> {
  const migrations = await withPlane(options, io, (plane) => plane.migrations())
  if (options.json) {
    io.stdout.write(`${JSON.stringify({ migrations: migrations ?? [] })}\n`)
  } else if (!migrations?.length) {
    io.stdout.write('There are no migrations yet. Begin one with: dray copy SRC DST\n')
  } else {
    io.stdout.write(visible(list(migrations)))
  }
  return exitCodes.equal
}

export async function runMigration(id: string, options: AskOptions, io: Io): Promise<number> {
  const migration = await withPlane(options, io, async (plane) => {
    const known = await plane.migration(id)
    // The catalogue hears of a running pass now and then only.
    if (known?.pass?.state === 'running') known.pass = await plane.pass(id, known.pass.number)
    return known
  })
  if (!migration) throw unknown(id)
  io.stdout.write(options.json ? `${JSON.stringify(migration)}\n` : visible(details(migration)))
  return exitCodes.equal
}

const unknown = (id: string) =>
  new DrayError('not-found', 'look', `there is no migration ${id}`, {
    hint: 'See dray migrations for those that there are.',
  })

/** As the catalogue has it. */
export async function knownMigration(plane: PlaneClient, id: string): Promise<MigrationView> {
  const known = await plane.migration(id)
  if (!known) throw unknown(id)
  return known
}

function list(migrations: MigrationView[]): string {
  const head = ['ID', 'STATE', 'PASS', 'OBJECTS', 'COPIED', 'FAILED', 'FROM → TO']
  const rows = migrations.map(({ id, pass, source, destination }) => [
    id,
    pass ? (pass.paused ? 'paused' : pass.state) : 'new',
    pass ? `${pass.number} ${pass.options.kind}` : '',
    pass ? count(pass.counts.objects.listed) : '',
    pass ? count(pass.counts.objects.copied) : '',
    pass ? count(pass.counts.objects.failed) : '',
    `${formatLocation(source)} → ${formatLocation(destination)}`,
  ])
  return table(head, rows)
}

function details(migration: MigrationView): string {
  const { id, source, destination, filter, createdAt, pass, priority, policy, follow } = migration
  const rows: [string, string][] = [
    ['migration', id],
    ['source', wholly(source)],
    ['destination', wholly(destination)],
    ...filterRows(filter),
    ...arrangementRows(migration),
    ['priority', priority],
    ...(Object.keys(policy).length > 0 ? ([['policy', policyText(policy)]] as [string, string][]) : []),
    ...(isDeepStrictEqual(follow, defaultFollow)
      ? []
      : ([['follows', followText(follow)]] as [string, string][])),
    ['created', when(createdAt)],
    ...(pass ? passRows(pass) : ([['pass', 'none yet']] as [string, string][])),
  ]
  return rows.map(([name, value]) => `${name.padEnd(13)}${value}\n`).join('')
}

/** `delete, compare mtime, fidelity tags drop`. */
export function policyText(policy: object): string {
  return Object.entries(policy)
    .map(([name, value]) =>
      name === 'deleteCap'
        ? `max delete ${capText(value)}`
        : value === true
          ? name
          : typeof value === 'object' && value !== null
            ? `${name} ${policyText(value)}`
            : `${name} ${value}`,
    )
    .join(', ')
}

const capText = ({ objects, share }: DeleteCap): string =>
  [objects ?? [], share === null ? [] : `${Number((share * 100).toFixed(6))}%`].flat().join(' or ') || 'any'

function filterRows({ include, exclude, only }: Filter): [string, string][] {
  return [
    ...(only === null ? [] : ([['only', only]] as [string, string][])),
    ...include.map((glob): [string, string] => ['include', glob]),
    ...exclude.map((glob): [string, string] => ['exclude', glob]),
  ]
}

function arrangementRows({ mapping, manifest }: MigrationView): [string, string][] {
  const rows: [string, string][] = []
  if (mapping?.kind === 'prefix') rows.push(['prefix', `${mapping.from} → ${mapping.to}`])
  if (mapping?.kind === 'template') rows.push(['keys', `${mapping.pattern ?? 'every key'} → ${mapping.to}`])
  if (mapping) rows.push(['unmatched', mapping.unmatched])
  if (manifest) rows.push(['manifest', formatManifest(manifest)])
  return rows
}

const stateOf = ({ state, paused }: PassStatus): string =>
  paused ? `paused by ${paused.by}, ${when(paused.since)}` : state

const retryText = ({ retries }: PassStatus): string =>
  retries === undefined ? '' : ` of what failed in pass ${retries}`

function asksRows({ asks }: PassStatus): [string, string][] {
  if (!asks) return []
  const { deletes, of } = asks
  return [
    ['asks', `whether it may delete ${count(deletes)} of ${plural(of, 'object')} at the destination`],
    ['', `→ dray migration deletes ID --allow ${deletes}, or --leave`],
  ]
}

function passRows(pass: PassStatus): [string, string][] {
  const { objects, bytes: moved } = pass.counts
  const { kind, dryRun } = pass.options
  return [
    ['pass', `${pass.number}: ${kind}${dryRun ? ' (dry run)' : ''}${retryText(pass)}, ${stateOf(pass)}`],
    ['began', when(pass.startedAt)],
    ...(pass.endedAt === null
      ? []
      : ([['ended', `${when(pass.endedAt)}, after ${duration((pass.endedAt - pass.startedAt) / 1000)}`]] as [
          string,
          string,
        ][])),
    [
      'objects',
      `${count(objects.listed)} listed = ${count(objects.same)} same + ${count(objects.copied)} copied + ` +
        `${count(objects.skipped)} skipped + ${count(objects.vanished)} vanished + ${count(objects.failed)} failed`,
    ],
    ...(objects.deleted ? ([['deleted', count(objects.deleted)]] as [string, string][]) : []),
    ...(pass.left
      ? ([['left', `${count(pass.left)} only at the destination, not deleted`]] as [string, string][])
      : []),
    ...asksRows(pass),
    ...(droppedText(pass) ? ([['dropped', droppedText(pass)]] as [string, string][]) : []),
    ...(objects.extra ? ([['extra', count(objects.extra)]] as [string, string][]) : []),
    ['bytes', `${bytes(moved.listed)} listed, ${bytes(moved.copied)} copied`],
    [
      'packets',
      `${count(pass.packets.done)} of ${count(packetsOf(pass))} done, ${count(pass.packets.parked)} parked`,
    ],
    ...(pass.waitsFor
      ? ([
          ['waits for', pass.waitsFor.message],
          ['', `→ ${remedy(pass.waitsFor)}`],
        ] as [string, string][])
      : []),
    ...pass.failureCauses.map((cause): [string, string] => [
      'failures',
      `${count(cause.objects)} ${cause.code}: ${cause.message}`,
    ]),
    ...(pass.open + pass.waived > 0
      ? ([['open', `${count(pass.open)} failed and open, ${count(pass.waived)} waived`]] as [
          string,
          string,
        ][])
      : []),
    ...pass.errors.map(({ error, packets }): [string, string] => [
      'errors',
      `${plural(packets, 'packet')}: ${error.message}${error.hint ? ` → ${error.hint}` : ''}`,
    ]),
  ]
}

/** With what its name leaves out. */
function wholly(location: Location): string {
  const { kind, site } = location
  const more =
    kind === 's3'
      ? {
          endpoint: location.endpoint,
          region: location.region,
          profile: location.profile,
          connection: location.connection ?? null,
          'customer key': location.customerKey ?? null,
          site,
        }
      : { site: site === localSite ? null : site }
  const said = Object.entries(more).flatMap(([name, value]) => (value === null ? [] : [`${name} ${value}`]))
  return formatLocation(location) + (said.length === 0 ? '' : `  (${said.join(', ')})`)
}

const when = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')

/** What an operator does about a pass that no agent works for. */
function remedy({ sites }: WaitsFor): string {
  if (sites === null) return 'Start one: dray agent run. Or let one join: dray site token SITE'
  if (sites.length === 0)
    return 'Let its connections be reached from one site: dray connection edit NAME --site SITE'
  return `Start one there: dray agent run. Or let one join: dray site token ${sites[0]}`
}
