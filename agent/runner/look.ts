/**
 * Goes through a range of both sides and decides on each key, as a survey and as a packet does. Where the two listings
 * alone do not say `same`, the baseline is asked.
 */
import type { Key } from '../../shared/key.ts'
import type { Range } from '../../shared/range.ts'
import type { BaselineRow } from '../baseline/baseline.ts'
import { type Decision, decide, needsRow } from '../core/decide.ts'
import { narrow } from '../core/narrow.ts'
import { march } from '../march.ts'
import type { Pass } from './pass.ts'
import { rowsOf } from './rows.ts'

export interface Seen {
  readonly key: Key
  /** Null where the filter leaves the key out. */
  readonly decision: Decision | null
  /** What the baseline has of it; undefined where it was not asked. */
  readonly row: BaselineRow | null | undefined
}

export interface LookOptions {
  readonly signal: AbortSignal
  /** Never from remembered listings. */
  readonly fresh: boolean
}

/**
 * Batches in rising order of keys, none empty. Whoever stops early just stops: the listings are ended. Throws what a
 * listing throws, and then nothing is known of the rest of the range.
 */
export async function* look(pass: Pass, range: Range, options: LookOptions): AsyncGenerator<Seen[]> {
  const listing = new AbortController()
  const signal = AbortSignal.any([options.signal, listing.signal])
  const rows = pass.baseline ? rowsOf(pass.baseline, range) : null
  try {
    for (const part of narrow(range, pass.filter.ranges)) {
      const pairs = march(
        pass.source.list(part, { signal, fresh: options.fresh }),
        pass.listDestination(part, { signal, fresh: options.fresh }),
        part,
      )
      let before: Key | null = part.after
      for await (const batch of pairs) {
        const seen: Seen[] = []
        for (const pair of batch) {
          const { key } = pair
          const decision = pass.filter.matches(key) ? decide(pair, null, pass.sight) : null
          // Hot: awaits only where the baseline has to be asked.
          if (rows && decision && needsRow(decision)) {
            const found = rows.at(key, before)
            const row = found instanceof Promise ? await found : found
            seen.push({ key, decision: row ? decide(pair, row, pass.sight) : decision, row })
          } else {
            seen.push({ key, decision, row: undefined })
          }
          before = key
        }
        let wanted = false
        try {
          yield seen
          wanted = true
        } finally {
          // Before the listings are ended: each would wait for the page that is on its way.
          if (!wanted) listing.abort()
        }
      }
    }
  } finally {
    listing.abort()
    await rows?.close()
  }
}
