/**
 * A baseline's rows as a third rising stream beside the two listings. Nothing is read before the first question, so a range
 * that its listings settle alone costs the baseline nothing.
 */
import type { Key } from '../../shared/key.ts'
import type { Range } from '../../shared/range.ts'
import type { Baseline, BaselineRow } from '../baseline/baseline.ts'

export interface Rows {
  /** The row of `key`, or null. Keys are asked for in rising order; `after` is any key before it that was walked already. */
  at(key: Key, after: Key | null): BaselineRow | null | Promise<BaselineRow | null>
  close(): Promise<void>
}

export function rowsOf(baseline: Baseline, range: Range): Rows {
  let pages: AsyncIterator<BaselineRow[]> | null = null
  let page: BaselineRow[] = []
  let next = 0
  let isAtEnd = false

  /** Undefined where the next page has to be read. */
  function inPage(key: Key): BaselineRow | null | undefined {
    while (next < page.length && page[next]!.key < key) next++
    const row = page[next]
    return row && (row.key === key ? row : null)
  }

  async function further(key: Key, after: Key | null): Promise<BaselineRow | null> {
    pages ??= baseline.rows({ after, through: range.through })[Symbol.asyncIterator]()
    for (;;) {
      const result = await pages.next()
      if (result.done) {
        isAtEnd = true
        return null
      }
      page = result.value
      next = 0
      const row = inPage(key)
      if (row !== undefined) return row
    }
  }

  return {
    at(key, after) {
      const row = inPage(key)
      if (row !== undefined) return row
      return isAtEnd ? null : further(key, after)
    },
    async close() {
      await pages?.return?.()
    },
  }
}
