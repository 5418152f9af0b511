/**
 * Group commit. A transaction costs a flush to disk, so messages that arrive together share one; waiting for others
 * costs a turn of the event loop, which a lone client would feel. So every message is applied at once until a probe
 * (one message in `probeEvery` waits) finds company, and all of them wait until `patience` in a row have found none.
 *
 * Measured on two cores, 50 connections with 16 packets each: 2,000 leases/s one by one, 11,000 in batches; a lone client
 * with one packet at a time loses a tenth in a loop that does nothing else.
 */
const probeEvery = 64
const patience = 8

export class Batches<T> {
  readonly #apply: (items: T[]) => void
  readonly #later: (run: () => void) => void
  #waiting: T[] = []
  #patience = 0
  #sinceProbe = 0

  /** `later` runs after what has arrived already was added. */
  constructor(apply: (items: T[]) => void, later: (run: () => void) => void) {
    this.#apply = apply
    this.#later = later
  }

  /** In the order of calls. */
  add(item: T): void {
    if (this.#waiting.length > 0) {
      this.#waiting.push(item)
      return
    }
    if (this.#patience === 0 && ++this.#sinceProbe < probeEvery) {
      this.#apply([item])
      return
    }
    this.#waiting.push(item)
    this.#later(() => this.flush())
  }

  /** Applies what waits; to be called before anything else that must come after it. */
  flush(): void {
    const items = this.#waiting
    if (items.length === 0) return
    this.#waiting = []
    this.#sinceProbe = 0
    this.#patience = items.length > 1 ? patience : Math.max(0, this.#patience - 1)
    this.#apply(items)
  }
}
