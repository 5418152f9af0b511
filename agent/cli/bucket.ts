/** Buckets as SRC and DST: what `s3://bucket/name` turns out to be, and whether two of them are one store. */
import { DrayError } from '../../shared/error.ts'
import { keyFromText } from '../../shared/key.ts'
import { formatLocation, type Location, type S3Location } from '../../shared/location.ts'
import { everything, type Range } from '../../shared/range.ts'
import { storeAddress } from '../looking/store-address.ts'
import type { Storage } from '../storage/storage.ts'
import { explain } from './explain.ts'
import { folderPrefix, formatPlace, type Place, splitKey } from './place.ts'
import type { SideOptions } from './request.ts'

type BucketPlace = Extract<Place, { kind: 's3' }>

/** Longest that a look may take; a pass is more patient. */
const answerMs = 45_000
/** Before a person is told that there is no answer yet. */
const quietMs = 5_000

export interface BucketDeps {
  open(location: Location): Promise<Storage>
  /** Told of a store that takes its time over the first answer. */
  waiting?(location: Location): void
  signal: AbortSignal
}

/**
 * The endpoint is written into the location where it comes from a profile or the environment: the same command in
 * another environment must not be taken for the same migration.
 */
export async function s3Location(bucket: string, prefix: string, options: SideOptions): Promise<S3Location> {
  const location: S3Location = { kind: 's3', bucket, prefix, ...options, site: null }
  return { ...location, endpoint: options.endpoint ?? (await storeAddress(location)).endpoint }
}

/** A whole bucket, a folder of it, or a single object as its folder and its name. */
export async function settleBucketSource(
  place: BucketPlace,
  options: SideOptions,
  deps: BucketDeps,
): Promise<{ source: S3Location; only: string | null }> {
  const folder = await s3Location(place.bucket, folderPrefix(place.key), options)
  let listed: boolean
  try {
    listed = await hasAny(folder, deps)
  } catch (thrown) {
    throw explain('the source', folder, thrown)
  }
  if (place.key === '') return { source: folder, only: null }

  const { prefix, name } = splitKey(place.key)
  const parent = { ...folder, prefix }
  const isObject = name !== '' && (await exists(parent, name, listed, deps))
  if (isObject && listed) {
    throw usage(
      `${formatPlace(place)} is an object, and there are keys below ${formatLocation(folder)} too`,
      `For the folder write ${formatLocation(folder)}; for the object alone, ${formatLocation(parent)} with --include '/${name}'.`,
    )
  }
  if (isObject) return { source: parent, only: name }
  if (listed) return { source: folder, only: null }
  throw usage(
    `nothing found at ${formatPlace(place)}: there is neither such an object nor a key below ${formatLocation(folder)}`,
    'Check the spelling; keys are taken as they are written, without escapes.',
  )
}

/** Whether the range has a key. Throws where it cannot be listed. */
export async function hasAny(
  location: Location,
  deps: BucketDeps,
  range: Range = everything,
): Promise<boolean> {
  const storage = await deps.open(location)
  const limit = AbortSignal.timeout(answerMs)
  const quiet = setTimeout(() => deps.waiting?.(location), quietMs)
  try {
    const signal = AbortSignal.any([deps.signal, limit])
    for await (const page of storage.list(range, { signal })) {
      if (page.length > 0) return true
    }
    return false
  } catch (cause) {
    if (!limit.aborted || deps.signal.aborted) throw cause
    throw new DrayError('timeout', 'look', `it did not answer within ${answerMs / 1000} seconds`, {
      hint: 'Check the endpoint and the network.',
      cause,
    })
  } finally {
    clearTimeout(quiet)
    await storage.close()
  }
}

async function exists(parent: S3Location, name: string, listed: boolean, deps: BucketDeps): Promise<boolean> {
  const storage = await deps.open(parent)
  try {
    return (await storage.head(keyFromText(name), deps.signal)) !== null
  } catch (thrown) {
    // Who may list a folder may be forbidden to ask for an object beside it; then the folder is meant.
    if (listed && thrown instanceof DrayError && thrown.code === 'access-denied') return false
    throw explain('the source', parent, thrown)
  } finally {
    await storage.close()
  }
}

const usage = (message: string, hint: string) => new DrayError('usage', 'look', message, { hint })
