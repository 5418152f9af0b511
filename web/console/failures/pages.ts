/**
 * Rows of a list that may have a million, page by page as they come into sight. Where each page begins is kept (some bytes a page); its rows
 * only while somebody looks at them.
 */
import { useQueries, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import type { Failure } from '../../../shared/api/failures.ts'
import * as queries from '../queries/failures.ts'

interface Page {
  readonly cursor: string | null
  /** Null until it was there once: then it stands for one row, of which nothing is known yet. */
  readonly rows: number | null
}

/** A browser draws no page that is higher than some 16 million pixels. */
export const mostRows = 200_000

const height = ({ rows }: Page) => rows ?? 1

/** The page and the place in it of a row. */
export function placeOf(pages: readonly Page[], row: number): { page: number; at: number } | null {
  let from = 0
  for (const [page, one] of pages.entries()) {
    if (row < from + height(one)) return { page, at: row - from }
    from += height(one)
  }
  return null
}

/** What is known of pages once one of them was looked at: what follows it is as it says. */
export function seen(
  pages: readonly Page[],
  page: number,
  { rows, cursor }: { rows: number; cursor: string | null },
): readonly Page[] {
  const known = pages[page]!
  const next = pages[page + 1]
  const isSame = known.rows === rows && (cursor === null ? next === undefined : next?.cursor === cursor)
  if (isSame) return pages
  const isFollowed = cursor !== null && next?.cursor === cursor
  const rest = isFollowed ? pages.slice(page + 1) : cursor === null ? [] : [{ cursor, rows: null }]
  return [...pages.slice(0, page), { ...known, rows }, ...rest]
}

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
  const count = pages.reduce((sum, page) => sum + height(page), 0)
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
      let at = 0
      for (const page of pages) {
        const end = at + height(page)
        if (end > one && at <= other) {
          const { failures } = await client.fetchQuery(queries.failures(of, filter, page.cursor))
          rows.push(...failures.slice(Math.max(0, one - at), other - at + 1))
        }
        at = end
      }
      return rows
    },
    error: failed?.error ?? null,
    again: () => void failed?.refetch(),
  }
}
