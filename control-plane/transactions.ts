/**
 * How a migration changes. Messages that arrive together are applied in one transaction: step, store, count; only then is anything answered,
 * and are others told. A transaction that fails changes nothing: the memory is thrown away and built again from the tables.
 *
 * So the running pass is kept here, and nobody changes it but in a transaction.
 */
import { closeCodes } from '../shared/protocol.ts'
import type { Alarm } from './alarm.ts'
import { Batches } from './batches.ts'
import { passEvents } from './core/events.ts'
import type { NewPacket } from './core/packet.ts'
import { nextAlarm } from './core/schedule.ts'
import { happened, type Standing, standing } from './core/watch-events.ts'
import type { MigrationLife } from './life.ts'
import { LivePass } from './live-pass.ts'
import type { Definition, MigrationTables } from './migration-tables.ts'
import type { PlacedPackets } from './packet-runs.ts'
import type { PassRow } from './pass-table.ts'
import { Sockets } from './sockets.ts'
import type { Strips } from './strips.ts'
import type { Teller } from './teller.ts'
import type { Watchers } from './watchers.ts'

/** What arrives by socket, and may share its transaction with others. */
interface Arrived {
  readonly change: () => void
  readonly done?: () => void
  readonly failed: () => void
}

interface Around {
  readonly ctx: DurableObjectState
  readonly pace: { readonly leaseMs: number }
  readonly tables: MigrationTables
  readonly sockets: Sockets
  readonly placed: PlacedPackets
  readonly strips: Strips
  readonly teller: Teller
  readonly watchers: Watchers
  readonly alarm: Alarm
  readonly life: MigrationLife
}

/** Milliseconds: what is asked for two hundred times a second shares a transaction with four others. */
const togetherMs = 25

