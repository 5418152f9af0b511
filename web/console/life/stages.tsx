/** Where a migration stands on its way: what is done is ticked, where it is now is named, what comes is hollow. */
import type { LifeView } from '../../../shared/life.ts'
import { lifeTexts } from '../texts/life.ts'
import { wayOf } from './view.ts'

const says = lifeTexts.stages

export function Stages({ life }: { life: LifeView }) {
  const { stages, at } = wayOf(life)
  // A migration that is closed, or rolled back, is done with the last of them.
  const isOver = life.state === 'closed' || life.state === 'rolled-back'
  return (
    <ol className="stages" aria-label={says.name}>
      {stages.map((stage, i) => {
        const is = i < at || (isOver && i === at) ? 'done' : i === at ? 'now' : 'coming'
        return (
          <li key={stage} className={is} aria-current={i === at ? 'step' : undefined}>
            <span className="name">{says[stage]}</span>
            <span className="hidden">, {says[is]}</span>
          </li>
        )
      })}
    </ol>
  )
}
