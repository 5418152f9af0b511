/**
 * Both sides of one key, as listings of a range that holds only it: asked for by name, which costs a store less than a listing does, and a file system
 * much less. But a HEAD that finds nothing does not say why: the bucket may be gone, or what is there may be no object. So where nothing is found at the
 * source, and something is at the destination, both are listed; and so where one of them is refused, which may be the trouble of that one object.
 */
import type { Key } from '../../shared/key.ts'
import type { LeasedPacket } from '../../shared/protocol.ts'
import { oneKey, type Range } from '../../shared/range.ts'
import type { Entry, Storage } from '../storage/storage.ts'
import type { Pass } from './pass.ts'

/** The key, where the packet is an event of one. */
export function onlyKey({ kind, after, through }: LeasedPacket): Key | null {
  return kind === 'event' && through !== null && oneKey(through).after === after ? through : null
}

type Listing = AsyncIterable<Entry[]>

export function lookAtKey(
  { source, destination, listDestination }: Pass,
  key: Key,
  range: Range,
  signal: AbortSignal,
): readonly [source: Listing, destination: Listing] {
  const heads = Promise.all([source.head(key, signal), destination.head(key, signal)]).catch(() => null)
  async function* side(its: Pick<Storage, 'list'>, which: 0 | 1): AsyncGenerator<Entry[]> {
    const found = await heads
    if (found === null || (found[0] === null && found[1] !== null)) {
      yield* its.list(range, { signal, fresh: true })
      return
    }
    const head = found[which]
    if (head) yield [head.entry]
  }
  return [side(source, 0), side({ list: listDestination }, 1)]
}
