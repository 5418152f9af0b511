/** What operators ask of a migration's life: done, or refused with what can be done instead. What is so already is no error. */
import type { LifeState } from '../../shared/life.ts'
import { atHand, newChecklist } from './checklist.ts'
import {
  type Answer,
  became,
  type Command,
  type Done,
  endsNow,
  follows,
  inChecklist,
  isUnderWay,
  type Life,
  type LifeEffect,
  no,
  type Said,
  type Stepped,
  sideLeft,
  sideNext,
} from './life-state.ts'
import { answerStep } from './step-answers.ts'

export function command(life: Life, asked: Command, by: string, now: number): Stepped {
  const answer = answerTo(life, asked, by, now)
  if ('message' in answer) return { life, effects: [], refused: answer }
  return { life: answer.life, effects: answer.effects ?? [], refused: null }
}

/** Those that a paused life takes too. */
const whilePaused: readonly Command['do'][] = ['pause', 'resume', 'cancel', 'close', 'abandon']

function answerTo(life: Life, asked: Command, by: string, now: number): Answer {
  if (life.paused && !whilePaused.includes(asked.do))
    return no('the migration is paused', 'Resume it first: POST /life/resume.')
  const said = { now, by }
  switch (asked.do) {
    case 'start':
      return start(life, said)
    case 'pause':
      return pause(life, asked.inFlight, said)
    case 'resume':
      return resume(life, said)
    case 'cancel':
      return cancel(life, said)
    case 'verify':
      return verify(life, asked)
    case 'cut-over':
      return cutOver(life, said)
    case 'abandon':
      return abandon(life, said)
    case 'switch':
      return switchOver(life, said)
    case 'roll-back':
      return rollBack(life, said)
    case 'close':
      return close(life, said)
    case 'declare':
    case 'retry':
    case 'waive':
      return answerStep(life, asked, said)
    default:
      return asked satisfies never
  }
}

/** What nothing goes on with any more. */
const still = { own: null, verify: null, checklist: null, trouble: null, paused: null } as const

/** Where it goes on from where it was left. */
function begins({ direction, wasOver, isBackfilled }: Life): LifeState {
  if (direction === 'back') return 'cut-over'
  if (wasOver) return 'rolled-back'
  return isBackfilled ? 'following' : 'surveying'
}

function start(life: Life, { now, by }: Said): Answer {
  if (isUnderWay(life)) return { life }
  if (life.state === 'closed')
    return no('it is closed, for good', 'Make another migration of the same places: it begins anew.')
  const why = life.state === 'draft' ? 'It was started.' : 'It was started again.'
  const state = begins(life)
  return { life: became(life, { ...still, state, nextAt: now, pause: 0, clears: false }, { now, by, why }) }
}

function pause(life: Life, inFlight: 'finish' | 'stop', { now, by }: Said): Answer {
  if (!follows(life) && !inChecklist(life)) return no(`nothing goes on (${life.state})`, instead(life))
  // What is at work may still be told to stop.
  const effects = [{ is: 'pause', inFlight, by }] as const
  if (life.paused) return { life, effects: inFlight === 'stop' ? effects : [] }
  return { life: became(life, { paused: { since: now, by } }, { now, by, why: 'It was paused.' }), effects }
}

function resume(life: Life, { now, by }: Said): Answer {
  if (!life.paused) return { life }
  const resumed = became(life, { paused: null, trouble: null }, { now, by, why: 'It was resumed.' })
  return { life: { ...resumed, nextAt: Math.min(life.nextAt, now) }, effects: [{ is: 'resume' }] }
}

function cancel(life: Life, { now, by }: Said): Answer {
  if (life.state === 'cancelled') return { life }
  if (!isUnderWay(life)) return no(`there is nothing to cancel (${life.state})`, instead(life))
  const why = 'It was cancelled. What was copied stays.'
  return stopped(life, { state: 'cancelled', clears: true }, { now, by, why })
}

/** Ends what it is at. A pass that has nothing left to do comes to its end as it is. */
function stopped(life: Life, to: Partial<Life>, said: Said & { readonly why: string }): Done {
  const effects: LifeEffect[] = life.own ? [life.own.settled !== null ? endsNow : { is: 'cancel' }] : []
  return { life: became(life, { ...still, ...to }, said), effects }
}

function verify(life: Life, { depth, sample }: Command & { do: 'verify' }): Answer {
  if (inChecklist(life))
    return no('the checklist verifies by itself', 'Let it, or leave it: POST /life/abandon.')
  if (!follows(life) || !life.isBackfilled)
    return no(
      `there is nothing to verify yet (${life.state})`,
      life.state === 'surveying' || life.state === 'backfilling'
        ? 'Let the first pass come to its end; its progress is at GET /life.'
        : `${instead(life)} A verification by itself is a pass: POST /passes with "kind": "verify".`,
    )
  const isSame = life.verify?.depth === depth && life.verify.sample === sample
  return { life: isSame ? life : { ...life, verify: { depth, sample } } }
}

