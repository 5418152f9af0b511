/** `dray migrations` and `dray migration ID`: what a control plane knows. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { MigrationView, PassStatus } from '../../shared/api/migrations.ts'
import { DrayError } from '../../shared/error.ts'
import { visible } from '../../shared/key.ts'
import { formatLocation, type Location } from '../../shared/location.ts'
import { formatManifest } from '../../shared/mapping.ts'
import type { Filter } from '../../shared/policy.ts'
import { startControlPlane } from '../embed/control-plane.ts'
import { openStateDir, readHolder } from '../embed/state-dir.ts'
import { readTokens } from '../embed/tokens.ts'
import { bytes, count, duration } from './figures.ts'
import { exitCodes, type Io } from './io.ts'
import { droppedText, packetsOf } from './outcome.ts'
import { localSite } from './place.ts'
import { type PlaneClient, planeClient } from './plane-client.ts'
import { parseEndpoint } from './request.ts'
import { findToken, type TokenOptions } from './token.ts'

export interface LookOptions extends TokenOptions {
  controlPlane?: string
  json: boolean
}

export async function runMigrations(options: LookOptions, io: Io): Promise<number> {
  const migrations = await withPlane(options, io, (plane) => plane.migrations())
  if (options.json) {
    io.stdout.write(`${JSON.stringify({ migrations: migrations ?? [] })}\n`)
  } else if (!migrations?.length) {
    io.stdout.write('There are no migrations yet. Begin one with: dray copy SRC DST\n')
  } else {
    io.stdout.write(visible(table(migrations)))
  }
  return exitCodes.equal
}

export async function runMigration(id: string, options: LookOptions, io: Io): Promise<number> {
  const migration = await withPlane(options, io, async (plane) => {
    const known = await plane.migration(id)
    // The catalogue hears of a running pass now and then only.
    if (known?.pass?.state === 'running') known.pass = await plane.pass(id, known.pass.number)
    return known
  })
  if (!migration) {
    throw new DrayError('not-found', 'look', `there is no migration ${id}`, {
      hint: 'See dray migrations for those that there are.',
    })
  }
  io.stdout.write(options.json ? `${JSON.stringify(migration)}\n` : visible(details(migration)))
  return exitCodes.equal
}

/**
 * The control plane that was named, else the one that runs on the state directory, else one of our own for the moment.
 * Null where there is no state at all: looking makes none.
 */
async function withPlane<T>(
  options: LookOptions,
  io: Io,
  ask: (plane: PlaneClient) => Promise<T>,
): Promise<T | null> {
  if (options.controlPlane !== undefined) {
    const url = new URL(parseEndpoint('--control-plane', options.controlPlane))
    return ask(
      planeClient(
        {
          url,
          token: findToken('operator', options, io.env.DRAY_OPERATOR_TOKEN, io.cwd),
          workspace: 'local',
        },
        io.signal,
      ),
    )
  }
  if (!existsSync(join(io.stateDir, 'control-plane'))) return null
  const running = runningPlane(io)
  if (running) {
    try {
      return await ask(running)
    } catch (error) {
      // Left behind by a kill -9, and the process of that number is another one: then the lock is free.
      if (!(error instanceof DrayError) || error.code !== 'unreachable') throw error
    }
  }

  io.signal.addEventListener('abort', () => io.exitBy(4_500), { once: true })
  const state = openStateDir(io.stateDir, 'migrations')
  try {
    const plane = await startControlPlane({ stateDir: state.path })
    try {
      return await ask(planeClient(plane, io.signal))
    } finally {
      await plane.stop()
    }
  } finally {
    state.release()
  }
}

/** Of the process that has the state directory now. */
function runningPlane(io: Io): PlaneClient | null {
  const holder = readHolder(io.stateDir)
  const tokens = readTokens(io.stateDir)
  if (!holder?.url || !tokens || !isRunning(holder.pid)) return null
  return planeClient({ url: new URL(holder.url), token: tokens.operator, workspace: 'local' }, io.signal)
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function table(migrations: MigrationView[]): string {
  const head = ['ID', 'STATE', 'PASS', 'OBJECTS', 'COPIED', 'FAILED', 'FROM → TO']
  const rows = migrations.map(({ id, pass, source, destination }) => [
    id,
    pass ? pass.state : 'new',
    pass ? `${pass.number} ${pass.options.kind}` : '',
    pass ? count(pass.counts.objects.listed) : '',
    pass ? count(pass.counts.objects.copied) : '',
    pass ? count(pass.counts.objects.failed) : '',
    `${formatLocation(source)} → ${formatLocation(destination)}`,
  ])
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i]!.length)))
  return [head, ...rows]
    .map(
      (row) =>
        `${row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i]!))).join('  ')}\n`,
    )
    .join('')
}

function details(migration: MigrationView): string {
  const { id, source, destination, filter, createdAt, pass } = migration
  const rows: [string, string][] = [
    ['migration', id],
    ['source', wholly(source)],
    ['destination', wholly(destination)],
    ...filterRows(filter),
    ...arrangementRows(migration),
    ['created', when(createdAt)],
    ...(pass ? passRows(pass) : ([['pass', 'none yet']] as [string, string][])),
  ]
  return rows.map(([name, value]) => `${name.padEnd(13)}${value}\n`).join('')
}

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

function passRows(pass: PassStatus): [string, string][] {
  const { objects, bytes: moved } = pass.counts
  const { kind, dryRun } = pass.options
  return [
    ['pass', `${pass.number}: ${kind}${dryRun ? ' (dry run)' : ''}, ${pass.state}`],
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
    ...(droppedText(pass) ? ([['dropped', droppedText(pass)]] as [string, string][]) : []),
    ...(objects.extra ? ([['extra', count(objects.extra)]] as [string, string][]) : []),
    ['bytes', `${bytes(moved.listed)} listed, ${bytes(moved.copied)} copied`],
    [
      'packets',
      `${count(pass.packets.done)} of ${count(packetsOf(pass))} done, ${count(pass.packets.parked)} parked`,
    ],
    ...pass.failureCauses.map((cause): [string, string] => [
      'failures',
      `${count(cause.objects)} ${cause.code}: ${cause.message}`,
    ]),
    ...pass.errors.map(({ error, packets }): [string, string] => [
      'errors',
      `${count(packets)} packets: ${error.message}`,
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
          'customer key': location.customerKey ?? null,
          site,
        }
      : { site: site === localSite ? null : site }
  const said = Object.entries(more).flatMap(([name, value]) => (value === null ? [] : [`${name} ${value}`]))
  return formatLocation(location) + (said.length === 0 ? '' : `  (${said.join(', ')})`)
}

const when = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
