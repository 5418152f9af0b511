/** Refuses a migration that would read what it writes, write over what it reads, or move what Dray itself writes while it works. */
import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import type { NewMigration } from '../../shared/api/migrations.ts'
import { DrayError } from '../../shared/error.ts'
import { keyFromText } from '../../shared/key.ts'
import { formatLocation, type Location } from '../../shared/location.ts'
import { type Overlap, overlapOfPrefixes } from '../../shared/overlap.ts'
import type { PassOptions } from '../../shared/policy.ts'
import { prefixRange, type Range } from '../../shared/range.ts'
import type { CompiledFilter } from '../core/filter.ts'
import type { SealedKeys } from '../storage/s3/access.ts'
import { realPath } from './directory.ts'
import { below, overlapOfPaths } from './overlap.ts'
import { sameBucket } from './store-address.ts'

/** Both resolved. */
export type Ends = Omit<NewMigration, 'source' | 'destination'> & {
  readonly source: Location
  readonly destination: Location
}

/** `hasAny`: whether the source has a key in a range. Throws `usage`. */
export async function refuseOverlap(
  { source, destination, filter, mapping, manifest }: Ends,
  pass: Pick<PassOptions, 'kind' | 'delete'>,
  hasAny: (range: Range) => Promise<boolean>,
  sealed?: SealedKeys,
): Promise<void> {
  const overlap = await overlapOf(source, destination, sealed)
  const [from, to] = [formatLocation(source), formatLocation(destination)]
  if (overlap.is === 'same') {
    throw usage(`source and destination are the same place: ${from}`, 'Choose another destination.')
  }
  if (overlap.is === 'apart' || (pass.kind === 'verify' && overlap.is === 'source-inside')) return
  if (mapping || manifest) {
    throw usage(
      `the source ${from} and the destination ${to} overlap: with other keys, the copy could write over what it reads`,
      'Choose a destination beside the source.',
    )
  }
  // A single object is read from one place only, and written to another.
  if (filter.only !== null) return
  if (overlap.is === 'destination-inside') {
    throw usage(
      `the destination ${to} is inside the source ${from}: the copy would read what it writes`,
      'Choose a destination beside the source.',
    )
  }
  if (pass.delete) {
    throw usage(
      `the source ${from} is inside the destination ${to}: --delete would delete the source`,
      'Choose another destination, or leave --delete out.',
    )
  }
  if (await readsItsOutput(source, overlap.below, hasAny)) {
    throw usage(
      `the source ${from} is inside the destination ${to} and holds ${overlap.below} itself: the copy would write over what it reads`,
      'Choose a destination beside the source.',
    )
  }
}

async function overlapOf(source: Location, destination: Location, sealed?: SealedKeys): Promise<Overlap> {
  if (source.kind === 'file' && destination.kind === 'file') {
    return overlapOfPaths(realPath(source.path), realPath(destination.path))
  }
  if (source.kind === 's3' && destination.kind === 's3' && (await sameBucket(source, destination, sealed))) {
    return overlapOfPrefixes(source.prefix, destination.prefix)
  }
  return { is: 'apart' }
}

/** What is written for the key `below/x` is the source's own `x`. */
async function readsItsOutput(
  source: Location,
  below: string,
  hasAny: (range: Range) => Promise<boolean>,
): Promise<boolean> {
  if (source.kind === 's3') return hasAny(prefixRange(keyFromText(below)))
  return lstatSync(join(source.path, below), { throwIfNoEntry: false }) !== undefined
}

/** `side`: what is listed, or deleted in; `stateDir`: real. Throws `usage`. */
export function refuseOwnState(side: Location, stateDir: string, { matches }: CompiledFilter): void {
  if (side.kind !== 'file') return
  const real = realPath(side.path)
  const way = real === stateDir ? '' : below(real, stateDir)
  if (way === null) return
  const isMoved = ['lock.sqlite', 'control-plane/x'].some((name) => matches(keyFromText(join(way, name))))
  if (!isMoved) return
  throw usage(
    `Dray's own state directory ${stateDir} is inside ${side.path}`,
    `Give another place with --state-dir${way === '' ? '' : `, or leave it out with --exclude '/${way}/**'`}.`,
  )
}

const usage = (message: string, hint: string) => new DrayError('usage', 'look', message, { hint })
