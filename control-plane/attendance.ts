/**
 * The comings and goings of agents in a running pass: a session is one process of an agent, and a newer process of the same agent supersedes
 * it. What sessions hold that are gone, or fell silent for the length of a lease, becomes ready for others.
 *
 * Like all of a running pass (live-pass.ts), what changes something here runs inside a transaction.
 */
import type { AgentMessage, Held, PlaneMessage } from '../shared/protocol.ts'
import { isNewer } from './core/newest.ts'
import type { PacketEvent } from './core/packet.ts'
import { stuckAfterMs, stuckError } from './core/stuck.ts'
import type { NewWatchEvent } from './core/watch-events.ts'
import type { Holders, Leased, Session } from './holders.ts'
import type { Ledger } from './ledger.ts'
import type { SessionRow, SessionTable } from './session-table.ts'

/** Leases that are taken back in one transaction; the rest follow by alarm. */
const maxExpired = 2_000

interface Around {
  readonly sessions: SessionTable
  readonly holders: Holders
  readonly ledger: Ledger
  readonly leaseMs: number
  send(session: Session, message: PlaneMessage): void
  /** To who watches. */
  tell(event: NewWatchEvent): void
}

export class Attendance {
  readonly #around: Around
  #nextSession: number

  constructor(around: Around) {
    this.#around = around
    this.#nextSession = around.sessions.next()
  }

  /** A socket that outlived the object's sleep: its session goes on. */
  reconnect(row: SessionRow, free: number, now: number): void {
    const { holders } = this.#around
    const session = holders.sessions.get(row.id) ?? holders.add(row, now)
    session.connected = true
    session.free = free
  }

  /** The session, whose leases now are those that it still holds; and whom it supersedes. Null: it is superseded itself. */
  hello(
    agent: string,
    { session: name, started, held }: AgentMessage & { t: 'hello' },
    now: number,
  ): { session: Session; superseded: number[]; lost: Held[] } | null {
    const { sessions, holders } = this.#around
    const row = sessions.of(agent, name)
    for (const other of holders.sessions.values()) {
      if (other.row.agent === agent && !other.silent && isNewer(other.row, { session: name, started }))
        return null
    }
    let session = row && holders.sessions.get(row.id)
    if (!session) {
      const fresh = row ?? { id: this.#nextSession++, agent, session: name, started }
      if (!row) sessions.insert(fresh)
      session = holders.add(fresh, now)
    }
    const superseded = this.#dismiss(agent, now, (other) => other !== session)
    if (!session.connected) this.#around.tell({ is: 'came', agent })
    session.connected = true
    session.seen = now
    session.silent = false
    session.free = 0
    const named = new Set(held.map(({ packet }) => packet))
    this.#takeBack(session, { t: 'expire', isSaid: true }, now, (lease) => !named.has(lease.id))
    holders.mayHold(session.row.id)
    return { session, superseded, lost: this.#lost(session, held) }
  }

  heartbeat(
    session: Session,
    { inFlight, held, still = [] }: AgentMessage & { t: 'heartbeat' },
    now: number,
  ): void {
    session.inFlight = inFlight
    this.#release(session, still, now)
    const lost = this.#lost(session, held)
    if (lost.length > 0) this.#around.send(session, { t: 'drop', held: lost })
    const named = new Set(held.map(({ packet }) => packet))
    // A lease that it does not name after all this time never arrived, or was given up.
    const old = now - this.#around.leaseMs
    this.#takeBack(
      session,
      { t: 'expire', isSaid: true },
      now,
      (lease) => lease.since < old && !named.has(lease.id),
    )
  }

  /** Those that have stood still for too long: tried again, by whomever. */
  #release(session: Session, still: readonly (Held & { ms: number })[], now: number): void {
    const { holders, ledger, send, tell } = this.#around
    const stuck = still.filter(({ packet, generation, ms }) => {
      const lease = holders.lease(packet)
      return ms >= stuckAfterMs && lease?.session === session.row.id && lease.generation === generation
    })
    if (stuck.length === 0) return
    const { agent, id } = session.row
    for (const { packet, generation, ms } of stuck) {
      const lease = holders.lease(packet)!
      ledger.apply(
        lease,
        { t: 'failed', session: id, generation, error: stuckError(lease.kind, agent, ms) },
        now,
      )
    }
    ledger.change((counters) => {
      counters.stuck = (counters.stuck ?? 0) + stuck.length
    })
    tell({ is: 'stuck', agent, packets: stuck.length })
    send(session, { t: 'drop', held: stuck.map(({ packet, generation }) => ({ packet, generation })) })
  }

  /** Its leases go to others. */
  shutOut(agent: string, now: number): void {
    this.#dismiss(agent, now, () => true)
  }

  /** What processes of this agent hold that are not there goes to others. */
  giveBack(agent: string, now: number): void {
    this.#dismiss(agent, now, ({ connected }) => !connected)
  }

  /** The ids of those that are sessions no more. */
  #dismiss(agent: string, now: number, which: (session: Session) => boolean): number[] {
    const { sessions } = this.#around.holders
    const dismissed = [...sessions.values()].filter((each) => each.row.agent === agent && which(each))
    for (const session of dismissed) {
      this.#takeBack(session, { t: 'supersede' }, now, () => true)
      sessions.delete(session.row.id)
    }
    return dismissed.map(({ row }) => row.id)
  }

  disconnect(id: number): void {
    const { sessions } = this.#around.holders
    const session = sessions.get(id)
    if (!session) return
    if (session.connected) this.#around.tell({ is: 'left', agent: session.row.agent })
    session.connected = false
    session.free = 0
    if (session.leases.size === 0) sessions.delete(id)
  }

  /** Sessions that are silent lose their leases. */
  expire(now: number): void {
    const { holders, leaseMs, send, tell } = this.#around
    let budget = maxExpired
    for (const session of holders.sessions.values()) {
      if (session.leases.size === 0 || session.seen + leaseMs > now) continue
      const lost: Held[] = []
      this.#takeBack(session, { t: 'expire' }, now, (lease) => {
        if (--budget < 0) return false
        lost.push({ packet: lease.id, generation: lease.generation })
        return true
      })
      if (!session.silent) tell({ is: 'silent', agent: session.row.agent, packets: lost.length })
      // Not another packet for it, until it is heard of again.
      session.silent = true
      if (session.connected) send(session, { t: 'drop', held: lost })
      else if (session.leases.size === 0) holders.sessions.delete(session.row.id)
      if (budget <= 0) return
    }
  }

  /** Those of `held` that are neither leased to the session nor done by that very lease. */
  #lost(session: Session, held: readonly Held[]): Held[] {
    const { holders, ledger } = this.#around
    return held.filter(({ packet, generation }) => {
      const lease = holders.lease(packet)
      if (lease) return lease.generation !== generation || lease.session !== session.row.id
      const stored = ledger.packet(packet)
      return stored?.state !== 'done' || stored.generation !== generation
    })
  }

  #takeBack(session: Session, event: PacketEvent, now: number, which: (lease: Leased) => boolean): void {
    const { holders, ledger } = this.#around
    for (const lease of holders.leasesOf(session)) {
      if (which(lease)) ledger.apply(lease, event, now)
    }
  }
}
