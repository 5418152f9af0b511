/**
 * A running pass in memory: what is ready, what is leased, and who is there. Everything here can be rebuilt from the
 * tables by one scan (`new LivePass`), and is thrown away when a transaction fails.
 *
 * Every method that changes something runs inside a transaction of the object's storage and leaves what is to be sent in
 * `out`, for its owner to send once the transaction is over.
 */
import type { Counts } from '../shared/counts.ts'
import type { AgentMessage, Held, LeasedPacket, PlaneMessage } from '../shared/protocol.ts'
import type { Causes } from './core/causes.ts'
import { dispatch, holds, proceeds, type Slots } from './core/dispatch.ts'
import { isNewer } from './core/newest.ts'
import { type NewPacket, type Packet, type PacketEvent, type Refusal, workDone } from './core/packet.ts'
import { ReadyQueue } from './core/queue.ts'
import type { Strip } from './core/strip.ts'
import { rowsOf } from './core/strip-rows.ts'
import type { NewWatchEvent } from './core/watch-events.ts'
import { Holders, type Leased, type Session } from './holders.ts'
import { IdleAgents } from './idle-agents.ts'
import { Ledger } from './ledger.ts'
import type { MigrationTables, Paused } from './migration-tables.ts'
import { PassStrip } from './pass-strip.ts'
import type { PassRow } from './pass-table.ts'
import type { SessionRow } from './session-table.ts'
import { Uploads } from './uploads.ts'

export interface Outgoing {
  readonly session: number
  readonly message: PlaneMessage
}

/** What changes one packet. */
type Change = Exclude<AgentMessage, { t: 'hello' | 'free' | 'heartbeat' | 'release' | 'cleared' }>
const unknown: Refusal = { code: 'stale', message: 'this pass has no such packet' }

/** Leases that are taken back in one transaction; the rest follow by alarm. */
const maxExpired = 2_000
/** Packets in one message: boundaries may have 4,096 bytes each. */
const maxLeasesPerMessage = 100
/** An upload of uneven parts says where each of them begins, and the MD5s of all. */
const maxUploadsPerMessage = 10

