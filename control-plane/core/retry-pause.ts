/**
 * How long a packet waits that could not be worked on, and how often it is tried, by the class of the error. Pauses grow exponentially, with
 * full jitter: packets that failed together do not come back together. What the store asked for (Retry-After) is waited for.
 */
import type { ErrorBody, ErrorCode } from '../../shared/error.ts'

interface Class {
  /** Ms: at random from `least` up to a bound that is `first`, doubles with each failure in a row, and ends at `most`. */
  readonly least: number
  readonly first: number
  readonly most: number
  /** Failures in a row after which it waits for an operator. */
  readonly tries: number
}

/** What was in the way is over when it is told of: a process that ended, an object that changed. */
const passing: Class = { least: 0, first: 500, most: 5_000, tries: 5 }
/** A side that does not answer is not back in no time. */
const unavailable: Class = { least: 1_000, first: 2_000, most: 60_000, tries: 5 }
/** A store that wants less will take it yet: patience, and more of it. */
const throttled: Class = { least: 1_000, first: 4_000, most: 300_000, tries: 10 }
/** One agent may not what another one may, and the like: there is nothing to wait for but others. */
const usual: Class = { least: 0, first: 2_000, most: 60_000, tries: 5 }

const classes: Partial<Record<ErrorCode, Class>> = {
  interrupted: passing,
  stale: passing,
  changed: passing,
  unreachable: unavailable,
  timeout: unavailable,
  'server-error': unavailable,
  protocol: unavailable,
  throttled,
}

const classOf = (code: ErrorCode): Class => classes[code] ?? usual

/** Failures in a row after which a packet waits for an operator, the last of them of this code. */
export const maxFailures = (code: ErrorCode): number => classOf(code).tries

/** Milliseconds before the attempt after `failures` failed ones (1 or more). `random`: in [0, 1). */
export function retryPause({ code, retryAfter = 0 }: ErrorBody, failures: number, random: number): number {
  const { least, first, most } = classOf(code)
  const bound = Math.min(most, first * 2 ** (failures - 1))
  const asked = retryAfter === 0 ? 0 : retryAfter + random * first
  return Math.round(Math.max(least + random * (bound - least), asked))
}
