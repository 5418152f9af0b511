/** Copies one object, told once from top to bottom. */
import type { Evidence } from '../shared/counts.ts'
import type { DrayError } from '../shared/error.ts'
import type { BaselineRow } from './baseline/baseline.ts'
import type { Entry, Storage } from './storage/storage.ts'

export type CopyOutcome =
  | { outcome: 'copied'; bytes: number; evidence: Evidence; row: BaselineRow }
  | { outcome: 'vanished' }
  | { outcome: 'failed'; error: DrayError }

export interface CopyDeps {
  source: Storage
  destination: Storage
  /** Told of bytes as they move; what had to be moved again is taken back with a negative number. */
  moved(bytes: number): void
  /** Waits between tries; the clock's where absent. */
  pause?: (ms: number, signal: AbortSignal) => Promise<void>
}

/** Never throws but for `interrupted`. `entry` is the source's listing line. Tries by itself up to 4 times. */
export function copyObject(_deps: CopyDeps, _entry: Entry, _signal: AbortSignal): Promise<CopyOutcome> {
  return Promise.reject(new Error('not yet'))
}
