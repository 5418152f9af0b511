/** What happened, the latest first; that agents come and go, and come again, is told in one line. */
import { useState } from 'react'
import type { WatchEvent } from '../../../shared/api/watch.ts'
import { time } from '../format.ts'
import { Said } from '../parts/key.tsx'
import { Time } from '../parts/time.tsx'
import type { Looking } from '../search.ts'
import { migrationTexts } from '../texts/migration.ts'

const says = migrationTexts.events
const few = 6

const kindOf: Readonly<Record<WatchEvent['is'], string>> = {
  began: 'running',
  ended: 'complete',
  came: 'connected',
  left: 'away',
  silent: 'failed',
  error: 'failed',
  parked: 'failed',
  paused: 'new',
  resumed: 'running',
  failed: 'failed',
}

interface Row {
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

/** What comes while one looks is read out, whatever is shown of it. */
export function Latest({ events }: { events: readonly WatchEvent[] }) {
  const latest = events.at(-1)
  return (
    <p className="hidden" role="status">
      {latest && says.says(latest)}
    </p>
  )
}

export function Events({ events, looking }: { events: readonly WatchEvent[]; looking: Looking }) {
  const [all, showAll] = useState(false)
  const { agent, since = 0, until = Number.POSITIVE_INFINITY } = looking
  const meant = events
    .filter(({ at }) => at >= since && at <= until)
    .filter((event) => agent === undefined || ('agent' in event && event.agent === agent))
    .toReversed()
  if (events.length === 0) return null
  const rows = folded(meant)
  return (
    <section className="card" aria-label={says.name}>
      <h2>{says.name}</h2>
      {meant.length === 0 && <p className="quiet">{says.none}</p>}
      <ol className="events">
        {rows.slice(0, all ? undefined : few).map(({ first, event, more }) => (
          <li key={first}>
            <Time at={event.at} says={time(event.at)} />
            <div>
              <span
                className={`state ${event.is === 'ended' && event.state !== 'complete' ? event.state : kindOf[event.is]}`}
              >
                {says.says(event)}
              </span>
              {'code' in event && (
                <div className="quiet">
                  <code>{event.code}</code> <Said text={event.message} most={160} />
                </div>
              )}
              {more.length > 0 && (
                <details className="quiet">
                  <summary>{says.more(more.length)}</summary>
                  <ul>
                    {more.map((one) => (
                      <li key={one.id}>
                        {time(one.at)} {says.says(one)}
                      </li>
                    ))}
                  </ul>
                </details>
              )}
            </div>
            <span className="quiet">{says.pass(event.pass)}</span>
          </li>
        ))}
      </ol>
      {rows.length > few && (
        <button type="button" aria-expanded={all} onClick={() => showAll(!all)}>
          {all ? says.fewer : says.all(rows.length)}
        </button>
      )}
    </section>
  )
}
