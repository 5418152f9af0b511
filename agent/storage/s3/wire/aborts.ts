/**
 * Which exchanges a signal ends. Many of them share one signal, and a listener for each costs more than the rest of a
 * small request's bookkeeping; so each signal gets one, which is taken off again some time after its last exchange.
 */
import type { Exchange } from './exchange.ts'

export interface Listening {
  /**
   * Each at its `place`. No set: the tables that a set leaves behind as it comes and goes hold their last content and the next
   * table, so that what passes through it outlives every collection of young objects.
   */
  readonly exchanges: Exchange[]
  readonly listener: () => void
}

export class Aborts {
  readonly #signals = new Map<AbortSignal, Listening>()

  add(exchange: Exchange): void {
    const { signal } = exchange.request
    let listening = this.#signals.get(signal)
    if (!listening) {
      const exchanges: Exchange[] = []
      const listener = () => {
        this.#signals.delete(signal)
        for (const each of exchanges.splice(0)) each.abort()
      }
      signal.addEventListener('abort', listener, { once: true })
      listening = { exchanges, listener }
      this.#signals.set(signal, listening)
    }
    exchange.listening = listening
    exchange.place = listening.exchanges.push(exchange) - 1
  }

  delete(exchange: Exchange): void {
    const exchanges = exchange.listening?.exchanges
    if (exchanges === undefined || exchanges[exchange.place] !== exchange) return
    const last = exchanges.pop()!
    if (last === exchange) return
    exchanges[exchange.place] = last
    last.place = exchange.place
  }

  /** Lets go of signals that end nothing any more. To be called now and then, and at the end. */
  sweep(): void {
    for (const [signal, { exchanges, listener }] of this.#signals) {
      if (exchanges.length > 0) continue
      signal.removeEventListener('abort', listener)
      this.#signals.delete(signal)
    }
  }
}
