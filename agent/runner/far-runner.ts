/**
 * One pass in one worker thread, as the main one sees it. The main thread keeps the leases: what it has aborted is gone at once, and
 * what the thread still brings of it is dropped.
 */
import { DrayError } from '../../shared/error.ts'
import type { Held, LeasedPacket, Work } from '../../shared/protocol.ts'
import { isBounded, watchStillness } from '../core/stillness.ts'
import type { Welcome } from '../session/migration.ts'
import type { Outbox, StateChange } from '../session/outbox.ts'
import { within } from '../session/within.ts'
import { isRejected } from './runner.ts'
import type { FromThread, ToThread } from './thread-messages.ts'

/** The way to a thread. */
export interface Wire {
  readonly places: number
  /** Bytes of an object that one packet may hold. */
  readonly largest: number
  tell(message: ToThread): void
}

interface Lease {
  readonly generation: number
  readonly kind: LeasedPacket['kind']
  readonly isBounded: boolean
  state: 'working' | 'telling'
}

type About = Exclude<FromThread, { t: 'log' | 'needed' }>

/** How long a stop waits for the thread's own, which is bounded too (runner.ts). */
const stopMs = 1_450

export class FarRunner {
  /** Among those of its thread. */
  readonly id: number
  readonly #wire: Wire
  readonly #post: Outbox['post']
  readonly #changed: () => void
  readonly #leases = new Map<number, Lease>()
  readonly #drained = Promise.withResolvers<void>()
  readonly #stopped = Promise.withResolvers<void>()
  #work: Work = { objects: 0, bytes: 0 }
  /** Since it began. */
  moved: Work = { objects: 0, bytes: 0 }
  #stillness = watchStillness(performance.now())
  #isLost = false

  constructor(
    wire: Wire,
    id: number,
    {
      welcome,
      post,
      changed,
      weight,
    }: { welcome: Welcome; post: Outbox['post']; changed: () => void; weight: number },
  ) {
    this.#wire = wire
    this.id = id
    this.#post = post
    this.#changed = changed
    wire.tell({ t: 'start', runner: id, welcome, weight })
  }

  take(packet: LeasedPacket): void {
    const { id, generation, kind } = packet
    // Of all that the thread does one sum is known: what is new is progress of it.
    this.#stillness = watchStillness(performance.now())
    const its = isBounded(packet, this.#wire.largest)
    this.#leases.set(id, { generation, kind, isBounded: its, state: 'working' })
    this.#wire.tell({ t: 'take', runner: this.id, packet })
  }

  abort(held: readonly Held[], why: string): void {
    for (const each of held) {
      if (this.#leases.get(each.packet)?.generation !== each.generation) continue
      this.#leases.delete(each.packet)
      this.#wire.tell({ t: 'abort', runner: this.id, held: each, why })
    }
  }

  get places(): number {
    return this.#isLost ? 0 : this.#wire.places
  }

  weigh(weight: number): void {
    this.#wire.tell({ t: 'weigh', runner: this.id, weight })
  }

  yield(packet: number): void {
    if (this.#leases.has(packet)) this.#wire.tell({ t: 'yield', runner: this.id, packet })
  }

  list(state: Lease['state'] | null): Held[] {
    return [...this.#leases]
      .filter(([, lease]) => state === null || lease.state === state)
      .map(([packet, { generation }]) => ({ packet, generation }))
  }

  get inFlight(): Work {
    return this.#leases.size === 0 ? { objects: 0, bytes: 0 } : this.#work
  }

  get free(): number {
    const untold = Math.max(0, this.list('telling').length - this.#wire.places)
    return this.#isLost ? 0 : Math.max(0, this.#wire.places - this.list('working').length - untold)
  }

  /** As of a runner; all that it works on, where none of it moves. */
  still(): (Held & { ms: number })[] {
    const working = [...this.#leases].filter(([, { state }]) => state === 'working')
    const waits = working.some(([, its]) => !its.isBounded)
    const ms = this.#stillness.look(performance.now(), this.moved, working.length, waits)
    if (ms === null) return []
    return working.map(([packet, { generation }]) => ({ packet, generation, ms: Math.round(ms) }))
  }

  drain(): Promise<void> {
    this.#wire.tell({ t: 'drain', runner: this.id })
    return this.#drained.promise
  }

  async stop(): Promise<void> {
    this.abort(this.list(null), 'the session is over')
    this.#wire.tell({ t: 'stop', runner: this.id })
    await within(stopMs, this.#stopped.promise)
  }

  hear(message: About): void {
    switch (message.t) {
      case 'post':
        this.#pass(message.n, message.change)
        break
      case 'gone':
        if (this.#has(message.held)) this.#forget(message.held)
        break
      case 'inFlight':
        this.#work = message.work
        this.moved = message.moved
        break
      case 'drained':
        this.#drained.resolve()
        break
      case 'stopped':
        this.#stopped.resolve()
        break
      default:
        message satisfies never
    }
  }

  /** The thread is no more. What it worked on has failed; what it had told is answered yet. */
  lose(): void {
    this.#isLost = true
    for (const held of this.list('working')) {
      const { kind } = this.#leases.get(held.packet)!
      const error = new DrayError('interrupted', kind, 'The thread that worked on it ended.', {
        retry: 'later',
      })
      this.#tell(held, { t: 'failed', ...held, error: error.toBody() }, () => {})
    }
    this.#drained.resolve()
    this.#stopped.resolve()
    this.#changed()
  }

  #pass(n: number, change: StateChange): void {
    const answer = (given: Parameters<Parameters<Outbox['post']>[1]>[0]) =>
      this.#wire.tell({ t: 'answer', n, answer: given })
    if (!('packet' in change) || !this.#has(change)) {
      answer({ is: 'refused', code: 'stale', message: 'the lease is gone' })
      return
    }
    const { packet, generation } = change
    this.#tell({ packet, generation }, change, answer)
  }

  #tell(held: Held, change: StateChange, answered: Parameters<Outbox['post']>[1]): void {
    this.#leases.get(held.packet)!.state = 'telling'
    this.#changed()
    this.#post(change, (answer) => {
      // Else the thread tells that it has failed; where there is no thread any more, the plane takes the lease back by itself.
      if (this.#has(held) && (this.#isLost || !isRejected(change, answer))) this.#forget(held)
      answered(answer)
    })
  }

  #has({ packet, generation }: Held): boolean {
    return this.#leases.get(packet)?.generation === generation
  }

  #forget({ packet }: Held): void {
    this.#leases.delete(packet)
    this.#changed()
  }
}
