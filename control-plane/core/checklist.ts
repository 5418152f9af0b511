/**
 * The checklist of a cut-over, and of the roll-back that is the same the other way round. Steps are done in their order; the first that is
 * neither done nor waived is the one at hand, and all past it wait.
 *
 *   lag            holds by itself once nothing known is older than the bound
 *   failures       asks until nothing is open or parked, or all that is open is waived; looked at anew until the freeze
 *   freeze         asks for `declare`
 *   uploads        an agent is asked; where some are open it asks: `retry`, or `waive` with a reason
 *   last-pass      a copy that begins after all that; anything but a complete one is done again
 *   quiet          two listings `follow.quiet` apart, both without a difference, that saw the same of both sides; else back to last-pass
 *   verification   as deep as `follow` says; with a difference: back to last-pass, which then compares contents
 *   certificate    of that verification
 *   switch         asks for it: the state is `ready`
 *
 * No step is ever done by a pass that began before the step at hand was reached.
 */
import { type Check, type CutOverStep, cutOverSteps, type LifeState } from '../../shared/life.ts'
import {
  type Checklist,
  type Life,
  type PassFacts,
  type Purpose,
  type Surroundings,
  sideLeft,
  sideNext,
} from './life-state.ts'
import { backoff } from './pace-of-passes.ts'

const waiting = (step: CutOverStep): Check => ({
  ...{ step, state: 'waiting', message: 'Its turn comes.', at: null, by: null, pass: null },
})

export const newChecklist = (before: LifeState): Checklist => ({
  ...{
    before,
    checks: cutOverSteps.map(waiting),
    first: null,
    rounds: 0,
    conflicts: 0,
    compare: null,
    lastAt: null,
  },
})

const isPassed = ({ state }: Check) => state === 'done' || state === 'waived'

/** The step at hand; null where no checklist is worked through. The last one is at hand until the switch. */
export const atHand = ({ checklist }: Pick<Life, 'checklist'>): Check | null =>
  checklist && (checklist.checks.find((check) => !isPassed(check)) ?? null)

export const checkOf = ({ checks }: Checklist, step: CutOverStep): Check =>
  checks.find((check) => check.step === step)!

/** Whether a pass of the checklist is the next: one that follows makes room for it. */
export const wantsPass = (life: Life): Purpose | null => {
  const step = atHand(life)?.step
  return step === 'last-pass' || step === 'quiet' || step === 'verification' ? step : null
}

/** As `check` says; by nobody unless told. Nothing changes where it says so already. */
export function set(
  life: Life,
  step: CutOverStep,
  to: Pick<Check, 'state' | 'message'> & Partial<Check>,
  now: number,
): Life {
  const { checklist } = life
  if (!checklist) return life
  const was = checkOf(checklist, step)
  const pass = to.pass ?? was.pass
  if (was.state === to.state && was.message === to.message && was.pass === pass) return life
  const at = was.state === to.state ? was.at : now
  const check = { ...was, ...to, pass, at, by: to.by ?? null }
  const checks = checklist.checks.map((each) => (each === was ? check : each))
  return { ...life, checklist: { ...checklist, checks } }
}

/** The certificate could not be had: what it would be of is done again. */
export const verifiesAgain = (life: Life, now: number): Life => ({
  ...back(life, 'verification', 'It is done again, to be certified.', now),
  trouble: null,
})

/** From `step` on all wait again; what has brought them back is the message of the step at hand then. */
function back(life: Life, step: CutOverStep, message: string, now: number): Life {
  const { checklist } = life
  if (!checklist) return life
  const from = cutOverSteps.indexOf(step)
  const checks = checklist.checks.map((check, i) => (i < from ? check : waiting(check.step)))
  const rounds = checklist.rounds + 1
  const again: Life = { ...life, checklist: { ...checklist, checks, rounds, first: null } }
  // At once the first time: what a straggler has left is mostly gone then.
  const trouble = { tries: rounds, at: rounds === 1 ? now : now + backoff(rounds), message }
  return set({ ...again, trouble }, step, { state: 'failed', message }, now)
}

/** Brings the steps that hold by themselves up to date, and the next one to hand. */
export function advance(life: Life, around: Surroundings): Life {
  const { checklist } = life
  if (!checklist) return life
  const { now } = around
  let next = life
  if (!isPassed(checkOf(checklist, 'freeze'))) {
    // It says how long the freeze will last, and of a source that changes all the time it holds at moments alone.
    if (!isPassed(checkOf(checklist, 'lag'))) next = set(next, 'lag', lagCheck(next, around), now)
    const failures = isPassed(checkOf(next.checklist!, 'lag')) ? failuresCheck(around) : waiting('failures')
    next = set(next, 'failures', failures, now)
  }
  const { lastAt } = checklist
  const isAfter = isPassed(checkOf(checklist, 'verification')) && lastAt !== null
  if (isAfter && around.oldestEvent !== null && around.oldestEvent > lastAt) {
    const message = `The ${sideLeft(life)} has changed since the last pass, as was told: somebody still writes there.`
    next = back(next, 'last-pass', message, now)
  }
  const check = atHand(next)
  // What waited before the freeze was declared and does not hold any more is looked at first.
  if (check && check.step !== 'freeze' && !isPassed(checkOf(next.checklist!, 'freeze')))
    next = set(next, 'freeze', waiting('freeze'), now)
  return check?.state === 'waiting' ? set(next, check.step, begun(next, check.step), now) : next
}

