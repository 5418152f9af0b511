/**
 * Holds back what an endpoint's limit does not allow, in one thread: requests before they begin, bodies between two pieces.
 * Without a limit it is not asked for anything but `limited`.
 *
 * A body has a purse, into which it takes bytes from the allowance a little at a time, and pays with what has passed. Those
 * whose purse is empty wait in line; while they do, no request with a body begins. Nor do more than the bandwidth can feed:
 * what is spread too thin the other side takes for dead, and each connection more is buffers more that fill ahead of us.
 * Requests without bodies (listings, HEADs) wait for no bytes.
 */

import type { Allowance, Tally } from './allowance.ts'
import { interrupted } from './interrupt.ts'
import { Purse } from './purse.ts'

type Kind = keyof Tally['held']

/** What a request moves: its body comes, goes, or there is none to speak of. */
export type Direction = 'read' | 'write' | 'other'

/**
 * Bytes that a body takes at a time, and how many of those there are in a second if it is alone. What is read at once in larger pieces
 * makes the kernel believe that it may let as much more come ahead.
 */
const purse = { least: 8 * 1024, most: 256 * 1024, aSecond: 50 }
/**
 * Bodies of a direction at once: so many as to take that many seconds, large ones counted as `large` bytes; never fewer than `least`, which
 * is all before the first has ended. Where bytes have not been short for `unshort` milliseconds, one more each `step`.
 */
const crowd = { seconds: 2, large: 4 * 1024 * 1024, least: 1, unshort: 1_000, step: 100 }
/** Answers of so many bytes have come before anybody can hold them back: they are paid for when they are asked for. */
const comesWhole = 2 * 1024 * 1024
/** Milliseconds after which whoever waits for no known time looks again: other threads and the control plane tell nobody. */
const lookEvery = 25

export class Throttle {
  /** Of an endpoint with no limit: false, and nothing else counts. */
  limited = false
  /** When something was held back last, by `performance.now()`. */
  heldAt = Number.NEGATIVE_INFINITY
  #allowance: Allowance | null = null
  readonly #needed: () => void
  readonly #purses = new Set<Purse>()
  /** Whoever has requests that wait to begin. */
  readonly #doors = new Set<() => void>()
  readonly #since: Record<Kind, number | null> = { bandwidth: null, requests: null, concurrency: null }
  /** Bodies that have begun, and the bytes that they usually have; null before the first has ended. */
  readonly #bodies = { read: 0, write: 0 }
  readonly #usual: { read: number | null; write: number | null } = { read: null, write: null }
  /** When bytes were short last, and when one more was let in since they were not. */
  #shortAt = Number.NEGATIVE_INFINITY
  #steppedAt = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | null = null

  /** `needed`: somebody waits for a share that is not there. */
  constructor(needed: () => void) {
    this.#needed = needed
  }

  /** What is allowed from now on; null: anything. */
  limit(allowance: Allowance | null): void {
    if (allowance !== this.#allowance) {
      this.#settle()
      this.#allowance = allowance
    }
    this.limited = allowance !== null
    this.look()
  }

  /**
   * Whether a request may begin now; then its purse holds what it may move at first, and must be closed in the end. `paid`: bytes that go
   * at once with it.
   */
  enter(direction: Direction, paid: number): Purse | null {
    const allowance = this.#allowance
    if (allowance === null) return new Purse(this, null, null)
    const shut = this.#shut(allowance, direction)
    if (shut !== null) {
      this.#hold(shut)
      return null
    }
    if (!allowance.enter(direction === 'read')) {
      this.#hold('concurrency')
      return null
    }
    allowance.count(paid)
    if (direction !== 'other') this.#bodies[direction]++
    const first = direction === 'read' ? this.#first : 0
    allowance.take(paid + first)
    return new Purse(this, allowance, direction, first, paid)
  }

  /** To be told, once, when `enter` is worth another try. */
  wait(door: () => void): void {
    this.#doors.add(door)
    this.#arm()
  }

  forget(door: () => void): void {
    this.#doors.delete(door)
  }

