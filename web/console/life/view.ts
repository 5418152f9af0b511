/** What of a life is shown where: pure readings of it. */
import type { Check, LifeBrief, LifeState, LifeView } from '../../../shared/life.ts'
import { lifeTexts as says } from '../texts/life.ts'

/** Whether Dray leads the migration; else its passes are begun by hand. */
export const isLed = (life: LifeView | undefined): life is LifeView =>
  life !== undefined && life.state !== 'draft'

/** Nothing of it goes on by itself: passes can be begun by hand. */
export const isAtRest = (life: LifeView | undefined): boolean =>
  life === undefined ||
  life.state === 'draft' ||
  life.state === 'cancelled' ||
  // It was never cut over, so nothing has to be brought back.
  (life.state === 'rolled-back' && life.commands.includes('start'))

export const asking = (life: Pick<LifeView, 'checks'>): Check | undefined =>
  life.checks.find(({ state }) => state === 'asks')

export function named({ state, direction }: Pick<LifeView, 'state' | 'direction'>): string {
  const said = says.states[state]
  return typeof said === 'string' ? said : said[direction]
}

/** In words, with what it waits for. */
export function stateOf(life: LifeView): string {
  const state = named(life)
  if (life.paused) return says.paused(state)
  return life.deletes || (life.state === 'verifying' && asking(life)) ? says.asks(state) : state
}

/** A shape and a colour. */
export const shapes: Readonly<Record<LifeState, string>> = {
  draft: 'new',
  surveying: 'running',
  backfilling: 'running',
  following: 'running',
  verifying: 'running',
  ready: 'asks',
  'cut-over': 'complete',
  'rolled-back': 'cancelled',
  closed: 'complete',
  cancelled: 'cancelled',
}

export const kindOf = (life: LifeView): string =>
  life.paused ? 'away' : life.deletes || asking(life) ? 'asks' : shapes[life.state]

/** The same of a life as lists know it. */
export function briefly({ state, direction, paused, asks }: LifeBrief): { is: string; says: string } {
  const name = named({ state, direction })
  if (paused) return { is: 'away', says: says.paused(name) }
  const is = asks ? 'asks' : shapes[state]
  return { is, says: asks && state !== 'ready' ? says.asks(name) : name }
}

export type Stage = keyof Omit<typeof says.stages, 'name' | 'done' | 'now' | 'coming'>

const forward = ['draft', 'backfill', 'follow', 'verify', 'ready', 'cut-over', 'closed'] as const
const back = ['draft', 'backfill', 'follow', 'cut-over', 'verify-back', 'ready-back', 'rolled-back'] as const

const stageOf = ({ state, direction }: Pick<LifeView, 'state' | 'direction'>): Stage => {
  switch (state) {
    case 'surveying':
    case 'backfilling':
      return 'backfill'
    case 'following':
      return 'follow'
    case 'verifying':
      return direction === 'back' ? 'verify-back' : 'verify'
    case 'ready':
      return direction === 'back' ? 'ready-back' : 'ready'
    default:
      return state
  }
}

/** The way that it is on, and how far it came on it: the index of where it stands now. */
export function wayOf(life: Pick<LifeView, 'state' | 'direction' | 'history'>): {
  stages: readonly Stage[]
  at: number
} {
  const now = stageOf(life)
  const before = life.history.find(({ state }) => state !== life.state)
  const wasCutOver = life.history.some(({ state }) => state === 'cut-over')
  if (life.state === 'cancelled') {
    const last = before ? wayOf({ ...before, history: [] }) : { stages: forward, at: 0 }
    const stages = [...last.stages.slice(0, last.at + 1), now]
    return { stages, at: stages.length - 1 }
  }
  // It was never cut over: there was no way to come back.
  if (life.state === 'rolled-back' && !wasCutOver) {
    return { stages: ['draft', 'backfill', 'follow', 'rolled-back'], at: 3 }
  }
  const isBack = back.includes(now as never) && !forward.includes(now as never)
  if (life.state === 'closed' && before?.state === 'rolled-back') {
    return { stages: [...back, 'closed'], at: back.length }
  }
  const stages: readonly Stage[] = isBack ? back : forward
  return { stages, at: stages.indexOf(now) }
}