/** What a step says when it comes to hand. */
function begun(life: Life, step: CutOverStep): Pick<Check, 'state' | 'message'> {
  const left = sideLeft(life)
  switch (step) {
    case 'freeze':
      return {
        state: 'asks',
        message: `Stop all writes to the ${left} (or drain the mirror), then declare that nobody writes there.`,
      }
    case 'uploads':
      return { state: 'doing', message: `An agent is asked which uploads are open at the ${left}.` }
    case 'last-pass':
      return { state: 'doing', message: 'A pass copies what was written before the freeze.' }
    case 'quiet':
      return {
        state: 'doing',
        message: `Both sides are listed twice, ${life.follow.quiet} s apart, to see that nothing moves.`,
      }
    case 'verification':
      return { state: 'doing', message: `Both sides are compared (${life.follow.depth}).` }
    case 'certificate':
      return { state: 'doing', message: 'The certificate is issued.' }
    case 'switch':
      return {
        state: 'asks',
        message: `All of it holds. Let the application use the ${sideNext(life)}, then say so.${life.noWayBack && life.direction === 'forward' ? ` ${life.noWayBack.message}` : ''}`,
      }
    case 'lag':
    case 'failures':
      return waiting(step)
    default:
      return step satisfies never
  }
}

function lagCheck(
  life: Life,
  { now, oldestEvent, oldestFound }: Surroundings,
): Pick<Check, 'state' | 'message'> {
  const bound = life.follow.lag
  const oldest = Math.min(oldestEvent ?? now, oldestFound ?? now)
  if (life.provenAt !== null && now - oldest <= bound * 1_000) {
    return { state: 'done', message: `Nothing that is known to differ is older than ${bound} s.` }
  }
  return { state: 'doing', message: `Something that differs is older than ${bound} s: it is being copied.` }
}

function failuresCheck({ open, parked, waived }: Surroundings): Pick<Check, 'state' | 'message'> {
  if (open === 0 && parked === 0) {
    return waived === 0
      ? { state: 'done', message: 'Nothing is open.' }
      : { state: 'waived', message: `${counted(waived, 'object')} waived.` }
  }
  const what = [
    ...(open > 0 ? [`${counted(open, 'object')} open`] : []),
    ...(parked > 0 ? [`${counted(parked, 'packet')} given up`] : []),
  ].join(', ')
  return {
    state: 'asks',
    message: `${what}: mend the cause and retry, or waive each failure with a reason.`,
  }
}

const counted = (n: number, noun: string) => `${n} ${noun}${n === 1 ? ' is' : 's are'}`

/** A pass of the checklist has begun. */
export function passBegan(life: Life, purpose: Purpose, pass: number, now: number): Life {
  const check = atHand(life)
  if (!check || check.step !== purpose) return life
  return set(life, check.step, { ...begun(life, check.step), pass }, now)
}

/** A pass of the checklist has ended, and was not cancelled. */
export function passEnded(life: Life, purpose: Purpose, pass: PassFacts, now: number): Life {
  const { checklist } = life
  if (!checklist || purpose !== atHand(life)?.step) return life
  const isComplete = pass.open === 0 && pass.parked === 0
  switch (purpose) {
    case 'last-pass': {
      if (!isComplete) return back(life, 'last-pass', leftBy('The last pass', pass), now)
      const message =
        pass.waived === 0 ? 'All was copied.' : `All was copied; ${counted(pass.waived, 'object')} waived.`
      const noted = {
        ...life,
        trouble: null,
        checklist: { ...checklist, conflicts: pass.conflicts, lastAt: pass.startedAt },
      }
      return set(noted, 'last-pass', { state: 'done', message, pass: pass.number }, now)
    }
    case 'quiet':
      return listed(life, checklist, pass, isComplete, now)
    case 'verification': {
      if (!isComplete || pass.extra > checklist.conflicts) {
        const compare = life.follow.depth === 'full' || life.follow.sample !== null ? 'full' : 'checksum'
        const stricter: Life = { ...life, checklist: { ...checklist, compare } }
        return back(stricter, 'last-pass', leftBy('The verification', pass), now)
      }
      const message = `Both sides are the same (${life.follow.depth}).`
      return set({ ...life, trouble: null }, purpose, { state: 'done', message, pass: pass.number }, now)
    }
    default:
      return purpose satisfies never
  }
}

function listed(life: Life, checklist: Checklist, pass: PassFacts, isComplete: boolean, now: number): Life {
  if (!isComplete || pass.extra > checklist.conflicts)
    return back(life, 'last-pass', leftBy('A listing', pass), now)
  const { number, startedAt, seen } = pass
  const { first } = checklist
  if (!first) {
    const noted: Life = {
      ...life,
      trouble: null,
      checklist: { ...checklist, first: { pass: number, startedAt, seen } },
    }
    const message = `Listed once, without a difference; once more ${life.follow.quiet} s after that began.`
    return set(noted, 'quiet', { state: 'doing', message, pass: number }, now)
  }
  for (const side of [sideLeft(life), sideNext(life)] as const) {
    if (first.seen[side] === seen[side]) continue
    const message = `The ${side} has changed between two listings (passes ${first.pass} and ${number}): somebody still writes there.`
    return back(life, 'last-pass', message, now)
  }
  const message = `Two listings agree (passes ${first.pass} and ${number}).`
  return set({ ...life, trouble: null }, 'quiet', { state: 'done', message, pass: number }, now)
}

function leftBy(what: string, { number, open, parked, extra }: PassFacts): string {
  const found = [
    ...(open > 0 ? [`${open} open`] : []),
    ...(parked > 0 ? [`${counted(parked, 'packet')} given up`] : []),
    ...(extra > 0 ? [`${extra} at one side alone`] : []),
  ].join(', ')
  return `${what} (pass ${number}) left a difference: ${found || 'it did not come to its end'}.`
}
