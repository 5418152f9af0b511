/** How long a wire waits for what. Milliseconds; everything is looked at `tickMs` apart, so that no bound costs a timer a request. */
export interface Bounds {
  /** For a connection: name, TCP and TLS together. */
  readonly connectMs: number
  /** Longest silence within an answer's body, and longest time in which nothing of a request leaves. */
  readonly idleMs: number
  /** The least that must come of an answer's body, or go of a request's, in so much time; less is a stall that is told drop by drop. */
  readonly floor: { readonly bytes: number; readonly ms: number }
  /** For the rest of an answer that refuses, where it is wanted whole: a server that refuses may be in no state to finish it. */
  readonly refusalMs: number
  /** Connections that nobody has used for so long are closed: sooner than servers do, the quickest of which take 5 s. */
  readonly spareMs: number
}

export const usualBounds: Bounds = {
  connectMs: 10_000,
  idleMs: 60_000,
  floor: { bytes: 32 * 1024, ms: 60_000 },
  refusalMs: 2_000,
  spareMs: 4_000,
}

export function tickMs({ idleMs, floor, refusalMs, spareMs }: Bounds): number {
  return Math.min(Math.max(Math.floor(Math.min(idleMs, floor.ms, refusalMs, spareMs) / 4), 5), 1000)
}

/**
 * Time in which we could have heard the other side. A process that was stopped, or a machine that slept, finds everything
 * silent for as long; what it missed is no fault of anybody's.
 */
export class Clock {
  readonly #tickMs: number
  #ticked = 0
  #missed = 0

  constructor(tickMs: number) {
    this.#tickMs = tickMs
  }

  now(): number {
    return performance.now() - this.#missed
  }

  /** To be called every `tickMs`; `first` after a time without. */
  tick(first: boolean): void {
    const now = performance.now()
    const late = now - this.#ticked - 2 * this.#tickMs
    if (!first && late > 0) this.#missed += late + this.#tickMs
    this.#ticked = now
  }
}

/** Whether the other side gives us enough. Time in which we do not listen does not count: `restart` at its end. */
export class Progress {
  #bytes = 0
  #changed = 0
  #windowBytes = 0
  #windowBegan = 0

  restart(now: number, bytes: number): void {
    this.#bytes = this.#windowBytes = bytes
    this.#changed = this.#windowBegan = now
  }

  /** `bytes`: all that have come so far. `floor` null where any byte will do. */
  hasStalled(now: number, bytes: number, idleMs: number, floor: Bounds['floor'] | null): boolean {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes
      this.#changed = now
    }
    if (now - this.#changed >= idleMs) return true
    if (floor === null || now - this.#windowBegan < floor.ms) return false
    const moved = bytes - this.#windowBytes
    this.#windowBytes = bytes
    this.#windowBegan = now
    return moved < floor.bytes
  }
}
