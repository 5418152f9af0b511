/**
 * Goes through a range of both sides and decides on each key, as a survey and as a packet does. Where the two listings
 * alone do not say `same`, the baseline is asked.
 */
import type { Key } from '../../shared/key.ts'
import type { Range } from '../../shared/range.ts'
import type { BaselineRow } from '../baseline/baseline.ts'
import { type Decision, decide, needsRow } from '../core/decide.ts'
import type { Entry } from '../storage/storage.ts'
import type { Pass } from './pass.ts'
import { walkRange } from './walk-range.ts'

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

/** Batches as `walkRange` has them. */
export const look = (pass: Pass, range: Range, { signal, fresh }: LookOptions): AsyncGenerator<Seen[]> =>
  walkRange<Entry, Seen>(pass, range, signal, {
    list: (part, signal) => [
      pass.source.list(part, { signal, fresh }),
      pass.listDestination(part, { signal, fresh }),
    ],
    async see(batch, rows, first) {
      let before = first
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
      return seen
    },
  })
