/** The one alarm of an object. To set it costs a row, so it moves only when it must (core/schedule.ts). */
import { moveAlarm } from './core/schedule.ts'

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
    const at = moveAlarm(this.#at, wanted)
    if (at === null) return
    this.#at = at
    void this.#storage.setAlarm(at)
  }

  /** It has gone off. */
  fired(): void {
    this.#at = null
  }
}
