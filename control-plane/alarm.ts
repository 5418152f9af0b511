/** The one alarm of an object. To set it costs a row, so it moves only when it must (core/schedule.ts). */
import { moveAlarm } from './core/schedule.ts'

/** Milliseconds. */
const farthest = 30 * 86_400_000

export class Alarm {
  readonly #storage: DurableObjectStorage
  #at: number | null = null

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage
  }

  /** To be awaited before anything else. */
  async wake(): Promise<void> {
    this.#at = await this.#storage.getAlarm()
  }

  /** It goes off at `wanted` (ms since the epoch) or before; null: nothing more is wanted of it. */
  arm(wanted: number | null): void {
    // One that is too early finds nothing, and what can be set ends somewhere.
    const at = moveAlarm(this.#at, wanted && Math.min(wanted, Date.now() + farthest))
    if (at === null) return
    this.#at = at
    void this.#storage.setAlarm(at)
  }

  /** It has gone off. */
  fired(): void {
    this.#at = null
  }
}
