/** A migration's filter, compiled: which keys belong to it, and where in the key space they can be. */
import type { Key } from '../../shared/key.ts'
import type { Filter } from '../../shared/policy.ts'
import type { Range } from '../../shared/range.ts'

export interface CompiledFilter {
  matches(key: Key): boolean
  /** Where matches can be: sorted, disjoint; `[everything]` when open. */
  readonly ranges: Range[]
}

/** Throws `usage`, naming the pattern, where one is no glob. */
export function compileFilter(_filter: Filter): CompiledFilter {
  throw new Error('not yet')
}
