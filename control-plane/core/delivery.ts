/**
 * The life of a delivery: one event on its way to one webhook.
 *
 *   waiting → delivered   the receiver answered 2xx
 *           → waiting     it did not, and is tried again after a pause that grows
 *           → given-up    it did not, 11 times in about a day; or it answered 410 Gone; or its webhook is disabled or deleted
 *
 * By hand, one that is delivered or given up becomes waiting again, with all its tries.
 */

/** What came of one attempt. */
export interface Attempt {
  /** HTTP's; null where there was no answer. */
  readonly status: number | null
  /** Ms that the receiver took. */
  readonly duration: number
  /** The first bytes of the answer as text, or why there was none. */
  readonly answer: string
  /** Ms that the receiver asked to wait (`Retry-After`). */
  readonly retryAfter: number | null
}

export type Settled =
  | { readonly state: 'delivered' | 'given-up'; readonly due: null }
  | { readonly state: 'waiting'; readonly due: number }

const s = 1_000
const min = 60 * s
const h = 60 * min
/** After the first attempt, the second, …: 23.7 hours in sum. */
export const pauses = [5 * s, 30 * s, 2 * min, 10 * min, 30 * min, h, 2 * h, 4 * h, 8 * h, 8 * h] as const
export const maxAttempts = pauses.length + 1
/** A receiver cannot ask for more. */
const longestRetryAfter = 8 * h

/**
 * After attempt number `attempts` (1, 2, …) of `most`, at `now` (ms). `random`, in [0, 1), spreads a pause by a tenth either way.
 */
export function settle(
  attempts: number,
  { status, retryAfter }: Attempt,
  now: number,
  random: number,
  most: number = maxAttempts,
): Settled {
  if (status !== null && status >= 200 && status < 300) return { state: 'delivered', due: null }
  const pause = pauses[attempts - 1]
  if (status === 410 || attempts >= most || pause === undefined) return { state: 'given-up', due: null }
  const asked = Math.min(retryAfter ?? 0, longestRetryAfter)
  return { state: 'waiting', due: now + Math.max(asked, Math.round(pause * (0.9 + random * 0.2))) }
}
