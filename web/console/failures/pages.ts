/**
 * Where the pages of a list begin, and how long each is, as far as they were looked at: some bytes a page, while its rows are kept only as long
 * as somebody looks at them.
 */

export interface Page {
  readonly cursor: string | null
  /** Null until it was there once: then it stands for one row, of which nothing is known yet. */
  readonly rows: number | null
}

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

export const rowsIn = (pages: readonly Page[]): number => pages.reduce((sum, page) => sum + height(page), 0)

/** What lies in a run of rows: of each page from where to where (not included). */
export function* partsOf(
  pages: readonly Page[],
  from: number,
  through: number,
): Generator<{ page: Page; from: number; to: number }> {
  let at = 0
  for (const page of pages) {
    const end = at + height(page)
    if (end > from && at <= through) yield { page, from: Math.max(0, from - at), to: through - at + 1 }
    at = end
  }
}
