/**
 * What a mirrored write comes to, by what became of it on the two sides. The side of record decides what the application hears; the other is
 * made equal to it. Pure.
 *
 *   record   follower   the application hears   the key is
 *   done     done       done                    alike
 *   done     otherwise  done                    dirty
 *   refused  done       the refusal             dirty
 *   refused  refused    the refusal             as it was
 *   refused  unknown    the refusal             dirty, and late
 *   unknown  whatever   try again               dirty, and late
 *
 * Late: a request of which nobody knows what became may still be carried out, after others that were begun later.
 */

/** `refused`: surely not done; that it was never sent is the same. `unknown`: it may have been done, or may be yet. */
export type Fate = 'done' | 'refused' | 'unknown'

export interface Verdict {
  readonly told: Fate
  readonly key: 'alike' | 'dirty' | 'as-it-was'
  /** A write of which nobody knows what became of it may still land. */
  readonly late: boolean
}

export function verdict(record: Fate, follower: Fate): Verdict {
  const late = record === 'unknown' || follower === 'unknown'
  if (record === 'done' && follower === 'done') return { told: record, key: 'alike', late }
  if (record === 'refused' && follower === 'refused') return { told: record, key: 'as-it-was', late }
  return { told: record, key: 'dirty', late }
}

/** By a store's status. That of 500, 502 or 504 may have done it all the same; 501 and 503 say that they did not. */
export function fateOf(status: number): Fate {
  if (status >= 200 && status < 300) return 'done'
  return status === 500 || status === 502 || status === 504 || status === 408 ? 'unknown' : 'refused'
}