function cutOver(life: Life, { now, by }: Said): Answer {
  const { state, direction } = life
  if (inChecklist(life) && direction === 'forward') return { life }
  if (state === 'cut-over' || direction === 'back')
    return no(
      'the application is at the destination already',
      'To return to the source: POST /life/roll-back.',
    )
  if (state === 'surveying' || state === 'backfilling')
    return no(
      'the first pass is not done: most of it may not be at the destination yet',
      'Let it come to its end; its progress is at GET /life.',
    )
  if (!follows(life)) return no(`nothing follows the source (${state})`, instead(life))
  return { life: checklistBegan(life, { now, by }, 'The checklist of a cut-over was begun.') }
}

const checklistBegan = (life: Life, said: Said, why: string): Life =>
  became(
    life,
    {
      state: 'verifying',
      checklist: newChecklist(life.state),
      trouble: null,
      nextAt: Math.min(life.nextAt, said.now),
    },
    { ...said, why },
  )

function abandon(life: Life, { now, by }: Said): Answer {
  const { checklist } = life
  if (!checklist || !inChecklist(life)) {
    return isUnderWay(life) ? { life } : no(`there is no checklist to leave (${life.state})`, instead(life))
  }
  const why = `The checklist was left: writes may go on at the ${sideLeft(life)}.`
  return left(life, { state: checklist.before }, { now, by, why })
}

/** Out of the checklist: what copies goes on as a pass that follows, what verifies ends. */
function left(life: Life, to: Partial<Life>, said: Said & { readonly why: string }): Done {
  const { own } = life
  const copies = own?.purpose === 'follow' || own?.purpose === 'last-pass'
  const next = {
    checklist: null,
    trouble: null,
    nextAt: said.now,
    own: copies ? { ...own, purpose: 'follow' as const } : null,
  }
  return {
    life: became(life, { ...next, ...to }, said),
    effects: own && !copies ? [{ is: 'cancel' }] : [],
  }
}

function switchOver(life: Life, { now, by }: Said): Answer {
  const { state, direction, wasOver, certificate } = life
  if (state === 'cut-over' || (state === 'rolled-back' && wasOver)) return { life }
  if (state !== 'ready') {
    const check = atHand(life)
    return check
      ? no(
          `the step ${check.step} is not done: ${check.message}`,
          'See the checklist at GET /life, and answer what asks.',
        )
      : no(
          `nothing was made ready for a switch (${state})`,
          follows(life) ? 'Begin the checklist first: POST /life/cut-over.' : instead(life),
        )
  }
  const proof = certificate ? ` The certificate of pass ${certificate.pass} says what was there.` : ''
  const to = direction === 'forward' ? 'cut-over' : 'rolled-back'
  return {
    life: became(
      life,
      {
        ...{ state: to, direction: direction === 'forward' ? 'back' : 'forward', wasOver: true },
        ...{ checklist: null, trouble: null, nextAt: now, pause: 0 },
      },
      { now, by, why: `The application uses the ${sideNext(life)} from now on.${proof}` },
    ),
  }
}

function rollBack(life: Life, { now, by }: Said): Answer {
  const { state, direction, wasOver, checklist } = life
  if (state === 'rolled-back') return { life }
  if (!isUnderWay(life)) return no(`there is nothing to roll back (${state})`, instead(life))
  if (direction === 'back') {
    if (inChecklist(life)) return { life }
    if (life.noWayBack) return life.noWayBack
    return { life: checklistBegan(life, { now, by }, 'The checklist of the way back was begun.') }
  }
  const why = 'It was rolled back: the application never left the source.'
  // Once it was over there, and came back: that it stays is what leaving the checklist means.
  if (wasOver && checklist)
    return left(life, { state: 'rolled-back' }, { now, by, why: 'It stays at the source.' })
  return stopped(life, { state: 'rolled-back' }, { now, by, why })
}

function close(life: Life, { now, by }: Said): Answer {
  const { state } = life
  if (state === 'closed') return { life }
  if (state !== 'cut-over' && state !== 'rolled-back') {
    return no(
      `it is neither cut over nor rolled back (${state})`,
      inChecklist(life)
        ? 'Come to the end of the checklist, or leave it first: POST /life/abandon.'
        : 'Cut over first (POST /life/cut-over), or stop it: POST /life/cancel.',
    )
  }
  const why = `It was closed: nothing follows the ${sideLeft(life)} any more.`
  return stopped(life, { state: 'closed', clears: true }, { now, by, why })
}

/** What can be done where nothing goes on. */
function instead({ state }: Life): string {
  switch (state) {
    case 'closed':
      return 'A closed migration stays as it is: make another one.'
    case 'cut-over':
      return 'Nothing follows the destination: close it, POST /life/close.'
    case 'draft':
      return 'Start it: POST /life/start.'
    default:
      return 'Start it again: POST /life/start.'
  }
}
