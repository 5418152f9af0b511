/**
 * The life of a migration as its object leads it: core/life.ts says what comes of what; here it is stored, in the transaction of what it is
 * about, and what it wants done outside of one is done after that. Of such an errand nothing is stored: it follows from the life, so an object
 * that wakes in the middle of one does it again, and what comes of it counts only while the life is as it was when it began.
 */
import type { WebhookEvent } from '../shared/api/webhook-events.ts'
import type { Check, LifeBrief, LifeView } from '../shared/life.ts'
import type { PassOptions } from '../shared/policy.ts'
import type { Certified } from './certification.ts'
import { nextErrand } from './core/errand.ts'
import { type Life, type LifeEffect, type LifeEvent, newLife, type Surroundings, step } from './core/life.ts'
import { lifeEvents } from './core/life-events.ts'
import { type Command, inChecklist, type Purpose, type Refused, type Stepped } from './core/life-state.ts'
import { briefOf, viewOf } from './core/life-view.ts'
import type { Env } from './env.ts'
import { type Defined, doErrand, type ErrandsAround, messageOf } from './life-errands.ts'
import { passFacts, surroundings } from './life-facts.ts'
import type { LivePass } from './live-pass.ts'
import type { Definition, MigrationTables } from './migration-tables.ts'
import { firstPackets, newPass } from './pass-start.ts'
import { thin } from './thinning.ts'
import type { Transactions } from './transactions.ts'

/** How long an errand may be under way before the alarm looks whether its object has slept over it, in ms. */
const errandMs = 60_000
/** A pass that follows stays open from the moment at which nothing is left to do; that is known only then. */
const openEnd = 8_640_000_000_000_000

export type LifeAnswer =
  /** `before`: the revision that it was of, and the checklist that was worked through. */
  | { readonly life: LifeView; readonly before: number; readonly checks: readonly Check[] }
  | { readonly refused: Refused }
  /** It is of another revision than the caller has read. */
  | { readonly changed: true }

interface Around {
  readonly env: Env
  readonly tables: MigrationTables
  readonly workspace: string
  readonly id: string
  readonly transactions: () => Transactions
  certify(pass: number): Promise<Certified | null>
  looseUntil(): number
}

const followedBy = ({ own, isBackfilled }: Life): number | null =>
  own?.purpose === 'follow' && isBackfilled ? own.number : null

export class MigrationLife {
  readonly #around: Around
  readonly #errands: ErrandsAround
  #life: Life
  #errand: { readonly since: number } | null = null
  /** Whether a pass was known to ask whether it may delete so much. */
  #asks = false
  /** The pass that follows, from the second on, or that did last. */
  #follows: number | null = null
  /** Who has cancelled the pass that runs, in this transaction. */
  #cancelledBy: string | null = null

