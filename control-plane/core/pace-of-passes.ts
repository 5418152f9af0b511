/** How long a migration that follows waits from one pass to the next. */
import type { Follow } from '../../shared/life.ts'

/**
 * Seconds, always within the policy's bounds. A quarter of the last pause where that pass, or an event during it, found changes; twice as
 * long where there were none, so that what is quiet is listed ever more rarely, and what wakes up is soon followed closely. A pass that
 * left something open or undone counts as one that found nothing: an outage is no reason to ask more often.
 */
export function nextPause(
  last: number,
  { changes, open, parked }: { readonly changes: number; readonly open: number; readonly parked: number },
  { pauseAtLeast, pauseAtMost }: Pick<Follow, 'pauseAtLeast' | 'pauseAtMost'>,
): number {
  const hurries = changes > 0 && open === 0 && parked === 0
  const wanted = hurries ? Math.floor(last / 4) : last * 2
  return Math.max(pauseAtLeast, Math.min(Math.max(pauseAtLeast, pauseAtMost), wanted))
}

/** Milliseconds before what has failed so often in a row is tried again: 2 s, doubling to 10 minutes. */
export const backoff = (tries: number): number => Math.min(600_000, 1_000 * 2 ** Math.min(tries, 20))
