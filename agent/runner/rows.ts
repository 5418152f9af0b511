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
  /** No key past `after` will be asked for, as far as `through`: passes over their rows. */
  rest(after: Key | null, through: Key | null): Promise<void>
  /** The key of the last row that was passed over since this was asked: where every key is asked for, neither side has it any more. */
  gone(): Key | null
  close(): Promise<void>
}

/** `all`: every key is asked for, and what is gone is looked for. */
export function rowsOf(baseline: Baseline, range: Range, all: boolean): Rows {
  let pages: AsyncIterator<BaselineRow[]> | null = null
  let page: BaselineRow[] = []
  let next = 0
  let isAtEnd = false
  let passed: Key | null = null

  function pass(after: Key | null): void {
    const { key } = page[next++]!
    if (all && (after === null || key > after)) passed = key
  }

  /** Undefined where the next page has to be read. */
  function inPage(key: Key, after: Key | null): BaselineRow | null | undefined {
    while (next < page.length && page[next]!.key < key) pass(after)
    const row = page[next]
    if (row?.key !== key) return row && null
    next++
    return row
  }

  /** Whether there is a next page. */
  async function turn(after: Key | null): Promise<boolean> {
    pages ??= baseline.rows({ after, through: range.through })[Symbol.asyncIterator]()
    const result = await pages.next()
    isAtEnd = result.done === true
    page = result.done ? [] : result.value
    next = 0
    return !isAtEnd
  }

  async function further(key: Key, after: Key | null): Promise<BaselineRow | null> {
    while (await turn(after)) {
      const row = inPage(key, after)
      if (row !== undefined) return row
    }
    return null
  }

  return {
    at(key, after) {
      const row = inPage(key, after)
      if (row !== undefined) return row
      return isAtEnd ? null : further(key, after)
    },
    async rest(after, through) {
      for (;;) {
        while (next < page.length) {
          if (through !== null && page[next]!.key > through) return
          pass(after)
        }
        if (isAtEnd || !(await turn(after))) return
      }
    },
    gone() {
      const key = passed
      passed = null
      return key
    },
    async close() {
      await pages?.return?.()
    },
  }
}
