/**
 * Who holds what, in memory: the sessions of a running pass, and the leases that each of them has. No two sessions hold
 * one packet, since a lease is one entry here, under the packet's id.
 */
import type { Slots } from './core/dispatch.ts'
import type { Packet } from './core/packet.ts'
import type { SessionRow } from './migration-tables.ts'

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
  readonly leases: Set<number>
}

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

  /** Copy and verify packets that are leased. */
  get working(): number {
    return this.#leased.size - this.surveys.size
  }

  lease(packet: number): Leased | undefined {
    return this.#leased.get(packet)
  }

  holderOf(packet: number): Session | undefined {
    const lease = this.#leased.get(packet)
    return lease && this.sessions.get(lease.session)
  }

  leasesOf(session: Session): Leased[] {
    return [...session.leases].map((id) => this.#leased.get(id)!)
  }

  connected(): Session[] {
    return [...this.sessions.values()].filter((session) => session.connected)
  }

  /** What `dispatch` chooses by. */
  slots(): Slots[] {
    const heard = this.connected().filter(({ silent }) => !silent)
    return heard.map(({ row, free, leases }) => {
      let surveys = 0
      for (const id of leases) if (this.surveys.has(id)) surveys++
      return { session: row.id, free, held: leases.size, surveys }
    })
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
    const session = { row, connected: false, seen: now, silent: false, free: 0, inFlight, leases }
    this.sessions.set(row.id, session)
    return session
  }

  /** A new lease, or what has become of it. Its session must be there. */
  note(packet: Leased): void {
    this.#leased.set(packet.id, packet)
    this.sessions.get(packet.session)!.leases.add(packet.id)
    if (packet.kind === 'survey' && !this.surveys.has(packet.id)) {
      this.surveys.set(packet.id, { since: packet.since, asked: 0, held: false })
    }
  }

  forget({ id, session }: Leased): void {
    this.#leased.delete(id)
    this.surveys.delete(id)
    this.sessions.get(session)?.leases.delete(id)
  }

  /** When each session that holds something was last heard of. */
  *seen(): Generator<number> {
    for (const { seen, leases } of this.sessions.values()) if (leases.size > 0) yield seen
  }
}
