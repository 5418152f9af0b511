/**
 * Which exchanges a signal ends. Many of them share one signal, and a listener for each costs more than the rest of a
 * small request's bookkeeping; so each signal gets one, which is taken off again some time after its last exchange.
 */
import type { Exchange } from './exchange.ts'

interface Listening {
  readonly exchanges: Set<Exchange>
  readonly listener: () => void
}

export class Aborts {
  readonly #signals = new Map<AbortSignal, Listening>()

  add(exchange: Exchange): void {
    const { signal } = exchange.request
    let listening = this.#signals.get(signal)
    if (!listening) {
      const exchanges = new Set<Exchange>()
      const listener = () => {
        this.#signals.delete(signal)
        for (const each of exchanges) each.abort()
      }
      signal.addEventListener('abort', listener, { once: true })
      listening = { exchanges, listener }
      this.#signals.set(signal, listening)
    }
    listening.exchanges.add(exchange)
  }

  delete(exchange: Exchange): void {
    this.#signals.get(exchange.request.signal)?.exchanges.delete(exchange)
  }

  /** Lets go of signals that end nothing any more. To be called now and then, and at the end. */
  sweep(): void {
    for (const [signal, { exchanges, listener }] of this.#signals) {
      if (exchanges.size > 0) continue
      signal.removeEventListener('abort', listener)
      this.#signals.delete(signal)
    }
  }
}
