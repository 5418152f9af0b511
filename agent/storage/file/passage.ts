/** One file on its way under the limit of its site's directories, which may be set or taken away meanwhile. */
import type { Purse } from '../purse.ts'
import type { Throttle } from '../throttle.ts'

export class Passage {
  readonly #throttle: Throttle
  readonly #signal: AbortSignal
  #purse: Purse | null

  private constructor(throttle: Throttle, signal: AbortSignal, purse: Purse | null) {
    this.#throttle = throttle
    this.#signal = signal
    this.#purse = purse
  }

  /** When it may begin; it must be closed in the end. Throws `interrupted`. */
  static async begin(throttle: Throttle, direction: 'read' | 'write', signal: AbortSignal): Promise<Passage> {
    const purse = throttle.limited ? await throttle.entered(direction, 0, signal) : null
    return new Passage(throttle, signal, purse)
  }

  /** Of `most` bytes, as many as should pass at once. */
  portion(most: number): number {
    return this.#throttle.limited ? Math.min(most, this.#throttle.portion) : most
  }

  get isFree(): boolean {
    return !this.#throttle.limited
  }

  /** So many bytes pass: now, or when they may. */
  async pass(bytes: number): Promise<void> {
    if (this.isFree) return
    this.#purse ??= this.#throttle.purse()
    await this.#purse.passed(bytes, this.#signal)
  }

  close(): void {
    this.#purse?.close()
  }
}

/** An operation without a body, when it may begin. */
export async function inTurn<T>(throttle: Throttle, signal: AbortSignal, act: () => Promise<T>): Promise<T> {
  if (!throttle.limited) return act()
  const purse = await throttle.entered('other', 0, signal)
  try {
    return await act()
  } finally {
    purse.close()
  }
}

/** Each page of a listing is one. */
export async function* pagesInTurn<T>(
  throttle: Throttle,
  signal: AbortSignal,
  pages: AsyncIterable<T>,
): AsyncGenerator<T> {
  for await (const page of pages) {
    await inTurn(throttle, signal, async () => {})
    yield page
  }
}
