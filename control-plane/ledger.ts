/**
 * The packets of a running pass as they are stored: every step of one is a row written, and counted, in the transaction
 * that is open. Nothing here is remembered but the counters and the next ids.
 */

import type { Failure } from '../shared/protocol.ts'
import { Causes } from './core/causes.ts'
import { type Counters, countEffect, countPacket } from './core/counters.ts'
import { type NewPacket, type Packet, type PacketEvent, type Stepped, step } from './core/packet.ts'
import { type PassEnd, passEnd } from './core/pass.ts'
import type { MigrationTables } from './migration-tables.ts'
import type { PassRow } from './pass-table.ts'
import { earlierOf } from './series.ts'

/** Called with each packet that is new (`before` is null) or has changed. */
type Became = (before: Packet | null, after: Packet, now: number) => void

export class Ledger {
  readonly #tables: MigrationTables
  readonly #became: Became
  #nextPacket: number
  #nextFailure: number
  #dirty = false
  /** A lease was lost under which somebody may be writing still. */
  #lost = false
  /** Failures with ids from here on may have been waived before. */
  readonly #waivedFrom: number
  readonly causes: Causes
  pass: PassRow

  constructor(tables: MigrationTables, pass: PassRow, became: Became) {
    this.#tables = tables
    this.#became = became
    this.#nextPacket = tables.packets.next()
    this.#nextFailure = tables.failures.next()
    this.causes = new Causes(tables.failures.causes(pass.number))
    this.#waivedFrom = waivedFrom(tables, pass)
    this.pass = pass
  }

  /** Null where this pass has none of that id: what an earlier pass left leased stays so in its rows, and is nobody's. */
  packet(id: number): Packet | null {
    return id < this.pass.firstPacket ? null : this.#tables.packets.get(id)
  }

  /** The id of the packet that is inserted next. */
  get nextPacket(): number {
    return this.#nextPacket
  }

  /** Bytes of parts that are part of no object any more, or of one that is counted now. */
  lose(bytes: number): void {
    const { counters } = this.pass
    counters.gathered = Math.max(0, (counters.gathered ?? 0) - bytes)
    this.#dirty = true
  }

  /** Of the pass as a whole. */
  change(change: (counters: Counters) => void): void {
    change(this.pass.counters)
    this.#dirty = true
  }

  insert(packets: Iterable<NewPacket>, now: number): void {
    for (const packet of packets) {
      countPacket(this.pass.counters, null, packet)
      this.#store(packet, now)
      if (packet.kind !== 'event') this.#dirty = true
    }
  }

  apply(before: Packet, event: PacketEvent, now: number): Stepped {
    const around = { now, random: Math.random(), work: this.pass.options.kind }
    const stepped = step(before, event, around)
    const { packet, effects, refused } = stepped
    if (refused || packet === before) return stepped
    if (!isQuiet(before, stepped)) this.#dirty = true
    for (const effect of effects) {
      countEffect(this.pass.counters, effect)
      if (effect.is === 'insert') this.#store(effect.packet, now)
      if (effect.is !== 'fail') continue
      for (const failure of effect.failures) this.#fail(packet.id, failure, now)
    }
    countPacket(this.pass.counters, before, packet)
    if (isLost(before, event)) this.#lost = this.#writes
    this.#tables.packets.update(packet)
    this.#became(before, packet, now)
    return stepped
  }

  #fail(packet: number, failure: Failure, now: number): void {
    const { failures } = this.#tables
    const waiver = failures.waiverOf(this.#waivedFrom, failure)
    const cause = this.causes.add(failure, now, waiver !== null)
    failures.insert(this.#nextFailure++, packet, failure, { cause, at: now, waiver })
  }

  /** Whether nothing is left of the walk over the key space. */
  get isSettled(): boolean {
    const { ready, leased } = this.pass.counters.packets
    return ready + leased === 0
  }

  /**
   * Stores the counters where anything changed; how the pass ended, where nothing is left to do and it does not hold (`mayEnd`). To be called
   * last.
   */
  close(now: number, mayEnd: boolean, strip: () => string | null): PassEnd | null {
    const isOver = mayEnd && this.isSettled
    this.#keepLost(now)
    if (!this.#dirty && !isOver) return null
    this.#dirty = false
    this.#tables.failures.saveCauses(this.pass.number, this.causes.changed())
    const { counters, options } = this.pass
    const state = isOver ? passEnd(counters, options, earlierOf(this.#tables, this.pass)) : null
    if (state) this.#end(state, now, strip())
    else this.#tables.passes.saveCounters(this.pass)
    return state
  }

  /** `isAtWork`: whether packets are leased that are no surveys. */
  cancel(now: number, isAtWork: boolean, strip: () => string | null): void {
    const { packets } = this.pass.counters
    if (isAtWork) this.#lost = this.#writes
    this.#keepLost(now)
    packets.ready += packets.leased
    packets.leased = 0
    this.#end('cancelled', now, strip())
  }

  #end(state: PassEnd, now: number, strip: string | null): void {
    this.pass = { ...this.pass, state, endedAt: now, told: false }
    this.#tables.passes.end(this.pass, strip)
  }

  get #writes(): boolean {
    const { kind, dryRun } = this.pass.options
    return kind === 'copy' && !dryRun
  }

  #keepLost(now: number): void {
    if (this.#lost) this.#tables.certificates.setLostAt(now)
    this.#lost = false
  }

  #store(packet: NewPacket, now: number): void {
    const id = this.#nextPacket++
    this.#tables.packets.insert(id, packet)
    this.#became(null, { ...packet, id }, now)
  }
}

const isLost = (before: Packet, event: PacketEvent): boolean =>
  before.state === 'leased' &&
  before.kind !== 'survey' &&
  (event.t === 'supersede' || (event.t === 'expire' && event.isSaid !== true))

/** Whether no figure of the pass has changed: so it is with an event that waits, or is leased, which may happen hundreds of times a second. */
function isQuiet(before: Packet, { packet, effects }: Stepped): boolean {
  const leave = (each: Packet) => (each.state === 'leased' ? each.deletes : 0)
  return packet.kind === 'event' && effects.length === 0 && leave(before) === leave(packet)
}

/** A waiver holds as long as every pass finds the same: from the last pass over everything on. */
function waivedFrom(tables: MigrationTables, { number, base, firstFailure }: PassRow): number {
  const before = base === number ? tables.passes.wholeBefore(number) : tables.passes.get(base)
  return before?.firstFailure ?? firstFailure
}
