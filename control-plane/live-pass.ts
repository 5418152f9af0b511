/**
 * A running pass in memory: what is ready, what is leased (grants.ts), and who is there (attendance.ts). Everything here can be rebuilt from the
 * tables by one scan (`new LivePass`), and is thrown away when a transaction fails.
 *
 * Every method that changes something runs inside a transaction of the object's storage and leaves what is to be sent in
 * `out`, for its owner to send once the transaction is over.
 */
import type { AgentMessage, PlaneMessage } from '../shared/protocol.ts'
import { Attendance } from './attendance.ts'
import type { Causes } from './core/causes.ts'
import { type NewPacket, type Packet, type PacketEvent, type Refusal, workDone } from './core/packet.ts'
import { type Ready, ReadyQueue } from './core/queue.ts'
import type { Strip } from './core/strip.ts'
import { rowsOf } from './core/strip-rows.ts'
import type { NewWatchEvent } from './core/watch-events.ts'
import { Grants } from './grants.ts'
import { Holders, type Session } from './holders.ts'
import { IdleAgents } from './idle-agents.ts'
import { Ledger } from './ledger.ts'
import type { MigrationTables, Paused } from './migration-tables.ts'
import { PassDeletes } from './pass-deletes.ts'
import { PassEvents } from './pass-events.ts'
import { PassStrip } from './pass-strip.ts'
import type { PassRow } from './pass-table.ts'
import { Uploads } from './uploads.ts'

export interface Outgoing {
  readonly session: number
  readonly message: PlaneMessage
}

/** What changes one packet. */
type PacketMessage = Exclude<
  AgentMessage,
  { t: 'hello' | 'free' | 'heartbeat' | 'release' | 'cleared' | 'changed' }
>
const unknown: Refusal = { code: 'stale', message: 'this pass has no such packet' }

export class LivePass {
  readonly #tables: MigrationTables
  readonly #queue = new ReadyQueue()
  readonly #ledger: Ledger
  readonly #uploads: Uploads
  readonly #placed: (packet: Packet) => void
  readonly #idle: IdleAgents
  readonly #grants: Grants
  /** Leases of before then began at a time that nobody knows any more. */
  readonly #woke: number
  /** Null until somebody looks, where the object woke in the middle of the pass. */
  #strip: PassStrip | null = null
  #paused: Paused | null
  readonly holders = new Holders()
  readonly attendance: Attendance
  readonly deletes: PassDeletes
  /** What becomes of changes that are told of. */
  readonly events: PassEvents
  out: Outgoing[] = []
  /** What is to be told to who watches, of this transaction. */
  news: NewWatchEvent[] = []

