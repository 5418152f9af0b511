/** One line of the baseline: what both sides of a key were when they were last made, or found, equal. */
import type { Evidence } from '../../shared/counts.ts'
import type { Key } from '../../shared/key.ts'
import type { Entry } from '../storage/storage.ts'

export interface Side {
  readonly token: string
  readonly size: number
  /** Microseconds; null where the store did not say. */
  readonly mtime: number | null
  /** Since when the object is known to be gone from this side (ms); absent: it was there. */
  readonly missing?: number
}

export interface BaselineRow {
  readonly key: Key
  readonly source: Side
  readonly destination: Side
  readonly evidence: Evidence
}

/** What is not known of a side: no listing has such a token. */
const unknown: Side = { token: '', size: 0, mtime: null }

/** Of an object that the source has no more, at the latest since then (ms). `row`: what is known of it besides. */
export function missingRow(key: Key, row: BaselineRow | null, missing: number): BaselineRow {
  const known = row ?? { key, source: unknown, destination: unknown, evidence: 'baseline' }
  return { ...known, source: { ...known.source, missing } }
}

/** Whether it says that both sides were equal once, and not only that one of them lacks it. */
export const knowsEqual = ({ source, destination }: BaselineRow): boolean =>
  source.token !== '' && destination.token !== ''

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

/** Whether a row says all that these two listing lines would, times included: who compares three ways needs them. */
export function isWholeRowOf(row: BaselineRow, source: Entry, destination: Entry): boolean {
  const tells = (was: Side, entry: Entry) => was.token === entry.token && was.mtime === entry.mtime
  return tells(row.source, source) && tells(row.destination, destination)
}
