/** Rows of a list that may have a million, page by page as they come into sight. */
import { useQueries, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import type { Failure } from '../../../shared/api/failures.ts'
import * as queries from '../queries/failures.ts'
import { type Page, partsOf, placeOf, rowsIn, seen } from './pages.ts'

/** A browser draws no page that is higher than some 16 million pixels. */
export const mostRows = 200_000

export interface Rows {
  readonly count: number
  /** There are more, which are not shown. */
  readonly isCut: boolean
  /** Null where it is not here now. */
  at(row: number): Failure | null
  /** Of rows from one through another, those that are not here too. */
  between(from: number, through: number): Promise<Failure[]>
  readonly error: Error | null
  again(): void
}

/** `inSight`: first and last row that are to be seen. Of one list: another filter is another one. */
export function useRows(
  of: queries.OfPass,
  filter: queries.Filter,
  inSight: readonly [first: number, last: number],
): Rows {
  const client = useQueryClient()
  const [pages, setPages] = useState<readonly Page[]>([{ cursor: null, rows: null }])
  const from = placeOf(pages, inSight[0])?.page ?? pages.length - 1
  const through = placeOf(pages, inSight[1])?.page ?? pages.length - 1
  const near = pages.slice(from, through + 1)
  const asked = useQueries({ queries: near.map(({ cursor }) => queries.failures(of, filter, cursor)) })
  const answered = asked.map(({ dataUpdatedAt }) => dataUpdatedAt).join()
  // biome-ignore lint/correctness/useExhaustiveDependencies: `asked` is another array each time; `answered` tells when it holds something new.
  useEffect(() => {
    let now = pages
    for (const [i, { data }] of asked.entries()) {
      // What one page says may do away with those that followed it.
      if (!data || now[from + i]?.cursor !== near[i]!.cursor) continue
      now = seen(now, from + i, { rows: data.failures.length, cursor: data.cursor })
    }
    setPages(now)
  }, [pages, from, answered])
  const count = rowsIn(pages)
  const failed = asked.find(({ error }) => error !== null)
  return {
    count: Math.min(count, mostRows),
    isCut: count > mostRows,
    at(row) {
      const place = placeOf(pages, row)
      return (place && asked[place.page - from]?.data?.failures[place.at]) ?? null
    },
    async between(one, other) {
      const rows: Failure[] = []
      for (const { page, from, to } of partsOf(pages, one, other)) {
        const { failures } = await client.fetchQuery(queries.failures(of, filter, page.cursor))
        rows.push(...failures.slice(from, to))
      }
      return rows
    },
    error: failed?.error ?? null,
    again: () => void failed?.refetch(),
  }
}