export class LivePass {
  readonly #tables: MigrationTables
  readonly #leaseMs: number
  readonly #queue = new ReadyQueue()
  readonly #ledger: Ledger
  readonly #uploads: Uploads
  readonly #placed: (packet: Packet) => void
  readonly #idle: IdleAgents
  /** Leases of before then began at a time that nobody knows any more. */
  readonly #woke: number
  #nextSession: number
  /** Null until somebody looks, where the object woke in the middle of the pass. */
  #strip: PassStrip | null = null
  #paused: Paused | null
  readonly holders = new Holders()
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
    this.#leaseMs = leaseMs
    this.#woke = now
    this.#ledger = new Ledger(tables, pass, (before, after, now) => this.#became(before, after, now))
    this.#uploads = new Uploads(tables, this.#ledger)
    this.#idle = new IdleAgents(this.holders, (session, message) => this.#send(session, message))
    this.#nextSession = tables.sessions.next()
    this.#paused = tables.paused()
    const rows = new Map(tables.sessions.all().map((row) => [row.id, row]))
    for (const packet of tables.packets.ready(pass.firstPacket)) this.#queue.add(packet, now)
    for (const packet of tables.packets.leased(pass.firstPacket)) {
      if (packet.state !== 'leased') continue
      const row = rows.get(packet.session)!
      // Nobody was heard while the object was away: one whole lease of grace.
      if (!this.holders.sessions.has(row.id)) this.holders.add(row, now)
      this.holders.note({ ...packet, since: now })
      this.holders.mayHold(row.id)
    }
  }

  /** A socket that outlived the object's sleep: its session goes on. */
  reconnect(row: SessionRow, free: number, now: number): void {
    const session = this.holders.sessions.get(row.id) ?? this.holders.add(row, now)
    session.connected = true
    session.free = free
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

  /** The session, whose leases now are those that it still holds; and whom it supersedes. Null: it is superseded itself. */
  hello(
    agent: string,
    { session: name, started, held }: AgentMessage & { t: 'hello' },
    now: number,
  ): { session: Session; superseded: number[]; lost: Held[] } | null {
    const row = this.#tables.sessions.of(agent, name)
    for (const other of this.holders.sessions.values()) {
      if (other.row.agent === agent && !other.silent && isNewer(other.row, { session: name, started }))
        return null
    }
    let session = row && this.holders.sessions.get(row.id)
    if (!session) {
      const fresh = row ?? { id: this.#nextSession++, agent, session: name, started }
      if (!row) this.#tables.sessions.insert(fresh)
      session = this.holders.add(fresh, now)
    }
    const superseded: number[] = []
    for (const other of this.holders.sessions.values()) {
      if (other.row.agent !== agent || other === session) continue
      this.#takeBack(other, { t: 'supersede' }, now, () => true)
      this.holders.sessions.delete(other.row.id)
      superseded.push(other.row.id)
    }
    if (!session.connected) this.news.push({ is: 'came', agent })
    session.connected = true
    session.seen = now
    session.silent = false
    session.free = 0
    const named = new Set(held.map(({ packet }) => packet))
    this.#takeBack(session, { t: 'expire' }, now, (lease) => !named.has(lease.id))
    this.holders.mayHold(session.row.id)
    return { session, superseded, lost: this.#lost(session, held) }
  }

  /** Its leases go to others. */
  shutOut(agent: string, now: number): void {
    this.#dismiss(agent, now, () => true)
  }

  /** What processes of this agent hold that are not there goes to others. */
  giveBack(agent: string, now: number): void {
    this.#dismiss(agent, now, ({ connected }) => !connected)
  }

  #dismiss(agent: string, now: number, which: (session: Session) => boolean): void {
    for (const session of this.holders.sessions.values()) {
      if (session.row.agent !== agent || !which(session)) continue
      this.#takeBack(session, { t: 'supersede' }, now, () => true)
      this.holders.sessions.delete(session.row.id)
    }
  }

  receive(session: Session, message: Exclude<AgentMessage, { t: 'hello' }>, now: number): void {
    session.seen = now
    session.silent = false
    switch (message.t) {
      case 'free':
        session.free = message.n
        return
      case 'heartbeat': {
        session.inFlight = message.inFlight
        const held = this.#lost(session, message.held)
        if (held.length > 0) this.#send(session, { t: 'drop', held })
        const named = new Set(message.held.map(({ packet }) => packet))
        // A lease that it does not name after all this time never arrived, or was given up.
        const old = now - this.#leaseMs
        this.#takeBack(session, { t: 'expire' }, now, (lease) => lease.since < old && !named.has(lease.id))
        return
      }
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
        if (message.t === 'outcome') settle(session, message.counts)
        if (message.t === 'parts') settleBytes(session, this.#ledger.packet(packet)?.work.bytes ?? 0)
        const survey = message.t === 'cut' ? this.holders.surveys.get(packet) : undefined
        const hold = survey !== undefined && holds(this.#queue.work, this.holders.working)
        if (hold) survey.held = true
        this.#send(session, { t: 'ack', seq, hold })
        return
      }
      default:
        message satisfies never
    }
  }

  disconnect(id: number): void {
    const session = this.holders.sessions.get(id)
    if (!session) return
    if (session.connected) this.news.push({ is: 'left', agent: session.row.agent })
    session.connected = false
    session.free = 0
    if (session.leases.size === 0) this.holders.sessions.delete(id)
  }

  /** What time alone does: silent sessions lose their leases, and what failed is ready again. */
  tick(now: number): void {
    this.#queue.wake(now)
    let budget = maxExpired
    for (const session of this.holders.sessions.values()) {
      if (session.leases.size === 0 || session.seen + this.#leaseMs > now) continue
      const lost: Held[] = []
      this.#takeBack(session, { t: 'expire' }, now, (lease) => {
        if (--budget < 0) return false
        lost.push({ packet: lease.id, generation: lease.generation })
        return true
      })
      if (!session.silent) this.news.push({ is: 'silent', agent: session.row.agent, packets: lost.length })
      // Not another packet for it, until it is heard of again.
      session.silent = true
      if (session.connected) this.#send(session, { t: 'drop', held: lost })
      else if (session.leases.size === 0) this.holders.sessions.delete(session.row.id)
      if (budget <= 0) return
    }
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

  /** Leases what can be leased, and lets held surveys go on. Returns when to look again without being called, if ever. */
  dispatch(now: number): number | null {
    if (this.#paused) return null
    let slots = this.holders.slots(now)
    while (!this.#grant(slots, now)) slots = this.holders.slots(now)
    this.#letProceed()
    if (this.#queue.work > 0 || this.#queue.surveys > 0) return null
    return this.#idle.help(slots, now)
  }

  /** False where something in the queue was no longer ready, so that there may be slots left for what is. */
  #grant(slots: Slots[], now: number): boolean {
    let isUpToDate = true
    const granted = new Map<number, LeasedPacket[]>()
    for (const { session, packet } of dispatch(this.#queue, slots, this.holders.surveys.size)) {
      const before = this.#ledger.packet(packet)!
      // Its upload dissolved while it was in the queue.
      if (before.state !== 'ready') {
        isUpToDate = false
        continue
      }
      const holder = this.holders.sessions.get(session)!
      // An agent that held nothing may have been quiet for long: its lease begins now.
      if (holder.leases.size === 0) holder.seen = now
      holder.free--
      const { packet: lease } = this.#ledger.apply(before, { t: 'lease', session }, now)
      const { id, generation, kind, after, through, work } = lease
      const upload = this.#uploads.leased(lease)
      const leases = granted.get(session) ?? []
      granted.set(session, leases)
      leases.push({
        ...{ id, generation, kind, after, through, attempt: generation, work },
        ...(upload && { upload }),
      })
    }
    for (const [session, packets] of granted) {
      const most = packets.some(({ upload }) => upload) ? maxUploadsPerMessage : maxLeasesPerMessage
      for (let i = 0; i < packets.length; i += most) {
        const some = packets.slice(i, i + most)
        this.#send(this.holders.sessions.get(session)!, { t: 'lease', packets: some })
      }
    }
    return isUpToDate
  }

  #letProceed(): void {
    if (!proceeds(this.#queue.work, this.holders.working)) return
    for (const [packet, survey] of this.holders.surveys) {
      const session = survey.held ? this.holders.holderOf(packet) : undefined
      if (!session?.connected) continue
      this.#send(session, { t: 'proceed', packet })
      survey.held = false
    }
  }

  /** Stores the counters, and ends the pass where nothing is left to do. To be called last. */
  finish(now: number): void {
    if (!this.#ledger.close(now, () => this.#keptStrip())) return
    if (this.#paused) this.#setPaused(null)
    this.#sendEnd()
  }

  cancel(now: number): void {
    if (this.#paused) this.#setPaused(null)
    this.strip?.cancel()
    this.#ledger.cancel(now, () => this.#keptStrip())
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

  isLeased(packet: number, generation: number, agent: string): boolean {
    const isHolder = this.holders.holderOf(packet)?.row.agent === agent
    return isHolder && this.holders.lease(packet)?.generation === generation
  }

  /** Those of `held` that are neither leased to the session nor done by that very lease. */
  #lost(session: Session, held: readonly Held[]): Held[] {
    return held.filter(({ packet, generation }) => {
      const lease = this.holders.lease(packet)
      if (lease) return lease.generation !== generation || lease.session !== session.row.id
      const stored = this.#ledger.packet(packet)
      return stored?.state !== 'done' || stored.generation !== generation
    })
  }

  #takeBack(session: Session, event: PacketEvent, now: number, which: (lease: Leased) => boolean): void {
    for (const lease of this.holders.leasesOf(session)) {
      if (which(lease)) this.#ledger.apply(lease, event, now)
    }
  }

  #change(session: number, message: Change, now: number): Refusal | null {
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
    if (after.state === 'ready') this.#queue.add(after, now)
  }

  #send(session: Session, message: PlaneMessage): void {
    this.out.push({ session: session.row.id, message })
  }
}

/** What is counted now is in flight no more; the next heartbeat says what still is. */
function settle(session: Session, { objects, bytes }: Counts): void {
  session.did.objects += objects.listed
  session.inFlight.objects = Math.max(0, session.inFlight.objects - objects.listed)
  settleBytes(session, bytes.copied)
}

function settleBytes(session: Session, bytes: number): void {
  session.did.bytes += bytes
  session.inFlight.bytes = Math.max(0, session.inFlight.bytes - bytes)
}