export class Transactions {
  readonly #around: Around
  readonly #arrived = new Batches<Arrived>(
    (batch) => this.#applyAll(batch),
    (run) => void setTimeout(run, 0),
  )
  /** What routes ask for so often that it waits a moment for others of its kind. */
  readonly #asked = new Batches<Arrived>(
    (batch) => this.#applyAll(batch),
    (run) => void setTimeout(run, togetherMs),
  )
  #live: LivePass | null = null
  #isUntold = false
  #timer: ReturnType<typeof setTimeout> | null = null

  constructor(around: Around, now: number) {
    this.#around = around
    this.#wake(now)
  }

  /** The pass that runs; null where none does. */
  get live(): LivePass | null {
    return this.#live
  }

  /** Memory from the tables and from the sockets that outlived the sleep. */
  #wake(now: number): void {
    const { tables, sockets, ctx, life } = this.#around
    life.wake()
    const pass = tables.passes.last()
    tables.events.read()
    tables.changes.forget()
    this.#live = pass?.state === 'running' ? this.#lived(pass, now) : null
    sockets.clear()
    const rows = new Map(tables.sessions.all().map((row) => [row.id, row]))
    for (const { socket, session, free } of Sockets.awake(ctx.getWebSockets())) {
      const row = rows.get(session)
      if (!row) continue
      sockets.set(session, socket, free)
      this.#live?.attendance.reconnect(row, free, now)
    }
  }

  #lived(pass: PassRow, now: number): LivePass {
    const { tables, placed, pace } = this.#around
    return new LivePass(tables, pass, pace.leaseMs, now, (packet) => placed.became(pass.number, packet))
  }

  /** Begins a pass, where none runs. `packets` is called in its transaction, before it is stored; `begun` once it is. */
  begin(
    definition: Definition,
    pass: PassRow,
    packets: () => NewPacket[],
    begun: (live: LivePass) => void = () => {},
  ): void {
    const { tables, watchers } = this.#around
    const now = Date.now()
    watchers.forget()
    this.commit(() => {
      const first = packets()
      tables.setDefinition(definition)
      tables.passes.insert(pass)
      if (pass.options.kind === 'verify' && pass.retries === null)
        tables.certificates.begin(pass.number, definition)
      this.#live = this.#lived(pass, now)
      this.#live.insert(first, now)
      begun(this.#live)
      this.toTell()
    })
  }

  /** The transaction changed what others know of a pass: they are told once it is over. */
  toTell(): void {
    this.#isUntold = true
  }

  /** Some time soon, together with what else arrives; in the order of calls, and before whatever is committed later. */
  arrived(change: () => void, failed: () => void): void {
    this.#arrived.add({ change, failed })
  }

  /** The same for what a route asks for, often: settles once it is stored. */
  together<T>(change: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      let answer: T
      this.#asked.add({
        change: () => {
          answer = change()
        },
        done: () => resolve(answer),
        failed: () => reject(new Error('a transaction failed')),
      })
    })
  }

  #applyAll(batch: readonly Arrived[]): void {
    const applied = this.attempt(() => {
      for (const { change } of batch) change()
    })
    for (const { done, failed } of batch) applied ? done?.() : failed()
  }

  /** A commit that nobody waits for. False where it failed, and nothing changed. */
  attempt(change: () => void): boolean {
    try {
      this.commit(change)
      return true
    } catch (error) {
      console.error('a transaction failed', error)
      return false
    }
  }

  /** Runs `change`, and whatever is due, in one transaction; then sends what came of it. */
  commit(change: () => void): void {
    // What arrived before comes before: the last words of an agent that closes its socket, say.
    this.#arrived.flush()
    const now = Date.now()
    const again = this.#transact(change, now)
    this.#send()
    if (this.#live && this.#live.pass.state !== 'running') this.#end(this.#live)
    this.#around.life.run(now)
    this.#tell(now)
    this.arm()
    this.#wait(again)
  }

  /** When to look again without being called, if ever. */
  #transact(change: () => void, now: number): number | null {
    let again: number | null = null
    const before = this.#live && standing(this.#live.pass)
    try {
      this.#around.ctx.storage.transactionSync(() => {
        change()
        do {
          if (this.#live?.pass.state !== 'running') continue
          this.#live.tick(now)
          again = this.#live.dispatch(now)
          this.#live.finish(now)
          // What the life makes of that may be more to do: a pass makes room for another.
        } while (this.#around.life.turn(now))
        if (this.#live) this.#announce(this.#live, before, now)
      })
    } catch (error) {
      this.#wake(now)
      throw error
    }
    return again
  }

  /** Stores what webhooks, and those who watch, are told of this transaction. */
  #announce({ pass, news }: LivePass, before: Standing | null, now: number): void {
    const { tables } = this.#around
    const { events, announcements } = tables
    const same = before?.number === pass.number ? before : null
    for (const event of news.splice(0)) events.add(pass.number, event, now)
    for (const event of happened(same, pass)) events.add(pass.number, event, now)
    const is = standing(pass)
    const told = ['state', 'parked', 'asked', 'stuck'] as const
    if (same && told.every((what) => same[what] === is[what])) return
    // What lists of migrations say of it is to be told now, and not when work goes on.
    if (same && !same.asked && is.asked) tables.passes.setUntold(pass.number)
    for (const event of passEvents(tables.definition()!, same, pass, now)) {
      if (!this.#around.life.keepsQuiet(event)) announcements.add(event)
      this.toTell()
    }
  }

  #send(): void {
    const live = this.#live
    if (!live) return
    const { sockets } = this.#around
    for (const { session, message } of live.out) sockets.send(session, message)
    live.out = []
    sockets.keep((session) => live.holders.sessions.get(session)?.free ?? 0)
  }

  #end({ strip, pass }: LivePass): void {
    const { sockets, watchers, strips } = this.#around
    this.toTell()
    sockets.closeAll(closeCodes.over, 'the pass is over')
    watchers.note(Date.now(), true)
    strips.ended(pass.number, strip)
    this.#live = null
  }

  #tell(now: number): void {
    const { teller, watchers } = this.#around
    if (this.#isUntold || (teller.retryAt ?? Number.POSITIVE_INFINITY) <= now) {
      this.#isUntold = false
      teller.tellState()
    }
    if (this.#live) {
      teller.tellSummary(this.#live)
      watchers.note(now)
    }
    watchers.changed()
  }

  /** To be called where there may be a reason to wake earlier than before. */
  arm(): void {
    const { alarm, pace, teller, watchers, life } = this.#around
    const reasons = { tell: teller.retryAt, check: watchers.checkAt, life: life.wakeAt }
    const live = {
      seen: this.#live?.holders.seen() ?? [],
      retry: this.#live?.nextRetry ?? null,
      hold: this.#live?.events.endsAt ?? null,
    }
    alarm.arm(nextAlarm({ ...live, leaseMs: pace.leaseMs, ...reasons }))
  }

  /** Sooner than an alarm is worth it, and forgotten in sleep. */
  #wait(at: number | null): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = at === null ? null : setTimeout(() => this.attempt(() => {}), at - Date.now())
  }
}
