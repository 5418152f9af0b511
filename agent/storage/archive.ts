/** Objects in archive classes: they are listed as all others are, and must be restored before they can be read. */
import type { RestoreTier } from '../../shared/policy.ts'
import type { Entry } from './storage.ts'

export type Standing =
  /** As ever, or from a copy that was restored for some days. */
  'readable' | 'archived' | 'restoring'

export interface Restoring {
  /** How long the readable copy is to stay. */
  readonly days: number
  readonly tier: RestoreTier
}

export interface Archive {
  /** Null where the object is gone. */
  standing(entry: Entry, signal: AbortSignal): Promise<Standing | null>
  /** Asks for a readable copy; no error where that was asked before. */
  restore(entry: Entry, how: Restoring, signal: AbortSignal): Promise<void>
}
