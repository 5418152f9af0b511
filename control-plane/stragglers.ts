/**
 * What is remembered of packets that were asked to yield: when, how often, and for whom. In memory only: whoever forgets it asks
 * once more than was meant.
 */
import { type Ask, pleaseYield, type Worker } from './core/straggler.ts'
import type { Leased } from './holders.ts'

interface Asked {
  /** Ms since the epoch; 0: not itself, but what it is the rest of. */
  readonly at: number
  readonly times: number
  readonly to: number
}

export class Stragglers {
  readonly #asked = new Map<number, Asked>()

  ask(
    leased: Iterable<Leased>,
    workers: readonly Worker[],
    now: number,
  ): { ask: Ask[]; again: number | null } {
    const running = [...leased].filter(mayYield).map(({ id, session, work, since }) => {
      const { at = 0, times = 0 } = this.#asked.get(id) ?? {}
      return { packet: id, session, work, since, asked: at, times }
    })
    const { ask, again } = pleaseYield(running, workers, now)
    for (const { packet, to } of ask) {
      this.#asked.set(packet, { at: now, times: (this.#asked.get(packet)?.times ?? 0) + 1, to })
    }
    return { ask, again }
  }

  /** The session that its rest is meant for, or null where it was not asked. */
  heirOf(packet: number): number | null {
    return this.#asked.get(packet)?.to ?? null
  }

  /** `packet` is done; `rest`: what it left became that packet, if it left something. */
  settle(packet: number, rest: number | null): void {
    const asked = this.#asked.get(packet)
    this.#asked.delete(packet)
    if (asked && rest !== null) this.#asked.set(rest, { ...asked, at: 0 })
  }
}

/** Not a survey, which is asked to split; nor what is one object: it has no rest. */
const mayYield = ({ kind, upload }: Leased): boolean =>
  (kind === 'copy' || kind === 'verify') && upload === null
