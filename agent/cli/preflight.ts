/**
 * Everything that can be known to be wrong before a migration exists: places that are not there, rights that are
 * missing, a copy that would read its own output. It writes nothing but the destination's directory, and that last;
 * whatever it made is taken away again by `undo`.
 */
import type { NewMigration } from '../../shared/api/migrations.ts'
import { DrayError } from '../../shared/error.ts'
import type { Location } from '../../shared/location.ts'
import type { Arrangement } from '../../shared/mapping.ts'
import { compileFilter } from '../core/filter.ts'
import { makeWritable, realPath } from '../looking/directory.ts'
import { lossesOf } from '../looking/losses.ts'
import { refuseOverlap, refuseOwnState } from '../looking/refuse-overlap.ts'
import type { Storage } from '../storage/storage.ts'
import { requireVersions } from '../versioned.ts'
import { hasAny, s3Location, settleBucketSource } from './bucket.ts'
import { explain } from './explain.ts'
import { destinationExists, settleLocalSource } from './local.ts'
import { canonicalFilter, migrationId } from './migration-id.ts'
import { folderPrefix, localSite } from './place.ts'
import type { Request } from './request.ts'

export interface PreflightDeps {
  open(location: Location): Promise<Storage>
  /** Told of a store that takes its time over the first answer. */
  waiting?(location: Location): void
  /** Real. */
  stateDir: string
  signal: AbortSignal
}

export interface Plan {
  readonly id: string
  readonly migration: NewMigration
  /** What will be left out, one sentence each. */
  readonly warnings: readonly string[]
  /** What the first keys become, for people; null where that is not asked. */
  readonly preview: string | null
  /** Takes away the directories that were made, as far as they are empty. */
  undo(): void
}

export async function preflight(request: Request, deps: PreflightDeps): Promise<Plan> {
  const { source, only } = await settleSource(request, deps)
  const filter = canonicalFilter({ ...request.filter, only })
  const matches = compileFilter(filter)
  const destination = await settleDestination(request, deps)
  await refuseOverlap({ source, destination, filter, ...arrangementOf(request) }, request.pass, (range) =>
    hasAny(source, deps, range),
  )
  await refuseUnversioned(request, source, destination, deps)
  for (const side of [source, ...(request.pass.delete ? [destination] : [])]) {
    refuseOwnState(side, deps.stateDir, matches)
  }

  const migration = { source, destination, filter, ...arrangementOf(request) }
  const preview = await previewOf(request, migration, deps)
  const { kind, fidelity } = request.pass
  const warnings = kind === 'copy' ? await lossesOf(source, destination, fidelity, deps) : []
  const undo =
    destination.kind === 'file' && request.pass.kind === 'copy' ? makeWritable(destination.path) : () => {}
  return { id: migrationId(migration), migration, warnings, preview, undo }
}

/** A manifest that is a link is what it leads to. */
function arrangementOf({ arrangement }: Request): Arrangement {
  const { manifest } = arrangement
  if (manifest?.place.kind !== 'file') return arrangement
  const place = { ...manifest.place, path: realPath(manifest.place.path) }
  return { ...arrangement, manifest: { ...manifest, place } }
}

/** What a mapping does is for people to judge before it is done; a manifest may be missing, or not be understood. */
async function previewOf(
  { pass: { dryRun } }: Request,
  migration: NewMigration,
  deps: PreflightDeps,
): Promise<string | null> {
  const { mapping, manifest } = migration
  if (!manifest && !(mapping && dryRun)) return null
  const { previewKeys } = await import('./key-preview.ts')
  const preview = await previewKeys(migration, deps.open, deps.signal)
  return dryRun ? preview : null
}

async function settleSource(
  { source: { place, options } }: Request,
  deps: PreflightDeps,
): Promise<{ source: Location; only: string | null }> {
  if (place.kind === 's3') return settleBucketSource(place, options, deps)
  const { path, only } = settleLocalSource(place)
  return { source: { kind: 'file', path, site: localSite }, only }
}

async function settleDestination(request: Request, deps: PreflightDeps): Promise<Location> {
  const { place, options } = request.destination
  if (place.kind === 's3') {
    const location = await s3Location(place.bucket, folderPrefix(place.key), options)
    try {
      await hasAny(location, deps)
    } catch (thrown) {
      throw explain('the destination', location, thrown)
    }
    return location
  }
  const exists = destinationExists(place.path)
  if (!exists && request.pass.kind === 'verify') {
    throw usage(
      `the destination ${place.path} does not exist`,
      'Check the spelling: there is nothing to verify.',
    )
  }
  return { kind: 'file', path: place.path, site: localSite }
}

async function refuseUnversioned(
  { pass, arrangement }: Request,
  source: Location,
  destination: Location,
  { open, signal }: PreflightDeps,
): Promise<void> {
  if (pass.versions === 'newest') return
  if (arrangement.mapping || arrangement.manifest) {
    throw usage(
      '--versions all moves keys as they are, without a mapping or a manifest',
      'Leave one of the two out.',
    )
  }
  const from = await open(source)
  try {
    const to = await open(destination)
    await requireVersions(pass, from, to, signal).finally(() => to.close())
  } finally {
    await from.close()
  }
}

const usage = (message: string, hint: string) => new DrayError('usage', 'look', message, { hint })
