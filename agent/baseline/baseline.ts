/** What both sides were when they were last made equal: rows sorted by key, kept near the data. */
import type { Evidence } from '../../shared/counts.ts'
import type { Key } from '../../shared/key.ts'
import type { Range } from '../../shared/range.ts'
import type { Entry } from '../storage/storage.ts'

export interface Side {
  readonly token: string
  readonly size: number
  /** Microseconds; null where the store did not say. */
  readonly mtime: number | null
}

export interface BaselineRow {
  readonly key: Key
  readonly source: Side
  readonly destination: Side
  readonly evidence: Evidence
}

export interface Baseline {
  /** Rows in rising order of their keys; a page at a time. What was lost reads as nothing, never as an error. */
  rows(range: Range): AsyncIterable<BaselineRow[]>
  /** Replaces everything known of `range`; rows rise strictly and lie within it. `began` (ms): when their listings began. */
  write(
    range: Range,
    began: number,
    rows: AsyncIterable<BaselineRow[]> | Iterable<BaselineRow>,
  ): Promise<void>
  close(): Promise<void>
}

/** The row that two equal listing lines make. */
export function baselineRow(source: Entry, destination: Entry, evidence: Evidence): BaselineRow {
  return { key: source.key, source: sideOf(source), destination: sideOf(destination), evidence }
}

export function sideOf(entry: Entry): Side {
  return { token: entry.token, size: entry.size, mtime: entry.mtime }
}

/** One process at a time: the state directory is locked by whoever opens it. */
export function openBaseline(_dir: string): Promise<Baseline> {
  return Promise.reject(new Error('not yet'))
}
