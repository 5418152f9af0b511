/**
 * The life of a migration, as a pure function. Who asks what of it, and what its passes come to, brings it on:
 *
 *                start       cut-over    switch       roll-back     cancel      close
 *   draft        surveying   –           –            –             –           –
 *   surveying    as it is    –           –            rolled-back   cancelled   –
 *   backfilling  as it is    –           –            rolled-back   cancelled   –
 *   following    as it is    verifying   –            rolled-back   cancelled   –
 *   verifying    as it is    as it is ¹  –            ²             cancelled   –
 *   ready        as it is    as it is ¹  cut-over ³   ²             cancelled   –
 *   cut-over     as it is    –           as it is     verifying     cancelled   closed
 *   rolled-back  ⁴           verifying ⁴ as it is ⁴   as it is      cancelled ⁴ closed
 *   closed       –           –           –            –             –           as it is
 *   cancelled    ⁵           –           –            –             as it is    –
 *
 *   ¹ of a checklist forward   ² forward: rolled-back; back: as it is   ³ of a checklist back: rolled-back
 *   ⁴ after a real cut-over it follows forward again; before one nothing goes on, `start` is as from `cancelled`, and the others are refused
 *   ⁵ to where it left off: cut-over while the application is at the destination, else rolled-back, following or surveying
 *   –  refused, with what can be done instead (life-commands.ts)
 *
 *   surveying → backfilling   the first pass has listed everything
 *   backfilling → following   a pass came to the end of everything, whatever failed by itself
 *   verifying → ready         every step but the switch is done or waived (checklist.ts)
 *   ready → verifying         something was told of since the last pass: somebody still writes
 *   verifying, ready → where it came from: `abandon`
 *
 * What always holds: it follows in one direction alone, that of the application; at most one pass of its own runs, and none is begun while another
 * runs, or while it is paused; it comes to `cut-over`, and from there to `rolled-back`, by a whole checklist and nothing else.
 */
import { advance, atHand, passBegan, passEnded, set, wantsPass } from './checklist.ts'
import { command } from './life-commands.ts'
import {
  became,
  follows,
  inChecklist,
  itself,
  type Life,
  type LifeEffect,
  type LifeEvent,
  type PassFacts,
  type Stepped,
  type Surroundings,
  sideLeft,
} from './life-state.ts'
import { backoff, nextPause } from './pace-of-passes.ts'

export { type Life, type LifeEffect, type LifeEvent, newLife, type Surroundings } from './life-state.ts'

/** Of what is of no use to anybody in the end: some eight hours of them. */
const mostTries = 50

export function step(life: Life, event: LifeEvent, around: Surroundings): Stepped {
  const stepped = apply(life, event, around)
  if (stepped.refused) return stepped
  return finished(life, stepped, around)
}

/** Brings the checklist up to date, lets a pass that holds make room, and counts the change. */
function finished(before: Life, { life, effects }: Stepped, around: Surroundings): Stepped {
  let next = inChecklist(life) ? advance(life, around) : life
  const hand = inChecklist(next) ? atHand(next) : null
  const said = { now: around.now, by: itself }
  if (next.state === 'verifying' && hand?.step === 'switch')
    next = became(next, { state: 'ready' }, { ...said, why: 'The checklist holds.' })
  if (next.state === 'ready' && hand && hand.step !== 'switch')
    next = became(next, { state: 'verifying' }, { ...said, why: hand.message })
  const makesRoom = next.own && next.own.settled !== null && (next.verify || wantsPass(next))
  if (next.failingSince !== null && next.own === null && around.open + around.parked === 0)
    next = { ...next, failingSince: null }
  const all: LifeEffect[] = makesRoom ? [...effects, { is: 'hold', until: null }] : [...effects]
  if (JSON.stringify(next) === JSON.stringify(before)) return { life: before, effects: all, refused: null }
  return { life: { ...next, revision: before.revision + 1 }, effects: all, refused: null }
}

const only = (life: Life, effects: readonly LifeEffect[] = []): Stepped => ({ life, effects, refused: null })

function apply(life: Life, event: LifeEvent, { now }: Surroundings): Stepped {
  switch (event.t) {
    case 'command':
      return command(life, event.command, event.by, now)
    case 'defined': {
      const { follow, noWayBack } = event
      return only({ ...life, follow, noWayBack, pause: Math.min(life.pause, follow.pauseAtMost) })
    }
    case 'began': {
      const { pass, purpose } = event
      const own = { number: pass, purpose, settled: null }
      return only(passBegan({ ...life, own, pass, trouble: null }, purpose, pass, now))
    }
    case 'surveyed': {
      if (life.own?.number !== event.pass || life.state !== 'surveying') return only(life)
      const why = 'All is listed, and what differs is being copied.'
      return only(became(life, { state: 'backfilling' }, { now, by: itself, why }))
    }
    case 'settled':
      return settled(life, event.pass, now)
    case 'ended':
      return ended(life, event.pass, event.by, now)
    case 'tick':
      return only(life)
    case 'failed':
      return only(failed(life, event.message, now))
    case 'uploads':
      return only(uploads(life, event.open, event.more, now))
    case 'certified': {
      if (atHand(life)?.step !== 'certificate') return only(life)
      const { pass, root, issuedAt } = event
      const noted: Life = { ...life, trouble: null, certificate: { pass, root, issuedAt } }
      return only(set(noted, 'certificate', { state: 'done', message: 'It is issued.', pass }, now))
    }
    case 'cleared':
      return only({ ...life, clears: false, trouble: null })
    default:
      return event satisfies never
  }
}

