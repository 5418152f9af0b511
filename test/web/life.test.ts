/** How the console reads a migration's life: its way, its words, what is to be done next. */
import { describe, expect, it } from 'vitest'
import { defaultFollow, type LifeView } from '../../shared/life.ts'
import { besideOf, nameOf, nextOf } from '../../web/console/life/deeds.ts'
import { isAtRest, stateOf, wayOf } from '../../web/console/life/view.ts'
import { span } from '../../web/console/texts/life.ts'
import { oneIn } from '../../web/console/texts/verification.ts'

const entry = (state: LifeView['state'], direction: LifeView['direction'] = 'forward') => ({
  ...{ state, direction, at: 0, by: 'somebody', why: '' },
})
const life = (part: Partial<LifeView>): LifeView => ({
  ...{ state: 'following', direction: 'forward', since: 0, revision: 1, paused: null, pass: 1, next: null },
  lag: { age: 0, of: 'nothing', provenAt: 0, events: 0 },
  ...{ checks: [], deletes: null, certificate: null, commands: [], history: [], follow: defaultFollow },
  ...part,
})
const check = (step: LifeView['checks'][number]['step'], state: LifeView['checks'][number]['state']) => ({
  ...{ step, state, message: '', at: null, by: null, pass: null },
})
const at = (part: Partial<LifeView>) => {
  const { stages, at } = wayOf(life(part))
  return `${stages.slice(0, at).join(' ')} [${stages[at]}] ${stages.slice(at + 1).join(' ')}`.trim()
}

describe('the way of a migration', () => {
  it.each([
    [{ state: 'surveying' }, 'draft [backfill] follow verify ready cut-over closed'],
    [{ state: 'following' }, 'draft backfill [follow] verify ready cut-over closed'],
    [{ state: 'ready' }, 'draft backfill follow verify [ready] cut-over closed'],
    [{ state: 'cut-over', direction: 'back' }, 'draft backfill follow verify ready [cut-over] closed'],
    [
      { state: 'verifying', direction: 'back' },
      'draft backfill follow cut-over [verify-back] ready-back rolled-back',
    ],
    [
      {
        state: 'rolled-back',
        history: [entry('rolled-back'), entry('ready', 'back'), entry('cut-over', 'back')],
      },
      'draft backfill follow cut-over verify-back ready-back [rolled-back]',
    ],
    // It was never cut over.
    [
      { state: 'rolled-back', history: [entry('rolled-back'), entry('following')] },
      'draft backfill follow [rolled-back]',
    ],
    [
      { state: 'closed', history: [entry('closed'), entry('rolled-back'), entry('cut-over', 'back')] },
      'draft backfill follow cut-over verify-back ready-back rolled-back [closed]',
    ],
    [
      { state: 'cancelled', history: [entry('cancelled'), entry('backfilling')] },
      'draft backfill [cancelled]',
    ],
  ] as [Partial<LifeView>, string][])('of %o is %s', (part, way) => {
    expect(at(part)).toBe(way)
  })
})

describe('what is to be done next', () => {
  it.each([
    ['follows', { commands: ['pause', 'cancel', 'verify', 'cut-over', 'roll-back'] }, 'cut-over'],
    [
      'is asked for the freeze',
      { state: 'verifying', checks: [check('freeze', 'asks')], commands: ['pause', 'abandon'] },
      'freeze',
    ],
    [
      'is ready',
      { state: 'ready', checks: [check('switch', 'asks')], commands: ['pause', 'abandon', 'switch'] },
      'switch',
    ],
    ['is paused', { paused: { since: 0, by: 'x' }, commands: ['resume', 'cancel'] }, 'resume'],
    ['was cancelled', { state: 'cancelled', commands: ['start'] }, 'start'],
    // The banner asks; nothing stands beside it that somebody might take for the answer.
    [
      'asks about deletes',
      { deletes: { pass: 2, objects: 9, of: 10 }, commands: ['pause', 'cut-over'] },
      undefined,
    ],
    // Nobody is led to what cannot be taken back.
    [
      'was cut over',
      { state: 'cut-over', direction: 'back', commands: ['pause', 'roll-back', 'close'] },
      undefined,
    ],
  ] as [string, Partial<LifeView>, string | undefined][])('where it %s', (_, part, next) => {
    expect(nextOf(life(part))?.of).toBe(next)
  })

  it('has the ways on from a cut-over at hand', () => {
    const cutOver = life({ state: 'cut-over', direction: 'back', commands: ['pause', 'roll-back', 'close'] })
    expect(besideOf(cutOver)).toEqual(['roll-back', 'close', 'pause'])
    expect(nameOf('roll-back', cutOver)).toBe('Roll back…')
    expect(nameOf('roll-back', life({}))).toBe('Stop following…')
    expect(nameOf('switch', life({ state: 'ready', direction: 'back' }))).toBe('Switch back…')
  })

  it('is up to whoever begins passes by hand where nothing goes on by itself', () => {
    expect(isAtRest(undefined)).toBe(true)
    expect(isAtRest(life({ state: 'cancelled' }))).toBe(true)
    expect(isAtRest(life({ state: 'rolled-back', commands: ['start', 'close'] }))).toBe(true)
    expect(isAtRest(life({ state: 'rolled-back', commands: ['cut-over', 'close'] }))).toBe(false)
    expect(isAtRest(life({}))).toBe(false)
  })
})

it('says in words how it stands, and what it waits for', () => {
  expect(stateOf(life({ state: 'verifying' }))).toBe('Before the cut-over')
  expect(stateOf(life({ state: 'verifying', direction: 'back', checks: [check('freeze', 'asks')] }))).toBe(
    'Before the roll-back: it asks you',
  )
  expect(stateOf(life({ paused: { since: 0, by: 'x' } }))).toBe('Following, paused')
})

it('says times and shares no finer than they are', () => {
  expect([1, 60, 90, 3_600, 604_800].map(span)).toEqual(['1 s', '1 min', '1 min 30 s', '1 h', '7 days'])
  expect([0.000_249_6, 0.01, 0.18].map(oneIn)).toEqual(['1 in 4,000', '1 in 100', '18%'])
})
