/** One write to a key at a time, in the order in which they came. Whoever needs several keys gets them in their order, so that nobody waits for ever. */
import type { Key } from '../../shared/key.ts'

/** Past so many that wait for one key, others are told to come again. */
const mostWaiting = 1_000

export class Crowded extends Error {}

interface Held {
  readonly waiting: (() => void)[]
  /** Told, once, when somebody else wants it. */
  wanted: (() => void) | null
}

export class KeyLocks {
  readonly #held = new Map<string, Held>()

  /**
   * Gives what lets them go again. Rejects with `Crowded`, holding nothing. `wanted`: for who would make room for others, told when somebody waits for
   * one of them.
   */
  async take(keys: readonly (Key | string)[], wanted: (() => void) | null = null): Promise<() => void> {
    const sorted = [...new Set<string>(keys)].sort((a, b) => (a < b ? -1 : 1))
    const taken: string[] = []
    const release = () => {
      for (const key of taken.splice(0)) this.#release(key)
    }
    try {
      for (const key of sorted) {
        await this.#take(key)
        taken.push(key)
        const held = this.#held.get(key)!
        held.wanted = wanted
        if (held.waiting.length > 0) wanted?.()
      }
    } catch (error) {
      release()
      throw error
    }
    return release
  }

  #take(key: string): Promise<void> | undefined {
    const held = this.#held.get(key)
    if (!held) {
      this.#held.set(key, { waiting: [], wanted: null })
      return
    }
    if (held.waiting.length >= mostWaiting) return Promise.reject(new Crowded())
    held.wanted?.()
    return new Promise((resolve) => held.waiting.push(resolve))
  }

  #release(key: string): void {
    const held = this.#held.get(key)!
    held.wanted = null
    const next = held.waiting.shift()
    if (next) next()
    else this.#held.delete(key)
  }
}
