/** Which question leads to which command of a migration's life. */
import type { CutOverStep, Direction, LifeCommand, LifeView } from '../../../shared/life.ts'
import { lifeTexts } from '../texts/life.ts'
import { asking } from './view.ts'

export type Question =
  | { readonly of: LifeCommand }
  | { readonly of: 'freeze' }
  | { readonly of: 'waive'; readonly step: CutOverStep }

const words = lifeTexts.deeds

/** What a command is called now: before it was cut over, a roll-back only stops following. */
export function nameOf(command: LifeCommand, life: LifeView): string {
  if (command === 'switch' && life.direction === 'back') return words.switchBack
  if (command === 'roll-back' && isBeforeCutOver(life)) return words.stop
  if (command === 'start' && life.state !== 'draft') return words.again
  return words[command]
}

export const isBeforeCutOver = ({ state, direction }: { state: LifeView['state']; direction: Direction }) =>
  direction === 'forward' && state !== 'cut-over'

/** The one thing to do next, of what can be asked now; null: nothing, it goes on by itself. */
export function nextOf(life: LifeView): Question | null {
  const may = (command: LifeCommand) => life.commands.includes(command)
  if (life.paused && may('resume')) return { of: 'resume' }
  // It is answered where it asks.
  if (life.deletes) return null
  if (asking(life)?.step === 'freeze') return { of: 'freeze' }
  // It goes on by itself: to close it for good, or to go back, is nobody's next step but the operator's.
  if (life.state === 'cut-over') return null
  const command = (['switch', 'cut-over', 'start', 'close'] as const).find(may)
  return command === undefined ? null : { of: command }
}

/** What stands beside it as a button of its own: the ways on from a cut-over, and pausing. */
export function besideOf(life: LifeView): readonly LifeCommand[] {
  const beside: readonly LifeCommand[] =
    life.state === 'cut-over' ? ['roll-back', 'close', 'pause'] : ['pause']
  return beside.filter((command) => life.commands.includes(command))
}
