/** One line of the baseline: what both sides of a key were when they were last made, or found, equal. */
import type { Evidence } from '../../shared/counts.ts'
import type { Key } from '../../shared/key.ts'
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

export function sideOf(entry: Entry): Side {
  return { token: entry.token, size: entry.size, mtime: entry.mtime }
}

/** The row that two equal listing lines make. */
export function baselineRow(source: Entry, destination: Entry, evidence: Evidence): BaselineRow {
  return { key: source.key, source: sideOf(source), destination: sideOf(destination), evidence }
}

/** Whether a row says of two listing lines that they are equal. */
export function isRowOf(row: BaselineRow, source: Entry, destination: Entry): boolean {
  return row.source.token === source.token && row.destination.token === destination.token
}
