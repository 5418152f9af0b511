/** What happened, the latest first; what comes while one looks is read out. */
import { useState } from 'react'
import type { WatchEvent } from '../../../shared/api/watch.ts'
import { time, when } from '../format.ts'
import { Said } from '../parts/key.tsx'
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

export function Events({ events, looking }: { events: readonly WatchEvent[]; looking: Looking }) {
  const [all, showAll] = useState(false)
  const { agent, since = 0, until = Number.POSITIVE_INFINITY } = looking
  const meant = events
    .filter(({ at }) => at >= since && at <= until)
    .filter((event) => agent === undefined || ('agent' in event && event.agent === agent))
    .toReversed()
  if (events.length === 0) return null
  const latest = events.at(-1)!
  return (
    <section className="card" aria-label={says.name}>
      <h2>{says.name}</h2>
      <p className="hidden" role="status">
        {says.says(latest)}
      </p>
      {meant.length === 0 && <p className="quiet">{says.none}</p>}
      <ol className="events">
        {meant.slice(0, all ? undefined : few).map((event) => (
          <li key={event.id}>
            <time dateTime={new Date(event.at).toISOString()} title={when(event.at)}>
              {time(event.at)}
            </time>
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
            </div>
            <span className="quiet">{says.pass(event.pass)}</span>
          </li>
        ))}
      </ol>
      {meant.length > few && (
        <button type="button" aria-expanded={all} onClick={() => showAll(!all)}>
          {all ? says.fewer : says.all(meant.length)}
        </button>
      )}
    </section>
  )
}
