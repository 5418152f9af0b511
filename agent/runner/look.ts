/**
 * Goes through a range of both sides and decides on each key, as a survey and as a packet does. Where the two listings
 * alone do not say `same`, the baseline is asked.
 */
import type { Key } from '../../shared/key.ts'
import type { Range } from '../../shared/range.ts'
import type { BaselineRow } from '../baseline/baseline.ts'
import { type Decision, decide, needsRow, parks, remembersAll } from '../core/decide.ts'
import { hasGrace } from '../core/due.ts'
import type { Pair } from '../march.ts'
import type { Entry } from '../storage/storage.ts'
import { lookAtKey } from './look-at-key.ts'
import type { Observed } from './observed.ts'
import type { Pass } from './pass.ts'
import type { Rows } from './rows.ts'
import { walkRange } from './walk-range.ts'

export interface Seen {
  readonly key: Key
  /** Null where the filter leaves the key out. */
  readonly decision: Decision | null
  /** What the baseline has of it; undefined where it was not asked. */
  readonly row: BaselineRow | null | undefined
  /** Neither side has it any more, only the baseline. */
  readonly isGone?: true
}

export interface LookOptions {
  readonly signal: AbortSignal
  /** Never from remembered listings. */
  readonly fresh: boolean
  /** The only key that there can be. */
  readonly only?: Key | null
  /** Of a verification: is told of all of it. */
  readonly observed?: Observed | null
}

/** Batches as `walkRange` has them. */
export function look(
  pass: Pass,
  range: Range,
  { signal, fresh, only, observed }: LookOptions,
): AsyncGenerator<Seen[]> {
  const { options } = pass
  // A row that an event would write unasked is left to the next pass, but where a conflict is to be told by it.
  const all = remembersAll(options) && (typeof only !== 'string' || parks(options))
  return walkRange<Entry, Seen>(pass, range, signal, {
    list: (part, signal) =>
      typeof only === 'string'
        ? lookAtKey(pass, only, part, signal)
        : [pass.source.list(part, { signal, fresh }), pass.listDestination(part, { signal, fresh })],
    see(batch, rows, first) {
      observed?.see(batch)
      return (all ? seeWithRows : see)(pass, batch, rows, first)
    },
    async end(rows, last, through) {
      if (!all) return []
      await rows.rest(last, through)
      return goneIn(rows)
    },
  })
}

async function see(pass: Pass, batch: Pair[], rows: Rows | null, first: Key | null): Promise<Seen[]> {
  // What was missing and is back is to be known as such.
  const all = hasGrace(pass.options)
  let before = first
  const seen: Seen[] = []
  for (const pair of batch) {
    const { key } = pair
    const decision = pass.filter.matches(key) ? decide(pair, null, pass.sight) : null
    // Hot: awaits only where the baseline has to be asked.
    if (rows && decision && (all || needsRow(decision))) {
      const found = rows.at(key, before)
      const row = found instanceof Promise ? await found : found
      seen.push({ key, decision: row ? decide(pair, row, pass.sight) : decision, row })
    } else {
      seen.push({ key, decision, row: undefined })
    }
    before = key
  }
  return seen
}

/** Every key is asked for, also those that the filter leaves out: another migration's may be in the same baseline. */
async function seeWithRows(pass: Pass, batch: Pair[], rows: Rows | null, first: Key | null): Promise<Seen[]> {
  let before = first
  const seen: Seen[] = []
  for (const pair of batch) {
    const { key } = pair
    const found = rows === null ? null : rows.at(key, before)
    const row = found instanceof Promise ? await found : found
    if (rows) seen.push(...goneIn(rows))
    seen.push({ key, decision: pass.filter.matches(key) ? decide(pair, row, pass.sight) : null, row })
    before = key
  }
  return seen
}

/** One for all that are next to one another: nothing is cut between them. */
function goneIn(rows: Rows): Seen[] {
  const key = rows.gone()
  return key === null ? [] : [{ key, decision: null, row: null, isGone: true }]
}
