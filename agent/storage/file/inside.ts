/** A range of keys, seen from inside a directory. Pure. */
import type { Key } from '../../../shared/key.ts'
import type { Range } from '../../../shared/range.ts'

/**
 * The part of `range` that lies under `prefix`, for keys without that prefix; null where no key under it can be in the
 * range. The prefix itself is no key: no file's name ends in `/`.
 */
export function inside({ after, through }: Range, prefix: string): Range | null {
  let inner: Range = { after: null, through: null }
  if (after?.startsWith(prefix)) inner = { ...inner, after: after.slice(prefix.length) as Key }
  else if (after !== null && after > prefix) return null
  if (through?.startsWith(prefix)) {
    if (through.length === prefix.length) return null
    inner = { ...inner, through: through.slice(prefix.length) as Key }
  } else if (through !== null && through < prefix) return null
  return inner
}
