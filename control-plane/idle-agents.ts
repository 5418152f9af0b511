/** What others are asked so that idle agents get something to do: a survey to give a part of its range away, a straggler to end where it stands. */
import type { PlaneMessage } from '../shared/protocol.ts'
import { pleaseSplit, type RunningSurvey, type Slots } from './core/dispatch.ts'
import type { Holders, Session } from './holders.ts'
import { Stragglers } from './stragglers.ts'

export class IdleAgents {
  readonly #holders: Holders
  readonly #send: (session: Session, message: PlaneMessage) => void
  readonly stragglers = new Stragglers()

  constructor(holders: Holders, send: (session: Session, message: PlaneMessage) => void) {
    this.#holders = holders
    this.#send = send
  }

  /** To be called where nothing is ready. Returns when to look again, if somebody may be late by then. */
  help(slots: readonly Slots[], now: number): number | null {
    const idle = slots.reduce((sum, { free }) => sum + free, 0)
    if (idle === 0) return null
    const times = [this.#askToSplit(idle, now), this.#askToYield(slots, now)].filter((at) => at !== null)
    return times.length === 0 ? null : Math.min(...times)
  }

  #askToSplit(idle: number, now: number): number | null {
    const running: RunningSurvey[] = []
    for (const [packet, times] of this.#holders.surveys) {
      if (this.#holders.holderOf(packet)?.connected) running.push({ packet, ...times })
    }
    const { ask, again } = pleaseSplit(running, idle, now)
    for (const { packet, parts } of ask) {
      this.#holders.surveys.get(packet)!.asked = now
      this.#send(this.#holders.holderOf(packet)!, { t: 'please-split', packet, parts })
    }
    return again
  }

  #askToYield(slots: readonly Slots[], now: number): number | null {
    const leased = [...this.#holders.leased()]
    const heard = leased.filter(({ id }) => this.#holders.holderOf(id)?.connected)
    const { ask, again } = this.stragglers.ask(heard, slots, now)
    for (const { packet } of ask) {
      this.#send(this.#holders.holderOf(packet)!, { t: 'please-yield', packet })
    }
    return again
  }
}
