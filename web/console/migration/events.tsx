/** What happened, the latest first; that agents come and go, and come again, is told in one line. */
import { useState } from 'react'
import type { WatchEvent } from '../../../shared/api/watch.ts'
import { time } from '../format.ts'
import { Said } from '../parts/key.tsx'
import { Time } from '../parts/time.tsx'
import type { Looking } from '../search.ts'
import { migrationTexts } from '../texts/migration.ts'
import { folded } from './folded.ts'

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
  asks: 'asks',
  stuck: 'failed',
  paused: 'new',
  resumed: 'running',
  failed: 'failed',
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
