/**
 * A cut-over or a roll-back, walked with an operator: each step is told as it comes to an end, and what is asked is asked. Nothing of it is
 * kept here: whoever leaves goes on with the same command, or with others, from anywhere.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { doStep, readLife } from '../../shared/api/life.ts'
import { visible } from '../../shared/key.ts'
import type { Check, LifeView } from '../../shared/life.ts'
import { confirm, isAsked } from './confirm.ts'
import { type Io, throwIfInterrupted } from './io.ts'
import { checkText, nextText, placesOf, type Sides } from './life-text.ts'
import type { PlaneClient } from './plane-client.ts'

/** Ms between two looks. */
const pollEvery = 500
/** What is further away (ms) is told of: nobody waits in a freeze without knowing what for. */
const tellsFrom = 10_000

export interface WalkOptions {
  /** Nobody writes any more already: the step need not be asked for. */
  declareFreeze?: true
}

/** Ends where it is ready, where it is over, or where somebody has to do something else first. */
export async function walk(
  plane: PlaneClient,
  sides: Sides,
  options: WalkOptions,
  io: Io,
): Promise<LifeView> {
  const params = { migration: sides.id }
  const told = new Map<Check['step'] | 'next', string>()
  for (;;) {
    const life = await plane.call(readLife, { params })
    for (const check of life.checks) {
      // What does not hold says why, and that may be another reason every time; it is tried again by itself.
      const news = check.state === 'failed' ? check.message : check.state
      if (check.state === 'waiting' || told.get(check.step) === news) continue
      told.set(check.step, news)
      io.stderr.write(visible(`${checkText(check)}\n`))
    }
    if (life.next && (life.next.at ?? 0) > Date.now() + tellsFrom && told.get('next') !== life.next.what) {
      told.set('next', life.next.what)
      io.stderr.write(visible(`    ${nextText(life.next, Date.now())}\n`))
    }
    if (life.state !== 'verifying' || life.paused || life.deletes) return life
    const asking = life.checks.find(({ state }) => state === 'asks')
    if (asking?.step === 'freeze') {
      if (!options.declareFreeze && !(await isFrozen(placesOf(sides, life).left, io))) return life
      await plane.call(doStep, { params: { ...params, step: 'freeze' }, body: { do: 'declare' } })
      continue
    }
    if (asking) return life
    await sleep(pollEvery, undefined, { signal: io.signal }).catch(() => throwIfInterrupted(io.signal))
  }
}

const isFrozen = async (place: string, io: Io): Promise<boolean> =>
  isAsked(io) &&
  (await confirm(visible(`Has every writer to ${place} stopped, and is every upload of it over?`), io))
