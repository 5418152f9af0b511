/** How many requests are at work at once; others wait in their order, and past a bound are told to come again. */
import { Crowded } from './key-locks.ts'

export class Slots {
  readonly #most: number
  readonly #waiting: (() => void)[] = []
  #used = 0

  constructor(most: number) {
    this.#most = most
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** Gives what lets it go. */
  async take(): Promise<() => void> {
    if (this.#used >= this.#most) {
      if (this.#waiting.length >= 8 * this.#most) throw new Crowded()
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    } else this.#used++
    let over = false
    return () => {
      if (over) return
      over = true
      const next = this.#waiting.shift()
      if (next) next()
      else this.#used--
    }
  }
}