  /** `placed` hears of each packet that is new or has changed. */
  constructor(
    tables: MigrationTables,
    pass: PassRow,
    leaseMs: number,
    now: number,
    placed: (packet: Packet) => void,
  ) {
    this.#tables = tables
    this.#placed = placed
    this.#woke = now
    this.#ledger = new Ledger(tables, pass, (before, after, now) => this.#became(before, after, now))
    this.#uploads = new Uploads(tables, this.#ledger)
    const { holders } = this
    const send = (session: Session, message: PlaneMessage) => this.#send(session, message)
    this.#idle = new IdleAgents(holders, send)
    this.attendance = new Attendance({
      ...{ sessions: tables.sessions, holders, ledger: this.#ledger, leaseMs, send },
      tell: (event) => this.news.push(event),
    })
    this.events = new PassEvents({ tables, queue: this.#queue, ledger: this.#ledger, holders })
    const isListing = () => this.#queue.anySurvey || holders.surveys.size > 0
    this.deletes = new PassDeletes(tables, this.#ledger, isListing)
    this.#grants = new Grants({
      queue: this.#queue,
      deletes: this.deletes,
      changes: this.events.changes,
      ledger: this.#ledger,
      uploads: this.#uploads,
      idle: this.#idle,
      ...{ holders, send },
    })
    this.#paused = tables.paused()
    const rows = new Map(tables.sessions.all().map((row) => [row.id, row]))
    for (const packet of tables.packets.ready(pass.firstPacket)) this.#enqueue(packet, packet.deletes, now)
    for (const packet of tables.packets.leased(pass.firstPacket)) {
      if (packet.state !== 'leased') continue
      const row = rows.get(packet.session)!
      // Nobody was heard while the object was away: one whole lease of grace.
      if (!this.holders.sessions.has(row.id)) this.holders.add(row, now)
      this.holders.note({ ...packet, since: now })
      this.holders.mayHold(row.id)
    }
    for (const packet of tables.packets.events(pass.firstPacket)) this.events.changes.woke(packet)
  }

  get pass(): PassRow {
    return this.#ledger.pass
  }

  get causes(): Causes {
    return this.#ledger.causes
  }

  /** Uploads that earlier passes left. */
  get leftUploads() {
    return this.#uploads.left()
  }

  /** What the pass begins with. */
  insert(packets: readonly NewPacket[], now: number): void {
    this.#strip = PassStrip.of(packets)
    this.#ledger.insert(packets, now)
  }

  receive(session: Session, message: Exclude<AgentMessage, { t: 'hello' }>, now: number): void {
    session.seen = now
    session.silent = false
    switch (message.t) {
      case 'free':
        session.free = message.n
        return
      case 'heartbeat':
        this.attendance.heartbeat(session, message, now)
        return
      case 'release':
        for (const { packet, generation } of message.held) {
          this.#step(packet, { t: 'release', session: session.row.id, generation }, now)
        }
        this.#send(session, { t: 'ack', seq: message.seq, hold: false })
        return
      case 'cleared':
        this.#uploads.cleared(message.upload)
        this.#send(session, { t: 'ack', seq: message.seq, hold: false })
        return
      case 'changed':
        this.events.changed(message.side, message.changes, now)
        this.#send(session, { t: 'ack', seq: message.seq, hold: false })
        return
      case 'expand':
      case 'opened':
      case 'cut':
      case 'split':
      case 'outcome':
      case 'parts':
      case 'collapse':
      case 'failed': {
        const { seq, packet } = message
        const refused = this.#change(session.row.id, message, now)
        if (refused) {
          this.#send(session, { t: 'refused', seq, ...refused })
          return
        }
        if (message.t === 'outcome') {
          const { objects, bytes } = message.counts
          this.holders.settled(session, objects.listed, bytes.copied)
        }
        if (message.t === 'parts')
          this.holders.settled(session, 0, this.#ledger.packet(packet)?.work.bytes ?? 0)
        this.#send(session, { t: 'ack', seq, hold: message.t === 'cut' && this.#grants.hold(packet) })
        return
      }
      default:
        message satisfies never
    }
  }

  /** What time alone does: silent sessions lose their leases, and what failed is ready again. */
  tick(now: number): void {
    this.#queue.wake(now)
    this.attendance.expire(now)
    this.events.tick(now)
  }

  get paused(): Paused | null {
    return this.#paused
  }

  /**
   * Nothing is leased until it is resumed. Of what is, `finish` lets packets come to their end, which is seconds away; surveys, whose end may
   * be hours away, go back, and go on from their last cut. `stop` takes all of it back.
   */
  pause(paused: Paused, inFlight: 'finish' | 'stop', now: number): void {
    if (!this.#paused) {
      this.#setPaused(paused)
      this.news.push({ is: 'paused', by: paused.by })
    }
    for (const session of this.holders.sessions.values()) {
      const held = this.holders
        .leasesOf(session)
        .filter(({ kind }) => inFlight === 'stop' || kind === 'survey')
        .map((lease) => {
          this.#ledger.apply(lease, { t: 'supersede' }, now)
          return { packet: lease.id, generation: lease.generation }
        })
      if (held.length > 0) this.#send(session, { t: 'drop', held })
    }
  }

  resume(): void {
    if (!this.#paused) return
    this.#setPaused(null)
    this.news.push({ is: 'resumed' })
  }

  #setPaused(paused: Paused | null): void {
    this.#paused = paused
    this.#tables.setPaused(paused)
  }

  /**
   * The pass stays open until then (ms since the epoch), for what events bring, though nothing is left to do; null: it ends as soon as
   * nothing is, which may be now. Paused, it holds too, and ends then.
   */
  hold(until: number | null): void {
    this.events.hold(until)
  }

  /** Null where it ends as soon as nothing is left to do. */
  get holdsUntil(): number | null {
    return this.events.holdsUntil
  }

  /** Whether all of the key space is looked at, and what was found is done or parked: nothing is left to do but to hold, and events. */
  get isSettled(): boolean {
    return this.#ledger.isSettled
  }

  /** Leases what can be leased. Returns when to look again without being called, if ever. */
  dispatch(now: number): number | null {
    if (this.deletes.decide()) this.#release(now)
    return this.#paused ? null : this.#grants.give(now)
  }

  /** Stores the counters, and ends the pass where nothing is left to do. To be called last. */
  finish(now: number): void {
    if (!this.#ledger.close(now, this.events.mayEnd(now), () => this.#keptStrip())) return
    this.#over()
  }

  cancel(now: number): void {
    this.strip?.cancel()
    const leases = [...this.holders.sessions.values()].flatMap((session) => this.holders.leasesOf(session))
    const isAtWork = leases.some(({ kind }) => kind !== 'survey')
    this.#ledger.cancel(now, isAtWork, () => this.#keptStrip())
    this.#over()
  }

  #over(): void {
    if (this.#paused) this.#setPaused(null)
    this.events.over()
    this.#sendEnd()
  }

  #sendEnd(): void {
    const { number, state } = this.pass
    if (state === 'running') return
    for (const session of this.holders.connected()) this.#send(session, { t: 'end', pass: number, state })
  }

  /** Null where it is not counted: `countStrip`. */
  get strip(): Strip | null {
    return this.#strip?.isWhole ? this.#strip.strip : null
  }

  countStrip(): Promise<Strip> {
    this.#strip ??= PassStrip.sampled(this.#tables, this.pass.firstPacket)
    return this.#strip.count(this.#tables, () => this.pass.state === 'running')
  }

  #keptStrip(): string | null {
    return this.strip && JSON.stringify(rowsOf(this.strip))
  }

  get nextRetry(): number | null {
    return this.#queue.nextDue
  }

  #change(session: number, message: PacketMessage, now: number): Refusal | null {
    if (message.t !== 'expand' && message.t !== 'opened') {
      const { seq: _, packet, ...event } = message
      // What one agent can never do, another one may.
      if (event.t === 'failed' && this.holders.mayOther(session, event.error.code))
        event.error.retry = 'later'
      return this.#step(packet, { ...event, session }, now)
    }
    const before = this.#find(message.packet)
    if (!before) return unknown
    return message.t === 'expand'
      ? this.#uploads.expand(before, session, message, now)
      : this.#uploads.opened(before, session, message, now)
  }

  #step(id: number, event: PacketEvent, now: number): Refusal | null {
    const before = this.#find(id)
    if (!before) return unknown
    const next = this.#ledger.nextPacket
    const whole = event.t === 'outcome' ? { ...event, heir: this.#idle.stragglers.heirOf(id) } : event
    const { packet, effects, refused } = this.#ledger.apply(before, whole, now)
    if (packet !== before && packet.state === 'done') {
      this.#idle.stragglers.settle(id, packet.through === before.through ? null : next)
    }
    this.#uploads.follow(effects, now)
    return refused
  }

  #find(id: number): Packet | null {
    return this.holders.lease(id) ?? this.#ledger.packet(id)
  }

  #became(before: Packet | null, after: Packet, now: number): void {
    this.#strip?.became(before, after)
    this.#placed(after)
    if (after.state === 'leased') this.holders.note(after)
    else if (before?.state === 'leased') {
      const work = before.since > this.#woke ? workDone(before, after) : null
      if (after.failures > before.failures) this.holders.failed(before, after.error, now)
      if (work) this.holders.measure(before, work, now - before.since)
      this.holders.forget(before)
    }
    if (after.state === 'ready') this.#enqueue(after, after.work.deletes ?? 0, now)
    this.events.changes.became(before, after, now)
  }

  /** What is to delete something stays in its row until that is decided. */
  #enqueue(packet: Ready, deletes: number, now: number): void {
    if (deletes > 0 && this.deletes.isHolding) return
    this.#queue.add(packet, now)
  }

  #release(now: number): void {
    for (const packet of this.#tables.packets.ready(this.pass.firstPacket)) {
      if (packet.deletes > 0) this.#queue.add(packet, now)
    }
  }

  #send(session: Session, message: PlaneMessage): void {
    this.out.push({ session: session.row.id, message })
  }
}
