/** Cursors of lists that are ordered by when things were made, and by id among those of one millisecond. */
import { Refusal } from './problem.ts'

export interface Place {
  readonly at: number
  readonly id: string
}

/** Where to go on; null from the beginning. */
export function placeIn(cursor: string | undefined): Place | null {
  if (cursor === undefined) return null
  const [, at, id] = /^(\d{1,15})-([\w-]{1,100})$/.exec(cursor) ?? []
  if (at && id) return { at: Number(at), id }
  throw new Refusal(400, 'usage', 'the cursor is none that this list gave')
}

/** Of the next page; null where this one is not full. */
export function pageOf(page: readonly { createdAt: number; id: string }[], limit: number): string | null {
  const last = page.length === limit ? page.at(-1) : undefined
  return last ? `${last.createdAt}-${last.id}` : null
}
