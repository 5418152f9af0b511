/** What happened, as rows: agents that come and go, and come again, are one of them. */
import type { WatchEvent } from '../../../shared/api/watch.ts'

export interface Row {
  /** Of the earliest event in it: it stays what it is when others join it. */
  readonly first: number
  readonly event: WatchEvent
  /** That came before it, the latest first. */
  readonly more: readonly WatchEvent[]
}

/** So many comings and goings in a row are told one by one. */
const fewMoves = 2
const moves = (event: WatchEvent | undefined) => event?.is === 'came' || event?.is === 'left'

/** Of events, the latest first. */
export function folded(events: readonly WatchEvent[]): Row[] {
  const rows: Row[] = []
  for (let i = 0; i < events.length; ) {
    let end = i + 1
    if (moves(events[i])) while (moves(events[end]) && events[end]!.pass === events[i]!.pass) end++
    if (end - i <= fewMoves) end = i + 1
    rows.push({ first: events[end - 1]!.id, event: events[i]!, more: events.slice(i + 1, end) })
    i = end
  }
  return rows
}
