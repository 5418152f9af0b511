/** What a body may move before it must ask again (throttle.ts). */
import type { Allowance } from './allowance.ts'
import { interrupted } from './interrupt.ts'
import type { Direction, Throttle } from './throttle.ts'

export class Purse {
  readonly #throttle: Throttle
  /** That it has entered; null where it was never asked. */
  readonly #entered: Allowance | null
  readonly #direction: Direction | null
  #from: Allowance | null
  #left: number
  #passed: number
  #go: (() => void) | null = null
  /** Ends a wait that nobody needs any more. */
  #over: (() => void) | null = null
  #isClosed = false

  constructor(
    throttle: Throttle,
    allowance: Allowance | null,
    direction: Direction | null,
    first = 0,
    paid = 0,
  ) {
    this.#throttle = throttle
    this.#entered = direction === null ? null : allowance
    this.#from = allowance
    this.#direction = direction
    this.#left = first
    this.#passed = paid
  }

  /** Bytes have passed. False: no more should before `go` is called. */
  pass(bytes: number, go: () => void): boolean {
    this.#throttle.count(bytes)
    this.#passed += bytes
    if (this.#isClosed) return true
    this.#left -= bytes
    if (this.#go !== null) {
      this.#go = go
      return false
    }
    if (this.#left > 0) return true
    if (this.#throttle.fill(this)) return true
    this.#go = go
    return false
  }

  /** As `pass`, for those who can wait. */
  async passed(bytes: number, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const stop = () => {
        this.#throttle.drop(this)
        this.#go = null
        reject(interrupted('wait for the endpoint’s limit'))
      }
      if (signal.aborted) return stop()
      const go = () => {
        this.#over = null
        signal.removeEventListener('abort', stop)
        resolve()
      }
      this.#over = go
      signal.addEventListener('abort', stop, { once: true })
      if (this.pass(bytes, go)) go()
    })
  }

  /** For the throttle: what is owed is paid, and so many bytes are there again. */
  put(allowance: Allowance, bytes: number): void {
    this.#from = allowance
    allowance.take(bytes - Math.min(this.#left, 0))
    this.#left = Math.max(this.#left, 0) + bytes
  }

  /** There is no limit any more. */
  forgive(): void {
    this.#from = null
    this.#left = 0
  }

  resume(): void {
    const go = this.#go
    this.#go = null
    go?.()
  }

  /** Gives back what is left; takes no part any more. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#go = null
    this.#over?.()
    this.#throttle.drop(this)
    if (this.#left !== 0) this.#from?.take(-this.#left)
    if (this.#entered === null || this.#direction === null) return
    this.#throttle.ended(this.#direction, this.#passed)
    this.#entered.leave(this.#direction === 'read')
    this.#throttle.look()
  }
}
