/** Where a migration stands now: since when, which side follows which, how far behind it is, and what comes next by itself. */
import { useEffect, useState } from 'react'
import type { LifeView } from '../../../shared/life.ts'
import { duration, time, when } from '../format.ts'
import { plain } from '../hostile.ts'
import { type Figure, Figures } from '../parts/figures.tsx'
import { Time } from '../parts/time.tsx'
import { lifeTexts } from '../texts/life.ts'
import { asking } from './view.ts'

const says = lifeTexts.figures

export function Standing({ life }: { life: LifeView }) {
  const { since, direction, state } = life
  const moves = state !== 'closed' && state !== 'cancelled'
  return (
    <Figures
      of={[
        [
          says.since,
          <Time key="since" at={since} says={since > Date.now() - 86_400_000 ? time(since) : when(since)} />,
        ],
        ...(moves ? [[says.direction, ...says[direction]] as const, lagOf(life), nextOf(life)] : []),
      ]}
    />
  )
}

function lagOf({ lag }: LifeView): Figure {
  const { age, of, provenAt, events } = lag
  const words = lifeTexts.lag
  const notes = [
    age !== null && age > 0 ? words.of[of] : '',
    events > 0 ? words.events(events) : '',
    provenAt === null ? (age === null ? words.unknownSays : '') : words.proven(time(provenAt)),
  ].filter((note) => note !== '')
  const value = age === null ? words.unknown : age === 0 ? words.none : words.behind(age)
  return [says.lag, value, notes.join('; ')]
}

function nextOf(life: LifeView): Figure {
  const { next, deletes, state } = life
  if (!life.paused && (deletes || asking(life) || state === 'ready')) return [says.next, says.asks]
  if (!next) return [says.next, says.nothing]
  return [says.next, plain(next.what, 200), next.at === null ? undefined : <Until key="at" at={next.at} />]
}

/** `in 12 s`, which runs; at which time, where it is far. It is not read out. */
function Until({ at }: { at: number }) {
  const [now, tick] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => tick(Date.now()), 1_000)
    return () => clearInterval(timer)
  }, [])
  const ms = at - now
  return <Time at={at} says={ms > 600_000 ? says.at(time(at)) : says.in(duration(Math.max(0, ms)))} />
}
