/**
 * The event packets of a running pass. What is told of becomes one, unless one that waits holds the key already; one that is at work gets another
 * behind it, since nobody knows what it has seen. Too many that wait are coalesced. Rows of those that are done are used again.
 *
 * No two agents work on one key: an event waits for what is leased of its range, be it another event or a packet of the tiling.
 *
 * Like all of a running pass (live-pass.ts), what changes something here runs inside a transaction.
 */
import type { Range } from '../shared/range.ts'
import type { Told } from './change-table.ts'
import { coalesce, spanOf } from './core/coalesce.ts'
import { eventWork } from './core/event-steps.ts'
import { newPacket, type Packet } from './core/packet.ts'
import type { ReadyQueue } from './core/queue.ts'
import { holds, mostWaiting, type Waiting, WaitingRanges } from './core/waiting-ranges.ts'
import type { Holders } from './holders.ts'
import type { Ledger } from './ledger.ts'

interface Around {
  readonly queue: ReadyQueue
  readonly ledger: Ledger
  readonly holders: Holders
}

export class Changes {
  readonly #around: Around
  readonly #waiting = new WaitingRanges()
  /** When the oldest change of each that is leased was. */
  readonly #leased = new Map<number, number>()
  /** Of those that wait: by the lease that they wait for. */
  readonly #behind = new Map<number, Set<number>>()
  /** Done: rows to be used again. */
  readonly #free: number[] = []

  constructor(around: Around) {
    this.#around = around
  }

  /** One that was stored, where the object wakes. */
  woke(packet: Packet): void {
    const { id, after, through, told = 0 } = packet
    if (packet.state === 'ready') this.#waiting.put({ id, after, through, told })
    else if (packet.state === 'leased') this.#leased.set(id, told)
    else this.#free.push(id)
  }

  /** So many wait, or are at work. */
  get size(): number {
    return this.#waiting.size + this.#leased.size
  }

  /** Whether one is at work. */
  get areLeased(): boolean {
    return this.#leased.size > 0
  }

  /** When the oldest change was that waits or is at work (ms); null: there is none. */
  get oldest(): number | null {
    const all = [this.#waiting.oldest ?? Number.POSITIVE_INFINITY, ...this.#leased.values()]
    const least = all.reduce((a, b) => Math.min(a, b))
    return Number.isFinite(least) ? least : null
  }

  /** Those that wait are packets of this pass no longer; their rows are nobody's. */
  withdraw(): Told[] {
    const all = [...this.#waiting]
    for (const { id } of all) this.#around.queue.drop(id)
    this.#waiting.clear()
    this.#behind.clear()
    return all
  }

  *atWork(): Generator<Told> {
    for (const [id, told] of this.#leased) {
      const { after, through } = this.#around.ledger.packet(id)!
      yield { after, through, told }
    }
  }

  add(changes: Iterable<Told>, now: number): void {
    for (const change of changes) this.#add(change, now)
    if (this.#waiting.size > mostWaiting) this.#coalesce(now)
  }

  #add({ after, through, told }: Told, now: number): void {
    const range = { after, through }
    const around = this.#waiting.overlapping(range)
    const [first] = around
    if (!first) this.#insert(range, told, now)
    else if (around.length === 1 && holds(first, range)) {
      // Its row keeps the time that it has: whoever wakes believes the change to be a little younger.
      if (told < first.told) this.#waiting.put({ ...first, told })
    } else this.#join([...around, { id: first.id, after, through, told }].sort(byStart), now)
  }

  #insert(range: Range, told: number, now: number): void {
    const { ledger } = this.#around
    const id = this.#free.pop()
    if (id === undefined) ledger.insert([{ ...newPacket('event', range, eventWork(range)), told }], now)
    else ledger.apply(ledger.packet(id)!, { t: 'tell', range, told }, now)
  }

  #coalesce(now: number): void {
    for (const group of coalesce([...this.#waiting], mostWaiting / 2)) {
      if (group.length > 1) this.#join(group, now)
    }
  }

  /** One of them, the first by its name, stands for all. In the order of their starts. */
  #join(group: readonly Waiting[], now: number): void {
    const { ledger } = this.#around
    const told = Math.min(...group.map((each) => each.told))
    const range = { after: group[0]!.after, through: spanOf(group.toSorted(byEnd)).through }
    const ids = new Set(group.map(({ id }) => id))
    const [heir] = ids
    for (const id of ids) if (id !== heir) ledger.apply(ledger.packet(id)!, { t: 'fold' }, now)
    ledger.apply(ledger.packet(heir!)!, { t: 'tell', range, told }, now)
  }

  /** A packet of the pass is new, or has changed. */
  became(before: Packet | null, after: Packet, now: number): void {
    if (before?.state === 'leased' && after.state !== 'leased') this.#release(before.id, now)
    if (after.kind !== 'event') return
    const { id, told = 0 } = after
    if (before?.state === 'ready') this.#waiting.remove(before)
    this.#leased.delete(id)
    if (after.state === 'leased') this.#leased.set(id, told)
    else if (after.state === 'ready') this.#wait(after, now)
    else {
      this.#around.queue.drop(id)
      this.#free.push(id)
    }
  }

  /** While it was at work others may have come to wait for the same keys. */
  #wait({ id, after, through, told = 0 }: Packet, now: number): void {
    const around = this.#waiting.overlapping({ after, through })
    if (around.length === 0) this.#waiting.put({ id, after, through, told })
    else this.#join([...around, { id, after, through, told }].sort(byStart), now)
  }

  /** Whether it has to wait for a lease on some of its keys; then it is in the queue again when that is over. */
  waitsFor(packet: Packet): boolean {
    for (const lease of this.#around.holders.leased()) {
      if (lease.kind === 'survey' || lease.kind === 'verify' || !meets(lease, packet)) continue
      const behind = this.#behind.get(lease.id) ?? new Set()
      this.#behind.set(lease.id, behind.add(packet.id))
      return true
    }
    return false
  }

  #release(lease: number, now: number): void {
    const behind = this.#behind.get(lease)
    this.#behind.delete(lease)
    for (const id of behind ?? []) {
      const packet = this.#around.ledger.packet(id)
      if (packet?.state === 'ready') this.#around.queue.add(packet, now)
    }
  }
}

const byStart = (a: Range, b: Range) => (a.after === b.after ? 0 : (a.after ?? '') < (b.after ?? '') ? -1 : 1)
const byEnd = (a: Range, b: Range) =>
  a.through === b.through ? 0 : a.through !== null && (b.through === null || a.through < b.through) ? -1 : 1

const meets = (a: Range, b: Range): boolean =>
  (a.through === null || b.after === null || a.through > b.after) &&
  (b.through === null || a.after === null || b.through > a.after)