  constructor(around: Around) {
    this.#around = around
    this.#life = around.tables.life()
    const { env, tables, workspace, id } = around
    this.#errands = {
      ...{ env, tables, workspace, id },
      certify: (pass) => around.certify(pass),
      isStill: (life) => this.#life === life,
      hear: (life, event) => this.#hear(life, event),
      define: (defined) => this.define(defined),
      begin: (...args) => this.#begin(...args),
      commit: (change) => around.transactions().commit(change),
    }
  }

  /** In place. */
  get now(): Life {
    return this.#life
  }

  /** As it is stored: after a transaction that failed. */
  wake(): void {
    this.#life = this.#around.tables.life()
    this.#cancelledBy = null
    this.#asks = false
    this.#follows = followedBy(this.#life)
  }

  /** All of it is being deleted: what comes of an errand is of no use any more. */
  forget(): void {
    this.#life = { ...newLife }
  }

  view(now: number): LifeView {
    const live = this.#live
    const asks = live?.deletes.asks
    const deletes = asks ? { pass: live.pass.number, objects: asks.deletes, of: asks.of } : null
    return viewOf(this.#life, this.#surroundings(now), { events: live?.events.changes.size ?? 0, deletes })
  }

  get #live(): LivePass | null {
    return this.#around.transactions().live
  }

  #surroundings(now: number): Surroundings {
    return surroundings(this.#around.tables, this.#live, this.#around.looseUntil(), now)
  }

  /** `ifMatch`: the revision that the caller has read; null: whatever it is. */
  command(command: Command, by: string, ifMatch: number | null): LifeAnswer {
    const now = Date.now()
    const { revision: before, checklist } = this.#life
    if (ifMatch !== null && ifMatch !== before) return { changed: true }
    let refused: Refused | null = null
    this.#around.transactions().commit(() => {
      refused = this.#step({ t: 'command', command, by }, now).refused
    })
    return refused ? { refused } : { life: this.view(now), before, checks: checklist?.checks ?? [] }
  }

  /** How the migration follows, as the catalogue has it now. Whether that is new. */
  define({ follow, noWayBack }: Defined): boolean {
    const { follow: was, noWayBack: had } = this.#life
    if (JSON.stringify([follow, noWayBack]) === JSON.stringify([was, had])) return false
    const event = { t: 'defined', follow, noWayBack } as const
    this.#around.transactions().commit(() => void this.#step(event, Date.now()))
    return true
  }

  /** In the transaction that cancels the pass that runs. */
  cancelling(by: string): void {
    this.#cancelledBy = by
  }

  /**
   * Whether webhooks need not hear of this: passes that follow come and go all the time. That one left something is told of the first in a row.
   */
  keepsQuiet({ type, data }: WebhookEvent): boolean {
    if (!('pass' in data) || data.pass !== this.#follows) return false
    if (type === 'pass.failed') return this.#life.failingSince !== data.startedAt
    return type === 'pass.started' || (type === 'pass.finished' && data.state === 'complete')
  }

  // ---- in a transaction

  #step(event: LifeEvent, now: number): Stepped {
    const before = this.#life
    const stepped = step(before, event, this.#surroundings(now))
    if (event.t === 'began') this.#follows = followedBy(stepped.life)
    if (stepped.life !== before) {
      this.#life = stepped.life
      this.#around.tables.setLife(stepped.life)
      this.#tell(before, stepped.life, event, now)
    }
    for (const effect of stepped.effects) this.#carryOut(effect, before, now)
    return stepped
  }

  /** What others are to hear of a step; they do once the transaction is over. */
  #tell(before: Life, after: Life, cause: LifeEvent, now: number): void {
    const { tables } = this.#around
    const events = lifeEvents(this.#around, before, after, cause, now)
    for (const event of events) tables.announcements.add(event)
    const [was, is] = [this.#briefOf(before), this.#briefOf(after)]
    const isNew = was.state !== is.state || was.direction !== is.direction || was.paused !== is.paused
    const isToTell = isNew || was.asks !== is.asks || was.failingSince !== is.failingSince
    if (isToTell) tables.setUntoldLife(is)
    if (isToTell || events.length > 0) this.#around.transactions().toTell()
  }

  #briefOf(life: Life): LifeBrief {
    return briefOf(life, (this.#live?.deletes.asks ?? null) !== null)
  }

  /** In short: what those are told who watch. Null where it was never begun. */
  brief(): LifeBrief | null {
    return this.#life.revision === 0 ? null : this.#briefOf(this.#life)
  }

  #carryOut(effect: LifeEffect, before: Life, now: number): void {
    const live = this.#live
    if (live?.pass.state !== 'running') return
    switch (effect.is) {
      // Whoever has begun it.
      case 'pause':
        live.pause({ since: now, by: effect.by }, effect.inFlight, now)
        return
      case 'resume':
        live.resume()
        return
      case 'hold':
        if (live.pass.number === before.own?.number) live.hold(effect.until)
        return
      case 'cancel':
        if (live.pass.number === before.own?.number) live.cancel(now)
        return
      default:
        effect satisfies never
    }
  }

  /** What the transaction so far means to the life, and what time alone does. Whether anything changed. */
  turn(now: number): boolean {
    const first = this.#life
    this.#noteAsks()
    for (;;) {
      const before = this.#life
      const event = this.#whatHappened()
      if (event) this.#step(event, now)
      if (this.#life === before) break
    }
    this.#cancelledBy = null
    return this.#life !== first
  }

  /** That a pass asks is no step of the life, but shown with it. */
  #noteAsks(): void {
    const asks = this.#live?.pass.counters.deletes?.asked ?? false
    if (asks === this.#asks || this.#life.revision === 0) return
    this.#asks = asks
    this.#around.tables.setUntoldLife(this.#briefOf(this.#life))
    this.#around.transactions().toTell()
  }

  #whatHappened(): LifeEvent | null {
    const { own, state, failingSince } = this.#life
    const live = this.#live
    if (own) {
      const { tables } = this.#around
      const pass = live?.pass.number === own.number ? live.pass : tables.passes.get(own.number)
      if (pass && pass.state !== 'running')
        return { t: 'ended', pass: passFacts(tables, pass), by: this.#cancelledBy }
      if (live && pass && state === 'surveying' && pass.counters.surveys === 0)
        return { t: 'surveyed', pass: own.number }
      const isSettled = live?.isSettled && live.holdsUntil !== null
      if (pass && own.settled === null && isSettled) return { t: 'settled', pass: passFacts(tables, pass) }
    }
    return inChecklist(this.#life) || failingSince !== null ? { t: 'tick' } : null
  }

  // ---- after a transaction

  /** When to look again by alarm (ms); null: nothing comes by itself. */
  get wakeAt(): number | null {
    if (this.#errand) return this.#errand.since + errandMs
    return this.#next()?.at ?? null
  }

  #next() {
    return nextErrand(this.#life, {
      running: this.#live?.pass.number ?? null,
      looseUntil: this.#around.looseUntil(),
    })
  }

  /** Does what is due. */
  run(now: number): void {
    const next = this.#next()
    if (!next || next.at > now) return
    if (this.#errand && now < this.#errand.since + errandMs) return
    const errand = { since: now }
    this.#errand = errand
    const life = this.#life
    void doErrand(next.errand, life, this.#errands)
      .catch((error) => this.#hear(life, { t: 'failed', message: messageOf(error) }))
      .finally(() => {
        if (this.#errand !== errand) return
        this.#errand = null
        this.#around.transactions().attempt(() => {})
      })
  }

  /** What came of an errand: nothing where the life has changed since it was begun. */
  #hear(life: Life, event: LifeEvent): void {
    this.#around.transactions().attempt(() => {
      if (this.#life === life) this.#step(event, Date.now())
    })
  }

  /** In one transaction with what the life makes of it; nothing where the life has changed, or somebody else has begun one. */
  #begin(definition: Definition, options: PassOptions, purpose: Purpose, life: Life): void {
    const { tables } = this.#around
    const transactions = this.#around.transactions()
    if (this.#life !== life || transactions.live) return
    const now = Date.now()
    const pass = newPass(tables, tables.passes.last(), options, now)
    transactions.begin(
      definition,
      pass,
      () => firstPackets(tables, definition, pass),
      (live) => {
        if (purpose === 'follow' && life.follow.events.length > 0) live.hold(openEnd)
        this.#step({ t: 'began', pass: pass.number, purpose }, now)
        thin(tables)
      },
    )
  }
}
