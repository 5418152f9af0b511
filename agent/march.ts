/**
 * Walks two listings of one range side by side and pairs their keys. Both listings must rise strictly in byte order and
 * stay within the range; one that does not is an error, since everything above believes in the order.
 */
import type { Key } from '../shared/key.ts'
import type { Range } from '../shared/range.ts'
import type { Entry } from './storage/storage.ts'

/** At least one of the two is there. */
export interface Pair {
  key: Key
  source: Entry | null
  destination: Entry | null
}

/** Batches of pairs in rising order of their keys. Throws `unordered` and `out-of-range`; ends both listings when it ends. */
export async function* march(
  _source: AsyncIterable<Entry[]>,
  _destination: AsyncIterable<Entry[]>,
  _range: Range,
): AsyncGenerator<Pair[]> {
  yield await Promise.reject(new Error('not yet'))
}