  /** As `enter`, when it may. */
  entered(direction: Direction, paid: number, signal: AbortSignal): Promise<Purse> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.forget(attempt)
        reject(interrupted('wait for the endpoint’s limit'))
      }
      const attempt = () => {
        const found = this.enter(direction, paid)
        if (found === null) return this.wait(attempt)
        signal.removeEventListener('abort', leave)
        resolve(found)
      }
      if (signal.aborted) return leave()
      signal.addEventListener('abort', leave, { once: true })
      attempt()
    })
  }

  /** Of a request that began while there was no limit. */
  purse(): Purse {
    return new Purse(this, this.#allowance, null)
  }

  /** Bytes that a body takes at a time. */
  get portion(): number {
    const bandwidth = this.#allowance?.bandwidth ?? Number.POSITIVE_INFINITY
    return Math.min(purse.most, Math.max(purse.least, Math.floor(bandwidth / purse.aSecond)))
  }

  /** For purses: whether there is anything for them at once. */
  fill(one: Purse): boolean {
    const allowance = this.#allowance
    if (allowance === null) {
      one.forgive()
      return true
    }
    if (this.#purses.size > 0 || allowance.bytesWait !== 0) {
      this.#purses.add(one)
      this.#hold('bandwidth')
      this.#arm()
      return false
    }
    one.put(allowance, this.portion)
    return true
  }

  count(bytes: number): void {
    this.#allowance?.count(bytes)
  }

  drop(one: Purse): void {
    this.#purses.delete(one)
  }

  /** A body has ended, after so many bytes. */
  ended(direction: Direction, bytes: number): void {
    if (direction === 'other') return
    this.#bodies[direction]--
    const usual = this.#usual[direction] ?? bytes
    this.#usual[direction] = usual + (bytes - usual) / 16
  }

  /** Whether anybody's turn has come. To be called when the allowance has changed, or a place is free. */
  look(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    this.#settle()
    const allowance = this.#allowance
    for (const one of this.#purses) {
      if (allowance !== null && allowance.bytesWait !== 0) break
      this.#purses.delete(one)
      if (allowance !== null) one.put(allowance, this.portion)
      else one.forgive()
      one.resume()
    }
    if (this.#purses.size > 0) this.#hold('bandwidth')
    const doors = [...this.#doors]
    this.#doors.clear()
    for (const door of doors) door()
    if (this.#purses.size + this.#doors.size > 0) this.#arm()
  }

  #shut(allowance: Allowance, direction: Direction): Kind | null {
    if (!allowance.isValid) {
      this.#needed()
      // Whatever it is that it will be short of.
      this.#hold('requests')
      this.#hold('concurrency')
      return 'bandwidth'
    }
    if (allowance.requestsWait !== 0) return 'requests'
    if (direction === 'other') return null
    const now = performance.now()
    if (this.#purses.size > 0 || allowance.bytesWait !== 0) {
      this.#shortAt = now
      return 'bandwidth'
    }
    if (this.#bodies[direction] < this.#most(allowance, direction)) return null
    if (now - this.#shortAt < crowd.unshort || now - this.#steppedAt < crowd.step) return 'bandwidth'
    this.#steppedAt = now
    return null
  }

  get #first(): number {
    const usual = this.#usual.read
    return usual !== null && usual <= comesWhole ? Math.floor(usual) : this.portion
  }

  #most({ bandwidth }: Allowance, direction: 'read' | 'write'): number {
    if (bandwidth === Number.POSITIVE_INFINITY) return bandwidth
    const usual = this.#usual[direction]
    if (usual === null) return crowd.least
    return Math.max(crowd.least, (crowd.seconds * bandwidth) / Math.min(Math.max(usual, 1), crowd.large))
  }

  #hold(kind: Kind): void {
    this.#since[kind] ??= this.heldAt = performance.now()
  }

  /** Tells how long what was held. */
  #settle(): void {
    for (const kind of Object.keys(this.#since) as Kind[]) {
      const since = this.#since[kind]
      if (since === null) continue
      this.heldAt = performance.now()
      this.#allowance?.held(kind, (this.heldAt - since) * 1e6)
      this.#since[kind] = null
    }
  }

  #arm(): void {
    if (this.#timer) return
    const allowance = this.#allowance
    if (allowance !== null && !allowance.isValid) this.#needed()
    const waits = [
      this.#purses.size > 0 || this.#since.bandwidth !== null ? allowance?.bytesWait : null,
      this.#since.requests !== null ? allowance?.requestsWait : null,
    ].filter((wait) => wait !== null && wait !== undefined && wait > 0) as number[]
    const ms = Math.ceil(Math.min(lookEvery * 1e6, ...waits) / 1e6)
    this.#timer = setTimeout(() => this.look(), ms)
  }
}