/** A pass that follows has nothing left to do, and stays open for what events bring until the next is due. */
function settled(life: Life, pass: PassFacts, now: number): Stepped {
  const { own } = life
  if (own?.number !== pass.number || own.settled !== null || own.purpose !== 'follow') return only(life)
  const next = followed(life, pass, now)
  return only({ ...next, own: { ...own, settled: pass.changes } }, [{ is: 'hold', until: next.nextAt }])
}

/** What a pass that follows has found out: how far the other side is, and when to look again. */
function followed(life: Life, pass: PassFacts, now: number): Life {
  const pause = nextPause(life.pause, pass, life.follow)
  const isClean = pass.open === 0 && pass.parked === 0
  const next: Life = {
    ...life,
    ...{ pause, nextAt: now + 1_000 * pause },
    provenAt: isClean ? pass.startedAt : life.provenAt,
    failingSince: isClean ? null : (life.failingSince ?? pass.startedAt),
  }
  if (pass.parked > 0 || life.isBackfilled) return next
  const isFirst = next.state === 'surveying' || next.state === 'backfilling'
  const why = `Pass ${pass.number} has looked at everything. Passes follow one another from now on.`
  const done = { ...next, isBackfilled: true }
  return isFirst ? became(done, { state: 'following' }, { now, by: itself, why }) : done
}

function ended(life: Life, pass: PassFacts, by: string | null, now: number): Stepped {
  const { own } = life
  if (own?.number !== pass.number) return only(life)
  const next: Life = { ...life, own: null }
  if (pass.state === 'cancelled') {
    // Somebody has ended it who meant something by that: nothing is begun in its place until they say so.
    const why = `Pass ${pass.number} was cancelled. Resume to go on.`
    if (life.paused || !(follows(life) || inChecklist(life))) return only(next)
    return only(became(next, { paused: { since: now, by: by ?? itself } }, { now, by: by ?? itself, why }))
  }
  if (own.purpose === 'verify') return only({ ...next, verify: null, nextAt: Math.min(life.nextAt, now) })
  if (own.purpose === 'follow') {
    return only(own.settled === null ? followed(next, pass, now) : held(next, pass, own.settled, now))
  }
  const after = passEnded(next, own.purpose, pass, now)
  if (own.purpose !== 'last-pass') return only(after)
  const isClean = pass.open === 0 && pass.parked === 0
  return only({ ...after, provenAt: isClean ? pass.startedAt : after.provenAt })
}

/** What events brought while it held shortens the pause after the next one. */
function held(life: Life, pass: PassFacts, changes: number, now: number): Life {
  const isClean = pass.open === 0 && pass.parked === 0
  return {
    ...life,
    nextAt: Math.min(life.nextAt, now),
    pause: pass.changes > changes ? nextPause(life.pause, pass, life.follow) : life.pause,
    failingSince: isClean ? null : (life.failingSince ?? pass.startedAt),
  }
}

function failed(life: Life, message: string, now: number): Life {
  const tries = (life.trouble?.tries ?? 0) + 1
  // The next pass is told of uploads that nobody could abort.
  if (life.clears && tries > mostTries) return { ...life, clears: false, trouble: null }
  const next: Life = { ...life, trouble: { tries, at: now + backoff(tries), message } }
  const check = inChecklist(life) ? atHand(life) : null
  // Those before the freeze say what they see.
  if (!check || ['lag', 'failures', 'freeze', 'switch'].includes(check.step)) return next
  return set(next, check.step, { state: 'failed', message }, now)
}

function uploads(life: Life, open: number, more: boolean, now: number): Life {
  if (atHand(life)?.step !== 'uploads') return life
  const side = sideLeft(life)
  const next: Life = { ...life, trouble: null }
  if (open === 0 && !more)
    return set(next, 'uploads', { state: 'done', message: `No upload is open at the ${side}.` }, now)
  const message = `${open}${more ? ' or more' : ''} ${open === 1 && !more ? 'upload is' : 'uploads are'} open at the ${side}: whoever completes one there writes after the freeze. End them and retry, or waive them with a reason.`
  return set(next, 'uploads', { state: 'asks', message }, now)
}
