/** What operators answer to a step of the checklist. Only the step at hand takes an answer; what one has taken already is no error. */
import { atHand, set, verifiesAgain } from './checklist.ts'
import { type Answer, type Command, endsNow, type Life, no, type Said, sideLeft } from './life-state.ts'

export function answerStep(
  life: Life,
  asked: Command & { do: 'declare' | 'retry' | 'waive' },
  { now, by }: Said,
): Answer {
  const { checklist } = life
  const { step, reason } = asked
  const check = checklist?.checks.find((each) => each.step === step)
  if (!check)
    return no(
      `no checklist is worked through (${life.state})`,
      'Begin one: POST /life/cut-over, or /life/roll-back.',
    )
  const hand = atHand(life)!
  if (check.state === 'done' || check.state === 'waived') return { life }
  if (check !== hand)
    return no(
      `the step ${step} comes after ${hand.step}, which is at hand: ${hand.message}`,
      'Answer that first.',
    )
  switch (asked.do) {
    case 'declare': {
      if (step !== 'freeze')
        return no(`the step ${step} takes no declaration`, 'Retry it, or see what it says.')
      const message = `Declared: nobody writes to the ${sideLeft(life)}.`
      return { life: set({ ...life, trouble: null }, step, { state: 'done', message, by }, now) }
    }
    case 'waive':
      if (step !== 'uploads')
        return no(
          `the step ${step} cannot be waived`,
          step === 'failures'
            ? 'Waive the failures themselves, each with a reason: POST /passes/:pass/failures/waive.'
            : 'It is what the promise rests upon. Retry it, or leave the checklist: POST /life/abandon.',
        )
      if (!reason)
        return no('a waiver needs a reason', 'Say why the open uploads do not matter, in "reason".')
      return { life: set({ ...life, trouble: null }, step, { state: 'waived', message: reason, by }, now) }
    case 'retry': {
      if (step === 'freeze' || step === 'switch')
        return no(`the step ${step} waits for you, there is nothing to retry`, check.message)
      if (step === 'certificate') return { life: verifiesAgain({ ...life, trouble: null, nextAt: now }, now) }
      const message = 'It is tried again.'
      // What comes before the freeze is mended by a pass that follows.
      const again: Life = { ...life, trouble: null, nextAt: now }
      const isMended = step === 'lag' || step === 'failures'
      if (!isMended) return { life: set(again, step, { state: 'doing', message, by }, now) }
      return { life: again, effects: (life.own?.settled ?? null) !== null ? [endsNow] : [] }
    }
    default:
      return asked.do satisfies never
  }
}
