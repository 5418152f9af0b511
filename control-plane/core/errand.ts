/** What a life wants done next outside of its transactions, and when: nothing of it is stored, since it follows from the life. */
import { atHand, checkOf, wantsPass } from './checklist.ts'
import { follows, inChecklist, type Life, type Purpose, type Surroundings } from './life-state.ts'

export type Errand =
  | { readonly is: 'begin'; readonly purpose: Purpose }
  /** An agent is asked which uploads are open at the side that is left. */
  | { readonly is: 'uploads' }
  | { readonly is: 'certify'; readonly pass: number }
  /** Uploads that were begun and will not be ended are aborted. */
  | { readonly is: 'clear' }

/** Null: nothing comes by itself. `at`: ms since the epoch. */
export function nextErrand(
  life: Life,
  { running, looseUntil }: Pick<Surroundings, 'running' | 'looseUntil'>,
): { readonly errand: Errand; readonly at: number } | null {
  // What a pass has taken up is its own again.
  if (life.clears && running === null) return { errand: { is: 'clear' }, at: life.trouble?.at ?? 0 }
  if (life.paused) return null
  const check = inChecklist(life) ? atHand(life) : null
  if (check && check.state !== 'asks') {
    const at = life.trouble?.at ?? 0
    if (check.step === 'uploads') return { errand: { is: 'uploads' }, at }
    if (check.step === 'certificate') {
      const { pass } = checkOf(life.checklist!, 'verification')
      return { errand: { is: 'certify', pass: pass! }, at }
    }
  }
  if (running !== null || life.own !== null) return null
  const begin = (purpose: Purpose, at: number) =>
    ({ errand: { is: 'begin', purpose }, at: Math.max(at, life.trouble?.at ?? 0) }) as const
  const wanted = check && wantsPass(life)
  if (wanted === 'quiet') {
    const { first } = life.checklist!
    return begin(wanted, Math.max(looseUntil, first ? first.startedAt + 1_000 * life.follow.quiet : 0))
  }
  if (wanted) return begin(wanted, wanted === 'verification' ? looseUntil : 0)
  if (check) {
    const isFollowed = check.step === 'lag' || check.step === 'failures' || check.step === 'freeze'
    return isFollowed ? begin('follow', life.nextAt) : null
  }
  if (!follows(life)) return null
  return life.verify ? begin('verify', 0) : begin('follow', life.nextAt)
}
