/**
 * The ready packets of a running pass, in memory: ids only, in the order of ids, so that work goes roughly in the order
 * of keys and what came back goes first. Surveys stand apart, and so do events; work waits with the session that remembers its listing;
 * what failed waits for its time. What is taken is gone from here: whoever takes it leases it.
 */
import type { PacketKind } from '../../shared/protocol.ts'
import { Heap } from './heap.ts'

export interface Ready {
  readonly id: number
  readonly kind: PacketKind
  readonly prefer: number | null
  readonly notBefore: number
}

const byNumber = (a: number, b: number) => a - b
const anybody = 0

export class ReadyQueue {
  readonly #surveys = new Heap<number>(byNumber)
  readonly #work = new Map<number, Heap<number>>()
  readonly #waiting = new Heap<Ready>((a, b) => a.notBefore - b.notBefore)
  /** In the order in which they came; they are few, and may be taken out again. */
  readonly #events = new Set<number>()
  #workSize = 0
  #waitingSurveys = 0

  get surveys(): number {
    return this.#surveys.size
  }

  /** Whether one is ready, or waits for its time. */
  get anySurvey(): boolean {
    return this.#surveys.size > 0 || this.#waitingSurveys > 0
  }

  /** Event packets that can be leased now. */
  get events(): number {
    return this.#events.size
  }

  /** Copy and verify packets that can be leased now. */
  get work(): number {
    return this.#workSize
  }

  /** When the next of those that wait may be tried; null where none does. */
  get nextDue(): number | null {
    return this.#waiting.peek()?.notBefore ?? null
  }

  add(packet: Ready, now: number): void {
    if (packet.notBefore > now) {
      this.#waiting.push(packet)
      if (packet.kind === 'survey') this.#waitingSurveys++
    } else if (packet.kind === 'survey') {
      this.#surveys.push(packet.id)
    } else if (packet.kind === 'event') {
      this.#events.add(packet.id)
    } else {
      const whose = packet.prefer ?? anybody
      const heap = this.#work.get(whose) ?? new Heap<number>(byNumber)
      this.#work.set(whose, heap)
      heap.push(packet.id)
      this.#workSize++
    }
  }

  /** Lets those go whose time has come. */
  wake(now: number): void {
    for (let next = this.#waiting.peek(); next && next.notBefore <= now; next = this.#waiting.peek()) {
      this.#waiting.pop()
      if (next.kind === 'survey') this.#waitingSurveys--
      this.add(next, now)
    }
  }

  /** The one that has been ready for longest. */
  takeEvent(): number | null {
    for (const id of this.#events) {
      this.#events.delete(id)
      return id
    }
    return null
  }

  /** An event packet is not to be leased any more. */
  drop(id: number): void {
    this.#events.delete(id)
  }

  takeSurvey(): number | null {
    return this.#surveys.pop() ?? null
  }

  /** What `session` surveyed, else what nobody did, else what somebody did who cannot take it (`busy`). */
  takeWork(session: number, busy: (session: number) => boolean): number | null {
    const own = this.#take(session) ?? this.#take(anybody)
    if (own !== null || this.#workSize === 0) return own
    for (const whose of this.#work.keys()) {
      if (!busy(whose)) continue
      const id = this.#take(whose)
      if (id !== null) return id
    }
    return null
  }

  #take(whose: number): number | null {
    const heap = this.#work.get(whose)
    const id = heap?.pop() ?? null
    if (heap?.size === 0) this.#work.delete(whose)
    if (id !== null) this.#workSize--
    return id
  }
}
