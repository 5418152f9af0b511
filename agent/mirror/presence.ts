/**
 * Whether a side is there, so that an application does not wait for one that is not: not with each of its requests.
 *
 *   here    asked; so many misses in a row, and it is away
 *   away    not asked, until a while has passed; then one request is its trial
 *   trial   one request asks; how it fares decides between the two
 */
const misses = 3

export class Presence {
  readonly #awayMs: number
  readonly #now: () => number
  #missed = 0
  #until = 0
  #onTrial = false

  /** `awayMs`: between two trials. */
  constructor(awayMs: number, now: () => number = () => performance.now()) {
    this.#awayMs = awayMs
    this.#now = now
  }

  get isAway(): boolean {
    return this.#missed >= misses
  }

  /** Whether `mayBeAsked` would say so. */
  get isReady(): boolean {
    return !this.isAway || !(this.#onTrial || this.#now() < this.#until)
  }

  /** Whether it is to be asked now. Whoever asks says `met`, `missed` or `leftOpen`. */
  mayBeAsked(): boolean {
    if (!this.isReady) return false
    this.#onTrial = this.isAway
    return true
  }

  met(): void {
    this.#missed = 0
    this.#onTrial = false
  }

  /** It was asked, and nothing can be told of how it fares. */
  leftOpen(): void {
    this.#onTrial = false
  }

  missed(): void {
    this.#missed++
    this.#onTrial = false
    this.#until = this.#now() + this.#awayMs
  }
}
