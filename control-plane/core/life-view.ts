/** What a life shows of itself. */
import { type Lag, type LifeBrief, type LifeCommand, type LifeView, lifeCommands } from '../../shared/life.ts'
import { atHand } from './checklist.ts'
import { type Errand, nextErrand } from './errand.ts'
import { command } from './life-commands.ts'
import { inChecklist, isUnderWay, type Life, type Surroundings, sideNext } from './life-state.ts'

export interface Beside {
  /** Events that wait, or are at work. */
  readonly events: number
  /** Of the pass that runs, where it asks. */
  readonly deletes: LifeView['deletes']
}

export function viewOf(life: Life, around: Surroundings, { events, deletes }: Beside): LifeView {
  const { state, direction, since, revision, paused, pass, certificate, follow } = life
  return {
    ...{ state, direction, since, revision, paused, pass },
    next: isUnderWay(life) ? nextOf(life, around, deletes) : null,
    lag: lagOf(life, around, events),
    checks: [...(life.checklist?.checks ?? [])],
    ...{ deletes, certificate },
    commands: lifeCommands.filter((name) => canBeAsked(life, name, around.now)),
    history: [...life.history],
    follow,
  }
}

/** In short. `deletes`: a pass would delete more than its cap, and waits for an answer. */
export const briefOf = (life: Life, deletes: boolean): LifeBrief => ({
  ...{ state: life.state, direction: life.direction, since: life.since, revision: life.revision },
  ...{ paused: life.paused !== null, failingSince: life.failingSince, provenAt: life.provenAt },
  asks: deletes || (inChecklist(life) && atHand(life)?.state === 'asks'),
})

/** From what is known; what nobody has found yet is nobody's to know. */
export function lagOf(life: Life, { now, oldestEvent, oldestFound }: Surroundings, events: number): Lag {
  const { provenAt, failingSince } = life
  const known = [
    { of: 'event', at: oldestEvent },
    { of: 'pass', at: oldestFound },
    { of: 'failure', at: failingSince },
  ] as const
  let oldest: { readonly of: Lag['of']; readonly at: number } = { of: 'nothing', at: now }
  for (const { of, at } of known) if (at !== null && at < oldest.at) oldest = { of, at }
  return { age: life.isBackfilled ? Math.max(0, now - oldest.at) : null, of: oldest.of, provenAt, events }
}

/** What would change something. */
function canBeAsked(life: Life, name: LifeCommand, now: number): boolean {
  const asked =
    name === 'pause'
      ? ({ do: name, inFlight: 'finish' } as const)
      : name === 'verify'
        ? ({ do: name, depth: life.follow.depth, sample: life.follow.sample } as const)
        : ({ do: name } as const)
  const { life: after, refused } = command(life, asked, '', now)
  return refused === null && after !== life
}

const whats: Record<Errand['is'], string> = {
  begin: 'A pass begins.',
  uploads: 'An agent is asked for open uploads.',
  certify: 'The certificate is issued.',
  clear: 'Uploads that were begun are aborted.',
}
const begins: Record<string, string> = {
  follow: 'The next pass that follows.',
  verify: 'The verification that was asked for.',
  'last-pass': 'The last pass.',
  quiet: 'A listing of both sides.',
  verification: 'The verification.',
}

function nextOf(life: Life, around: Surroundings, deletes: Beside['deletes']): LifeView['next'] {
  const { running } = around
  if (life.paused) return { at: null, what: 'It is paused: resume it to go on.' }
  if (deletes) {
    const what = `Pass ${deletes.pass} asks: it would delete ${deletes.objects} objects, more than its cap.`
    return { at: null, what }
  }
  const check = inChecklist(life) ? atHand(life) : null
  if (check?.step === 'switch') return { at: null, what: `It waits for the switch to the ${sideNext(life)}.` }
  if (check?.state === 'asks') return { at: null, what: `The step ${check.step} asks for an answer.` }
  const next = nextErrand(life, around)
  if (next) {
    const { errand, at } = next
    const what = errand.is === 'begin' ? begins[errand.purpose]! : whats[errand.is]
    const why =
      errand.is === 'begin' && at > around.now && at === around.looseUntil
        ? ' Not before then: what was begun under a lease that is lost may still land.'
        : ''
    const before = life.trouble ? ` Before: ${life.trouble.message}` : ''
    return { at: at || null, what: `${what}${why}${before}` }
  }
  if (life.own && life.own.settled !== null) return { at: life.nextAt, what: begins.follow! }
  if (life.own) return { at: null, what: `Pass ${life.own.number} comes to its end.` }
  if (life.state === 'cut-over' && life.noWayBack) return { at: null, what: life.noWayBack.message }
  return running === null
    ? null
    : { at: null, what: `Pass ${running}, which somebody else has begun, comes to its end.` }
}
