/** How a migration that follows hears of changes, and where they can be told to it. */
import type { EventSource, LifeView } from '../../../shared/life.ts'
import { Webhook } from '../follow/webhook.tsx'
import { Said } from '../parts/key.tsx'
import { lifeTexts, span } from '../texts/life.ts'

const says = lifeTexts.told

export function Told(props: { workspace: string; migration: string; life: LifeView }) {
  const { workspace, migration, life } = props
  const { pauseAtLeast, pauseAtMost, events } = life.follow
  if (life.state === 'closed' || life.state === 'cancelled') return null
  const of = (event: EventSource) => {
    switch (event.kind) {
      case 'webhook':
        return (
          <>
            {says.webhook}:
            <Webhook {...{ workspace, migration }} direction={life.direction} />
          </>
        )
      case 'sqs':
        return <Said text={says.queue(event.queue)} />
      case 'watch':
        return says.watch
      default:
        return event satisfies never
    }
  }
  return (
    <section className="card told" aria-label={says.name}>
      <h2>{says.name}</h2>
      <p>
        {pauseAtLeast === pauseAtMost
          ? says.every(span(pauseAtLeast))
          : says.passes(span(pauseAtLeast), span(pauseAtMost))}
      </p>
      {events.length === 0 ? (
        <p className="quiet">{says.none}</p>
      ) : (
        <ul>
          {events.map((event) => (
            <li key={event.kind === 'sqs' ? event.queue : event.kind}>{of(event)}</li>
          ))}
        </ul>
      )}
    </section>
  )
}
