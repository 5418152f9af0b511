/** The source of a pass, the way its migration wants it: with the destination's keys, in their order. */
import { posix } from 'node:path'
import { DrayError } from '../../shared/error.ts'
import { type Key, keyFromText } from '../../shared/key.ts'
import type { Location } from '../../shared/location.ts'
import type { Arrangement, Manifest } from '../../shared/mapping.ts'
import { type Filter, noFilter } from '../../shared/policy.ts'
import { wayBack } from '../../shared/way-back.ts'
import { type CompiledFilter, compileFilter } from '../core/filter.ts'
import { rememberListings } from '../storage/remember.ts'
import type { Storage } from '../storage/storage.ts'
import { listBeside } from './beside.ts'
import { listedRecords } from './listed.ts'
import { lookUp, manifestRecords } from './manifest.ts'
import { manifestBytes } from './manifest-bytes.ts'
import { type ManifestRow, manifestRows } from './manifest-rows.ts'
import { compileMapping } from './map-keys.ts'
import { shiftedFilter, shiftedStorage } from './shifted-storage.ts'
import { sortedStorage } from './sorted-storage.ts'

export interface Arranged {
  readonly source: Storage
  /** For keys of the destination. */
  readonly filter: CompiledFilter
  /** The listing of a destination that is to be compared with the source. */
  beside(destination: Storage): Storage['list']
}

export interface ArrangeDeps {
  spillDir: string
  /** With retries. */
  open(location: Location): Promise<Storage>
}

/** Of what is known of a manifest's objects, on disk; past it the oldest is asked for again. */
const rememberedBytes = 4 * 1024 ** 3

/** What comes back closes `source`. */
export function arrange(
  source: Storage,
  definition: Arrangement & { readonly filter: Filter; readonly source: Location },
  deps: ArrangeDeps,
): Arranged {
  const { mapping, manifest } = definition
  const filter = compileFilter(definition.filter)
  const { spillDir } = deps
  const map = mapping ? compileMapping(mapping) : null
  // From here on keys are the destination's: the filter does its work below.
  const all = compileFilter(noFilter)
  if (manifest) {
    const records = (signal: AbortSignal) =>
      manifestRecords(readManifest(manifest, definition.source, deps, signal), map, filter)
    const listed = sortedStorage(source, { records, resolve: lookUp(source), spillDir })
    // Each object of it costs a HEAD, so a survey and its packets ask once together.
    const dir = `${spillDir}/manifest`
    const remembered = rememberListings(listed, { dir, maxBytes: rememberedBytes })
    return { source: remembered, filter: all, beside: (destination) => listBeside(destination, remembered) }
  }
  const beside = (destination: Storage) => destination.list.bind(destination)
  if (!map) return { source, filter, beside }
  if (map.shift) return { source: shiftedStorage(source, map.shift, filter), filter: all, beside }
  const records = (signal: AbortSignal) => listedRecords(source, map, filter, signal)
  return { source: sortedStorage(source, { records, spillDir }), filter: all, beside }
}

/** What a pass back works with, whose sides are the other way around: `destination` is the migration's source. */
export interface ArrangedBack {
  readonly destination: Storage
  /** For keys of the migration's destination, which is read. */
  readonly filter: CompiledFilter
}

/** Throws `usage` where there is no way back. What comes back closes `destination`. */
export function arrangeBack(
  destination: Storage,
  definition: Arrangement & { readonly filter: Filter },
): ArrangedBack {
  const way = wayBack(definition)
  if ('why' in way) throw new DrayError('usage', 'follow back', `There is no way back: ${way.why}`)
  const filter = compileFilter(definition.filter)
  if (way.shift === null) return { destination, filter }
  const shift = { from: keyFromText(way.shift.from), to: keyFromText(way.shift.to) }
  return { destination: shiftedStorage(destination, shift, filter), filter: shiftedFilter(filter, shift) }
}

/** Its rows, from wherever it is. */
export async function* readManifest(
  manifest: Manifest,
  source: Location,
  { open }: Pick<ArrangeDeps, 'open'>,
  signal: AbortSignal,
): AsyncGenerator<ManifestRow[]> {
  const { location, key } = placeOf(manifest, source)
  const storage = await open(location)
  try {
    yield* manifestRows(manifestBytes(storage, key, signal), manifest, source.kind === 's3' ? source : null)
  } finally {
    await storage.close()
  }
}

function placeOf({ place }: Manifest, source: Location): { location: Location; key: Key } {
  if (place.kind === 'file') {
    const { path, site } = place
    return {
      location: { kind: 'file', path: posix.dirname(path), site },
      key: keyFromText(posix.basename(path)),
    }
  }
  // It is in a bucket of the source's store: the control plane and the command line have seen to that.
  const location = { ...source, kind: 's3', bucket: place.bucket, prefix: '' } as Location
  return { location, key: keyFromText(place.key) }
}
