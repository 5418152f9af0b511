/**
 * Who holds what, in memory: the sessions of a running pass, and the leases that each of them has. No two sessions hold
 * one packet, since a lease is one entry here, under the packet's id.
 */

import type { ErrorCode } from '../shared/error.ts'
import type { Work } from '../shared/protocol.ts'
import { restAfter, restsFrom, type Slots } from './core/dispatch.ts'
import type { Packet } from './core/packet.ts'
import { measured, rateOf, type Speed, unmeasured } from './core/speed.ts'
import type { SessionRow } from './session-table.ts'

export type Leased = Packet & { state: 'leased' }

export interface Session {
  readonly row: SessionRow
  connected: boolean
  /** When it was last heard of (ms since the epoch). */
  seen: number
  /** Lost leases because of it, and was not heard of since. */
  silent: boolean
  /** Packets that it could take now. */
  free: number
  inFlight: { objects: number; bytes: number }
  /** What it has done since the object woke. */
  did: { objects: number; bytes: number }
  readonly leases: Set<number>
  /** How many of its leases are on surveys, and on events. */
  surveys: number
  events: number
  speed: Speed
  /** Packets in a row that it could not work on, and until when it is given none because of that (ms since the epoch). */
  failures: number
  restsUntil: number
}

/** What one agent may lack and another one have: leave by its allow-list, a credential, a profile. */
const ofAgent: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['access-denied', 'bad-credentials', 'config'])

interface Survey {
  readonly since: number
  /** When it was last asked to give a part away; 0: never. */
  asked: number
  /** Whether it may be waiting for `proceed`. */
  held: boolean
}

export class Holders {
  readonly #leased = new Map<number, Leased>()
  readonly sessions = new Map<number, Session>()
  /** Of the leases, those on surveys. */
  readonly surveys = new Map<number, Survey>()
  /** How many of them are on events. */
  #events = 0

  /** Copy and verify packets that are leased. */
  get working(): number {
    return this.#leased.size - this.surveys.size - this.#events
  }

  lease(packet: number): Leased | undefined {
    return this.#leased.get(packet)
  }

  holderOf(packet: number): Session | undefined {
    const lease = this.#leased.get(packet)
    return lease && this.sessions.get(lease.session)
  }

  /** Whether an agent holds it by this very lease. */
  isLeased(packet: number, generation: number, agent: string): boolean {
    return this.holderOf(packet)?.row.agent === agent && this.#leased.get(packet)?.generation === generation
  }

  leasesOf(session: Session): Leased[] {
    return [...session.leases].map((id) => this.#leased.get(id)!)
  }

  connected(): Session[] {
    return [...this.sessions.values()].filter((session) => session.connected)
  }

  /** What `dispatch` chooses by. */
  slots(now: number): Slots[] {
    const heard = this.connected().filter(({ silent }) => !silent)
    const fit = heard.filter(({ restsUntil }) => restsUntil <= now)
    // Where all have trouble, it is none of the agents'.
    return (fit.length > 0 ? fit : heard).map(({ row, free, leases, surveys, events, speed }) => {
      return { session: row.id, free, held: leases.size, surveys, events, rate: rateOf(speed) }
    })
  }

  /** All leases, in no order. */
  leased(): Iterable<Leased> {
    return this.#leased.values()
  }

  /** The holder could not work on it, because of `code`. Where that is its own lack, it rests from the first time on. */
  failed({ session }: Leased, code: ErrorCode | null, now: number): void {
    const its = this.sessions.get(session)
    if (!its) return
    if (code && ofAgent.has(code)) its.failures = Math.max(its.failures, restsFrom)
    its.restsUntil = now + restAfter(++its.failures)
  }

  /** Whether an agent may be able to do what this session's says that it cannot, because of `code`. */
  mayOther(session: number, code: ErrorCode): boolean {
    const isFit = ({ row, silent, failures }: Session) =>
      row.id !== session && !silent && failures < restsFrom
    return ofAgent.has(code) && this.connected().some(isFit)
  }

  /** So much of a packet's work was done under this lease, in so many milliseconds. */
  measure({ session }: Leased, work: Work, ms: number): void {
    const its = this.sessions.get(session)
    if (!its) return
    its.speed = measured(its.speed, work, ms)
    its.failures = its.restsUntil = 0
  }

  /** What is counted now is in flight no more; the next heartbeat says what still is. */
  settled({ did, inFlight }: Session, objects: number, bytes: number): void {
    did.objects += objects
    did.bytes += bytes
    inFlight.objects = Math.max(0, inFlight.objects - objects)
    inFlight.bytes = Math.max(0, inFlight.bytes - bytes)
  }

  /** Its surveys may be waiting for a `proceed` that it was not sent, or that was lost. */
  mayHold(session: number): void {
    for (const id of this.sessions.get(session)?.leases ?? []) {
      const survey = this.surveys.get(id)
      if (survey) survey.held = true
    }
  }

  add(row: SessionRow, now: number): Session {
    const inFlight = { objects: 0, bytes: 0 }
    const leases = new Set<number>()
    const session: Session = {
      ...{ row, connected: false, seen: now, silent: false, free: 0, inFlight, leases },
      ...{
        surveys: 0,
        events: 0,
        speed: unmeasured,
        failures: 0,
        restsUntil: 0,
        did: { objects: 0, bytes: 0 },
      },
    }
    this.sessions.set(row.id, session)
    return session
  }

  /** A new lease, or what has become of it. Its session must be there. */
  note(packet: Leased): void {
    const session = this.sessions.get(packet.session)!
    if (packet.kind === 'event' && !this.#leased.has(packet.id)) {
      this.#events++
      session.events++
    }
    this.#leased.set(packet.id, packet)
    session.leases.add(packet.id)
    if (packet.kind === 'survey' && !this.surveys.has(packet.id)) {
      this.surveys.set(packet.id, { since: packet.since, asked: 0, held: false })
      session.surveys++
    }
  }

  forget({ id, kind, session: holder }: Leased): void {
    const session = this.sessions.get(holder)
    if (this.#leased.delete(id) && kind === 'event') {
      this.#events--
      if (session) session.events--
    }
    if (this.surveys.delete(id) && session) session.surveys--
    session?.leases.delete(id)
  }

  /** When each session that holds something was last heard of. */
  *seen(): Generator<number> {
    for (const { seen, leases } of this.sessions.values()) if (leases.size > 0) yield seen
  }
}
