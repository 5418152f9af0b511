/** One write to a key at a time, in the order in which they came. Whoever needs several keys gets them in their order, so that nobody waits for ever. */
import type { Key } from '../../shared/key.ts'

/** Past so many that wait for one key, others are told to come again. */
const mostWaiting = 1_000

export class Crowded extends Error {}

export class KeyLocks {
  /** By key that somebody has: those that wait for it. */
  readonly #waiting = new Map<string, (() => void)[]>()

  get held(): number {
    return this.#waiting.size
  }

  /** Gives what lets them go again. Rejects with `Crowded`, holding nothing. */
  async take(keys: readonly (Key | string)[]): Promise<() => void> {
    const sorted = [...new Set<string>(keys)].sort((a, b) => (a < b ? -1 : 1))
    const taken: string[] = []
    const release = () => {
      for (const key of taken.splice(0)) this.#release(key)
    }
    try {
      for (const key of sorted) {
        await this.#take(key)
        taken.push(key)
      }
    } catch (error) {
      release()
      throw error
    }
    return release
  }

  #take(key: string): Promise<void> | undefined {
    const queue = this.#waiting.get(key)
    if (!queue) {
      this.#waiting.set(key, [])
      return
    }
    if (queue.length >= mostWaiting) return Promise.reject(new Crowded())
    return new Promise((resolve) => queue.push(resolve))
  }

  #release(key: string): void {
    const next = this.#waiting.get(key)?.shift()
    if (next) next()
    else this.#waiting.delete(key)
  }
}
