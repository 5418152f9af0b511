import type { Allowance } from './allowance.ts'
import { Throttle } from './throttle.ts'

/** The throttles of a thread, by endpoint. */
export class Throttles {
  readonly #all = new Map<string, Throttle>()
  readonly #allowances = new Map<string, Allowance>()
  readonly #needed: (endpoint: string) => void
  readonly #used: (endpoint: string) => void

  /** `used`: an endpoint is, for the first time. `needed`: somebody waits for a share of it. */
  constructor(options: { needed?: (endpoint: string) => void; used?: (endpoint: string) => void } = {}) {
    this.#needed = options.needed ?? (() => {})
    this.#used = options.used ?? (() => {})
  }

  of(endpoint: string): Throttle {
    let throttle = this.#all.get(endpoint)
    if (!throttle) {
      throttle = new Throttle(() => this.#needed(endpoint))
      this.#all.set(endpoint, throttle)
      this.#used(endpoint)
      throttle.limit(this.#allowances.get(endpoint) ?? null)
    }
    return throttle
  }

  knows(endpoint: string): boolean {
    return this.#allowances.has(endpoint)
  }

  /** Also of one that nobody has used yet. */
  limit(endpoint: string, allowance: Allowance | null): void {
    if (allowance) this.#allowances.set(endpoint, allowance)
    else this.#allowances.delete(endpoint)
    this.#all.get(endpoint)?.limit(allowance)
  }
}
