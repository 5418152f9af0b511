/**
 * The way to each endpoint, shared by all that an agent does there: how many requests go at once (core/pace.ts), over all
 * storages, passes and migrations. What one request learns of an endpoint that has enough, all others heed.
 *
 * Reads, writes and the rest (listings, HEADs, deletes) are counted apart, each up to the limit: a write waits for the
 * body that it is fed from, which is a read; if the two shared a count, reads that wait for their writes could keep these out.
 */
import { afterSlowdown, afterWindow, type Pace, startPace } from '../../core/pace.ts'
import type { Purse } from '../purse.ts'
import type { Direction, Throttle } from '../throttle.ts'
import { Throttles } from '../throttles.ts'

export type Traffic = Direction

/** A request that is to begin. */
export interface Entrant {
  readonly traffic: Traffic
  /** Bytes that leave with it at once. */
  readonly paid: number
  /** What it may move, where its endpoint has a limit. */
  purse: Purse | null
}

/** Whoever has requests that wait for their turn. */
export interface Queue {
  /** Begins what `admit` lets it. False where nothing of this traffic waits any more. */
  proceed(traffic: Traffic): boolean
}

/**
 * The least time that says something of a rate: where many small requests end in it, and where few do. What large bodies bring wavers from
 * second to second by more than what a trial may bring; only the first steps are large enough to be seen at once.
 */
const windowMs = { small: 250, large: 3_000, first: 1_000 }

const kinds: readonly Traffic[] = ['write', 'read', 'other']

export class Lane {
  /** Bytes that have come from the endpoint or gone to it, in this window. */
  moved = 0
  /** What its endpoint's limit allows. To be held back by that says nothing of how the endpoint fares. */
  readonly throttle: Throttle
  #pace: Pace
  readonly #now: () => number
  readonly #changed: () => void
  readonly #inFlight = { read: 0, write: 0, other: 0 }
  readonly #waiting = { read: new Set<Queue>(), write: new Set<Queue>(), other: new Set<Queue>() }
  readonly #used = { read: false, write: false }
  #users = 0
  #began: number
  #blocked = false
  #ended = 0
  #answers = 0
  #latencySum = 0
  #latencyLeast = Number.POSITIVE_INFINITY
  #opening: NodeJS.Timeout | null = null

  constructor(most: number, now: () => number, changed: () => void, throttle: Throttle) {
    this.throttle = throttle
    this.#pace = startPace(most)
    this.#now = now
    this.#changed = changed
    this.#began = now()
  }

  get limit(): number {
    return this.#pace.limit
  }

