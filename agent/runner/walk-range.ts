/** How a range of both sides is gone through, whether it is of objects (look.ts) or of chains of versions (look-chains.ts). */
import type { Key } from '../../shared/key.ts'
import type { Range } from '../../shared/range.ts'
import { remembersAll } from '../core/decide.ts'
import { narrow } from '../core/narrow.ts'
import { march, type Pair } from '../march.ts'
import type { Pass } from './pass.ts'
import { type Rows, rowsOf } from './rows.ts'

export interface Walk<Row extends { readonly key: Key }, Seen> {
  /** The two listings of a part of the range. */
  list(
    part: Range,
    signal: AbortSignal,
  ): readonly [source: AsyncIterable<Row[]>, destination: AsyncIterable<Row[]>]
  /** What is made of a batch; `before` is the key ahead of its first, `rows` those of the baseline, where it is believed. */
  see(batch: Pair<Row>[], rows: Rows | null, before: Key | null): Promise<Seen[]>
  /** What is made of the end of a part, past its last key. Absent: nothing. */
  end?(rows: Rows, last: Key | null, through: Key | null): Promise<Seen[]>
}

/**
 * What is seen, batch by batch, in rising order of keys, none empty, over what the filter may let in. Whoever stops early just
 * stops: the listings are ended. Throws what a listing throws, and then nothing is known of the rest of the range.
 */
export async function* walkRange<Row extends { readonly key: Key }, Seen>(
  pass: Pass,
  range: Range,
  wanted: AbortSignal,
  { list, see, end }: Walk<Row, Seen>,
): AsyncGenerator<Seen[]> {
  const listing = new AbortController()
  const signal = AbortSignal.any([wanted, listing.signal])
  const rows = pass.baseline ? rowsOf(pass.baseline, range, remembersAll(pass.options)) : null
  try {
    for (const part of narrow(range, pass.filter.ranges)) {
      let before: Key | null = part.after
      for await (const batch of march(...list(part, signal), part)) {
        const seen = await see(batch, rows, before)
        before = batch.at(-1)!.key
        let goesOn = false
        try {
          yield seen
          goesOn = true
        } finally {
          // Before the listings are ended: each would wait for the page that is on its way.
          if (!goesOn) listing.abort()
        }
      }
      const last = rows && end ? await end(rows, before, part.through) : []
      if (last.length > 0) yield last
    }
  } finally {
    listing.abort()
    await rows?.close()
  }
}
