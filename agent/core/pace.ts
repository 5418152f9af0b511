/**
 * How many requests an endpoint is asked at once. A trial raises the limit, and the window after it says whether it stays: where
 * answers come about as soon as they ever did, nothing queues on the way, and it does; where they come later, more must
 * have been moved for it; where even the soonest is late, it falls. A store that says "slow down", or falls silent, gets half.
 *
 *   steady   at its limit; a trial begins when requests had to wait and `nextTrial` has come
 *   trial    raised; the next window that is worth measuring ends it, one way or the other
 *   mending  well below what the store last refused: grows step by step, without being asked what it brings
 *
 * Times in milliseconds, of any clock that does not go back.
 */
export interface Pace {
  readonly limit: number
  readonly most: number
  /** The soonest that answers come, or null until one has. It is forgotten slowly: a path may become longer. */
  readonly floor: number | null
  readonly trial: { readonly from: number; readonly rate: number } | null
  readonly nextTrial: number
  /** Until the first trial that brought nothing, or the first refusal, trials double. */
  readonly doubling: boolean
  /** Before the trial after next: it doubles with each that brings nothing and each refusal. */
  readonly pause: number
  /** What is measured before this time is still the last limit's doing. */
  readonly settled: number
  /** The limit at which the store last wanted less, or 0. */
  readonly refusedAt: number
  readonly slowedAt: number
  /** The store asked for no request at all before this time. */
  readonly closedUntil: number
}

/** What was seen of an endpoint in a while. */
export interface Window {
  readonly now: number
  readonly ms: number
  readonly bytes: number
  /** Of small requests, from the request to the head of its answer: the soonest and the mean; null where there was none. */
  readonly latency: { readonly least: number; readonly mean: number } | null
  /** Whether a request had to wait for another one to end. */
  readonly blocked: boolean
  /** Whether a limit held something back: then what was moved says nothing of what the endpoint takes. */
  readonly held?: boolean
}

export interface Slowdown {
  readonly now: number
  /** When the request was sent that met it. */
  readonly sentAt: number
  /** The store's own word, or null. */
  readonly retryAfter: number | null
}

export const least = 1
/** What any store takes, and what a copy on one machine gains nothing beyond. */
const usual = 16
const firstPause = 1_000
const longestPause = 15_000
/** Of what a trial would bring if the endpoint took it all. */
const leastGain = 0.3
/** After a refusal, before the limit rises again, and how near to what was refused it comes without being a trial. */
const holdOff = 1_000
const safeShare = 0.85
/** Above the soonest answer: a queue that long is never empty. */
const crowdedMs = 50
/** With so many no queue makes for fewer: where packets get lost, each connection alone is slow. */
const enough = 24
/** Round trips in which a new connection comes up to speed, and those that it takes the speed from. */
const roundTripsToSettle = 3
const usualFloor = 50
const longestSettling = 2_000
/** A store that wants more patience than this gets another request all the same. */
export const longestClosed = 60_000

export function startPace(most: number): Pace {
  return {
    limit: Math.min(usual, most),
    most,
    floor: null,
    trial: null,
    nextTrial: 0,
    doubling: true,
    pause: firstPause,
    settled: 0,
    refusedAt: 0,
    slowedAt: Number.NEGATIVE_INFINITY,
    closedUntil: 0,
  }
}

/** A window has ended. One that ends before `settled` teaches nothing but the floor. */
export function afterWindow(before: Pace, window: Window): Pace {
  const pace = { ...before, floor: floorOf(before.floor, window) }
  const { now } = window
  if (now < pace.settled || window.held) return pace
  const mended = Math.floor(pace.refusedAt * safeShare)
  if (pace.limit < mended) {
    if (!window.blocked || now < pace.nextTrial) return pace
    const limit = Math.min(pace.limit + step(pace.limit), mended)
    const nextTrial = limit === mended ? now + pace.pause : pace.nextTrial
    return { ...raised(pace, limit, null, now), nextTrial }
  }
  if (isCrowded(pace, window)) return lessCrowded(pace, now)
  const rate = window.bytes / window.ms
  if (pace.trial !== null) return judged(pace, pace.trial, rate, window)
  if (!window.blocked || pace.limit >= pace.most || now < pace.nextTrial || window.bytes === 0) return pace
  const limit = pace.doubling || isNear(pace, window) ? pace.limit * 2 : pace.limit + step(pace.limit)
  return raised(pace, limit, { from: pace.limit, rate }, now)
}

/** The store refused for now, or did not answer. Of those that were sent before it was first heed, one counts. */
export function afterSlowdown(pace: Pace, { now, sentAt, retryAfter }: Slowdown): Pace {
  const asked = Math.min(retryAfter ?? 0, longestClosed)
  const closedUntil = Math.max(pace.closedUntil, now + asked)
  if (sentAt <= pace.slowedAt) return { ...pace, closedUntil }
  return {
    ...pace,
    limit: Math.max(least, Math.floor(pace.limit / 2)),
    trial: null,
    doubling: false,
    nextTrial: Math.max(closedUntil, now) + holdOff,
    pause: Math.min(pace.pause * 2, longestPause),
    refusedAt: pace.limit,
    slowedAt: now,
    closedUntil,
  }
}

function judged(pace: Pace, trial: NonNullable<Pace['trial']>, rate: number, window: Window): Pace {
  const more = pace.limit / trial.from - 1
  if (isNear(pace, window) || rate >= trial.rate * (1 + more * leastGain))
    return { ...pace, trial: null, pause: firstPause }
  return {
    ...pace,
    limit: trial.from,
    trial: null,
    doubling: false,
    nextTrial: window.now + pace.pause,
    pause: Math.min(pace.pause * 2, longestPause),
    settled: window.now + settling(pace),
  }
}

function raised(pace: Pace, limit: number, trial: Pace['trial'], now: number): Pace {
  return { ...pace, limit: Math.min(limit, pace.most), trial, settled: now + settling(pace) }
}

/** The soonest answer tells of queues, which all must pass; the mean may hold a pause of our own. */
const isNear = ({ floor }: Pace, { latency }: Window): boolean =>
  latency !== null &&
  floor !== null &&
  latency.least <= 1.2 * floor + 0.2 &&
  latency.mean <= 1.75 * floor + 0.5

/** So much waits on the way, or over there, that fewer requests would move as much. */
const isCrowded = ({ floor }: Pace, { latency }: Window): boolean =>
  latency !== null && floor !== null && latency.least > Math.max(2 * floor, floor + crowdedMs)

function lessCrowded(pace: Pace, now: number): Pace {
  const limit = pace.trial?.from ?? Math.max(Math.min(enough, pace.limit), Math.floor(pace.limit * 0.85))
  return {
    ...pace,
    limit,
    trial: null,
    doubling: false,
    nextTrial: now + pace.pause,
    settled: now + settling(pace),
  }
}

const settling = ({ floor }: Pace) => Math.min(roundTripsToSettle * (floor ?? usualFloor), longestSettling)

const step = (limit: number) => Math.max(1, Math.floor(limit / 2))

function floorOf(floor: number | null, { latency }: Window): number | null {
  if (latency === null) return floor
  return floor === null ? latency.least : Math.min(latency.least, floor * 1.01)
}
