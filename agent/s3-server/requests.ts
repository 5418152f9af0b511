/** Counts requests by operation, so that a test can prove what was not asked. Refused requests count too. */
import type { Operation } from './operation.ts'

export class Requests {
  readonly #counts = new Map<Operation, number>()
  #inFlight = 0
  #peak = 0

  count(operation: Operation): number {
    return this.#counts.get(operation) ?? 0
  }

  get total(): number {
    let total = 0
    for (const count of this.#counts.values()) total += count
    return total
  }

  /** The most requests that were under way at once. */
  get peak(): number {
    return this.#peak
  }

  byOperation(): Partial<Record<Operation, number>> {
    return Object.fromEntries(this.#counts)
  }

  reset(): void {
    this.#counts.clear()
    this.#peak = this.#inFlight
  }

  /** Returns how many there have been of this operation. */
  begin(operation: Operation): number {
    const count = this.count(operation) + 1
    this.#counts.set(operation, count)
    this.#peak = Math.max(this.#peak, ++this.#inFlight)
    return count
  }

  end(): void {
    this.#inFlight--
  }
}