  /** Objects that it takes at once: those being read and those being written. */
  get room(): number {
    const { limit } = this.#pace
    return (this.#used.read ? limit : 0) + (this.#used.write ? limit : 0)
  }

  /** Whether it may go now; if so it must be followed by one `release`, and its purse be closed before that. */
  admit(entrant: Entrant): boolean {
    const { traffic } = entrant
    if (this.#inFlight[traffic] >= this.#pace.limit || this.#opening !== null) {
      this.#blocked = true
      return false
    }
    if (this.throttle.limited) {
      entrant.purse = this.throttle.enter(traffic, entrant.paid)
      if (entrant.purse === null) {
        this.throttle.wait(this.#knock)
        return false
      }
    }
    this.#inFlight[traffic]++
    if (traffic !== 'other' && !this.#used[traffic]) {
      this.#used[traffic] = true
      this.#changed()
    }
    return true
  }

  /** To be told, by `proceed`, when one may. */
  wait(traffic: Traffic, queue: Queue): void {
    this.#waiting[traffic].add(queue)
  }

  release(traffic: Traffic): void {
    this.#inFlight[traffic]--
    this.#ended++
    if (this.#waiting[traffic].size > 0) this.#proceed(traffic)
    if (this.#ended % 64 === 0) this.look()
  }

  /** The endpoint's limit may allow more. */
  readonly #knock = (): void => {
    for (const kind of kinds) this.#proceed(kind)
  }

  /** A small request was answered, so many milliseconds after it was sent. */
  answered(ms: number): void {
    this.#answers++
    this.#latencySum += ms
    if (ms < this.#latencyLeast) this.#latencyLeast = ms
  }

  /** The endpoint wants less, or is silent. `sentAt`: of the request that met it, by `performance.now()`. */
  slow(sentAt: number, retryAfter: number | null): void {
    const now = this.#now()
    this.#set(afterSlowdown(this.#pace, { now, sentAt, retryAfter }))
    this.#clear(now)
    const ms = this.#pace.closedUntil - now
    if (ms <= 0) return
    if (this.#opening !== null) clearTimeout(this.#opening)
    this.#opening = setTimeout(() => {
      this.#opening = null
      for (const kind of kinds) this.#proceed(kind)
    }, ms).unref()
  }

  /** No more than `most` from now on. What is under way stays. */
  bound(most: number): void {
    const limit = Math.min(this.#pace.limit, most)
    this.#set({ ...this.#pace, most, limit })
  }

  join(): this {
    this.#users++
    return this
  }

  /** Nobody's endpoint takes no objects. */
  leave(): void {
    if (--this.#users > 0) return
    this.throttle.forget(this.#knock)
    this.#used.read = this.#used.write = false
    this.#changed()
  }

  /** Whether a window has ended, and what follows. To be called a few times a second. */
  look(): void {
    const now = this.#now()
    if (now < this.#pace.settled) {
      this.#clear(now)
      return
    }
    const ms = now - this.#began
    const { limit, doubling } = this.#pace
    if (ms < (this.#ended >= limit ? windowMs.small : doubling ? windowMs.first : windowMs.large)) return
    const latency =
      this.#answers === 0 ? null : { least: this.#latencyLeast, mean: this.#latencySum / this.#answers }
    const held = this.throttle.heldAt >= this.#began
    this.#set(afterWindow(this.#pace, { now, ms, bytes: this.moved, latency, blocked: this.#blocked, held }))
    this.#clear(now)
  }

  #set(pace: Pace): void {
    const { limit } = this.#pace
    this.#pace = pace
    if (pace.limit === limit) return
    this.#changed()
    if (pace.limit > limit) for (const kind of kinds) this.#proceed(kind)
  }

  #clear(now: number): void {
    this.#began = now
    this.moved = this.#ended = this.#answers = this.#latencySum = 0
    this.#latencyLeast = Number.POSITIVE_INFINITY
    this.#blocked = kinds.some((kind) => this.#waiting[kind].size > 0)
  }

  /** Each queue in its turn. */
  #proceed(traffic: Traffic): void {
    const waiting = this.#waiting[traffic]
    while (this.#opening === null && this.#inFlight[traffic] < this.#pace.limit) {
      const [queue] = waiting
      if (queue === undefined) return
      waiting.delete(queue)
      const before = this.#inFlight[traffic]
      if (!queue.proceed(traffic)) continue
      waiting.add(queue)
      // The endpoint's limit held it back, and will knock.
      if (this.#inFlight[traffic] === before) return
    }
  }
}

export interface Lanes {
  /** Whoever gets it says `join`, and `leave` in the end. `endpoint`: whose limit counts; the origin where absent. */
  of(origin: string, endpoint?: string): Lane
  /** What limits allow. */
  readonly throttles: Throttles
  /** At most so many requests of a kind to each endpoint, from now on. */
  bound(most: number): void
  /** Objects that all endpoints in use take at once; null while there is none. */
  readonly room: number | null
}

/** `most` requests of a kind at once to each endpoint. `changed`: `room` is another now. */
export function openLanes(options: {
  most: number
  changed?: () => void
  now?: () => number
  throttles?: Throttles
}): Lanes {
  const { changed = () => {}, now = () => performance.now(), throttles = new Throttles() } = options
  let { most } = options
  const lanes = new Map<string, Lane>()
  return {
    throttles,
    of(origin, endpoint = origin) {
      let lane = lanes.get(origin)
      if (!lane) {
        lane = new Lane(most, now, changed, throttles.of(endpoint))
        lanes.set(origin, lane)
      }
      return lane
    },
    bound(atMost) {
      most = atMost
      for (const lane of lanes.values()) lane.bound(most)
    },
    get room() {
      let sum = 0
      for (const lane of lanes.values()) sum += lane.room
      return sum === 0 ? null : sum
    },
  }
}

const ofOneObject = /[?&](?:partNumber|versionId)=/

export function trafficOf(method: string, path: string): Traffic {
  if (method === 'PUT') return 'write'
  return method === 'GET' && (!path.includes('?') || ofOneObject.test(path)) ? 'read' : 'other'
}
