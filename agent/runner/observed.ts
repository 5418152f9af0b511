/**
 * What a verification has seen of a range, key by key: as it was listed, or as it was when it was looked at again, so that what is sealed is
 * what was compared. Held are the entries of the keys that are not sealed yet: some 10,000, as a packet or a survey's piece has them.
 */
import type { Counts } from '../../shared/counts.ts'
import type { Key } from '../../shared/key.ts'
import type { Seal } from '../../shared/ledger.ts'
import type { Range } from '../../shared/range.ts'
import { ListingDigest, listedOf, listedVersion } from '../listing-digest.ts'
import type { Entry, Storage } from '../storage/storage.ts'
import type { Chain } from '../storage/versions.ts'
import type { Pass } from './pass.ts'

/** Of one key: an object, or all of its versions. The entry of a HEAD may stand for that of a listing. */
export interface Sighting {
  readonly key: Key
  readonly source: Entry | Chain | null
  readonly destination: Entry | Chain | null
}

export interface Observed {
  /** In rising order of keys; those that the filter leaves out are none of it. */
  see(sightings: readonly Sighting[]): void
  /** Of a key that was seen: as it was when it was compared for the last time. */
  again(sighting: Sighting): void
  /** Of a range that begins where the last one ended: signs what was seen of it, and forgets that. */
  seal(range: Range, counts: Counts): Promise<Seal>
  /** Forgets what was seen up to there. */
  forget(through: Key | null): void
}

export function createObserved(
  pass: Pick<Pass, 'options' | 'filter' | 'source' | 'destination' | 'sign'>,
): Observed {
  const { filter } = pass
  const { oneWay } = pass.options
  let seen: Sighting[] = []
  const later = new Map<Key, Sighting>()

  function take(through: Key | null): Sighting[] {
    const end = through === null ? -1 : seen.findIndex(({ key }) => key > through)
    const taken = end < 0 ? seen : seen.slice(0, end)
    seen = end < 0 ? [] : seen.slice(end)
    return taken
  }

  return {
    see(sightings) {
      for (const sighting of sightings) if (filter.matches(sighting.key)) seen.push(sighting)
    },
    again(sighting) {
      later.set(sighting.key, sighting)
    },
    seal({ after, through }, counts) {
      const [source, destination] = [new ListingDigest(), new ListingDigest()]
      for (const listed of take(through)) {
        const sighting = later.get(listed.key) ?? listed
        add(source, sighting.source, pass.source)
        // What is only there counts for nothing where nobody minds it.
        if (sighting.source || !oneWay) add(destination, sighting.destination, pass.destination)
      }
      const [from, to] = [source.end(), destination.end()]
      const found = {
        ...{ source: from.digest, destination: to.digest },
        sums: { source: from.sum, destination: to.sum },
      }
      return pass.sign(found, { after, through, counts })
    },
    forget(through) {
      take(through)
    },
  }
}

function add(digest: ListingDigest, found: Entry | Chain | null, { kind }: Storage): void {
  if (!found) return
  if ('versions' in found) {
    for (const version of found.versions) digest.add(listedVersion(version))
    return
  }
  const listed = listedOf(found, kind)
  if (listed) digest.add(listed)
}
