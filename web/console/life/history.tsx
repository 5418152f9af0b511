/** The changes of state of a migration's life, the newest first. */
import { useState } from 'react'
import type { LifeView } from '../../../shared/life.ts'
import { when } from '../format.ts'
import { Said } from '../parts/key.tsx'
import { Time } from '../parts/time.tsx'
import { lifeTexts } from '../texts/life.ts'
import { migrationTexts } from '../texts/migration.ts'
import { named, shapes } from './view.ts'

const says = lifeTexts.history
const few = 8

export function History({ of }: { of: LifeView['history'] }) {
  const [all, showAll] = useState(false)
  return (
    <section className="card" aria-label={says.name}>
      <h2>{says.name}</h2>
      {of.length === 0 && <p className="quiet">{says.none}</p>}
      <ol className="events past">
        {of.slice(0, all ? undefined : few).map((entry, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: two can be of one moment.
          <li key={`${entry.at} ${i}`}>
            <Time at={entry.at} says={when(entry.at)} />
            <div>
              <span className={`state ${shapes[entry.state]}`}>{named(entry)}</span>
              <div className="quiet">
                <Said text={entry.why} />
              </div>
            </div>
            <span className="quiet">
              <Said text={says.by(entry.by)} most={60} />
            </span>
          </li>
        ))}
      </ol>
      {of.length > few && (
        <button type="button" aria-expanded={all} onClick={() => showAll(!all)}>
          {all ? migrationTexts.events.fewer : migrationTexts.events.all(of.length)}
        </button>
      )}
    </section>
  )
}
