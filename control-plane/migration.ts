/**
 * The `Migration` object: the live state of one migration, and its agents' sockets. This is the shell: what routes ask is answered here, and what
 * comes by socket is handed on, to its agents' side (reception.ts) or to those who watch (watchers.ts). Whatever changes, changes in a
 * transaction (transactions.ts).
 */
import { DurableObject } from 'cloudflare:workers'
import type { Cause } from '../shared/api/failures.ts'
import type { PassStatus } from '../shared/api/migrations.ts'
import type { BucketRow } from '../shared/api/watch.ts'
import type { Key } from '../shared/key.ts'
import type { Statement, Sums } from '../shared/ledger.ts'
import type { LifeView } from '../shared/life.ts'
import type { PassOptions } from '../shared/policy.ts'
import { closeCodes, ping, pong } from '../shared/protocol.ts'
import type { Range } from '../shared/range.ts'
import { mayStill } from './access/still.ts'
import { Alarm } from './alarm.ts'
import { type Certified, certify, sumsOf } from './certification.ts'
import { type Compared, compareFailures } from './comparison.ts'
import type { DeletesAnswer } from './core/deletes.ts'
import { refusesPass } from './core/life-pass.ts'
import { type Command, isUnderWay } from './core/life-state.ts'
import type { NewPacket } from './core/packet.ts'
import { equalOptions } from './core/pass.ts'
import { type Change, type Side, toldRanges } from './core/told-range.ts'
import { Door } from './door.ts'
import { type Env, lateWriteMs, localWorkspace, pace } from './env.ts'
import type { Meant, WaiverRow } from './failure-table.ts'
import { causesOf, countOf, type Page as FailuresPage, failuresOf } from './failures.ts'
import { closeSocket } from './incoming.ts'
import { type LeavesPage, leavesPage } from './leaves.ts'
import { type LifeAnswer, MigrationLife } from './life.ts'
import type { Defined } from './life-errands.ts'
import type { LivePass } from './live-pass.ts'
import { type Definition, MigrationTables } from './migration-tables.ts'
import { packetsPage, passesPage, passStatus, reportsPage, viewOf } from './migration-views.ts'
import { oldestEvent } from './oldest-event.ts'
import { PlacedPackets } from './packet-runs.ts'
import { firstPackets, newPass, type StartAnswer } from './pass-start.ts'
import type { PassRow } from './pass-table.ts'
import { Reception } from './reception.ts'
import { handBack, markRetried, type RetryAnswer, retryOf } from './retrying.ts'
import { settle } from './series.ts'
import { Sockets } from './sockets.ts'
import { Strips } from './strips.ts'
import { Teller } from './teller.ts'
import { Tickets, type Watcher } from './tickets.ts'
import { Transactions } from './transactions.ts'
import { type Rest, type Waived, waive } from './waiving.ts'
import { isWatch, Watchers } from './watchers.ts'

export class Migration extends DurableObject<Env> {
  readonly #sockets = new Sockets()
  readonly #alarm: Alarm
  readonly #watchers: Watchers
  #tables!: MigrationTables
  #tickets!: Tickets
  #placed!: PlacedPackets
  #strips!: Strips
  #teller!: Teller
  #life!: MigrationLife
  #transactions!: Transactions
  #reception!: Reception

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#alarm = new Alarm(ctx.storage)
    this.#watchers = new Watchers(
      {
        ctx,
        view: () => ({
          ...viewOf(this.#tables, this.#live, this.#strips, this.#sockets),
          life: this.#life.brief(),
        }),
        events: () => this.#tables.events.events,
        count: () => this.#strips.of(this.#tables.passes.last()!),
        mayStill: (watcher, now) => mayStill(env, this.#workspace, watcher, 'migrations:read', now),
        armAlarm: () => this.#transactions.arm(),
      },
      Date.now(),
    )
    this.#open()
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(ping, pong))
    ctx.blockConcurrencyWhile(async () => {
      await this.#alarm.wake()
      // What it slept over.
      this.#life.run(Date.now())
    })
  }

  /** All that lies on its storage. */
  #open(): void {
    const { ctx, env } = this
    this.#tables = new MigrationTables(ctx.storage)
    this.#tickets = new Tickets(ctx.storage.sql)
    this.#placed = new PlacedPackets(this.#tables)
    this.#strips = new Strips(this.#tables, this.#placed, () => this.#live)
    const [workspace = localWorkspace, id = ''] = ctx.id.name?.split('/') ?? []
    this.#teller = new Teller(env, { workspace, id }, this.#tables, () => this.#transactions.arm())
    const around = { ctx, pace: pace(env), tables: this.#tables, sockets: this.#sockets }
    const parts = { placed: this.#placed, strips: this.#strips, teller: this.#teller }
    const transactions = () => this.#transactions
    this.#life = new MigrationLife({
      ...{ env, tables: this.#tables, workspace, id, transactions },
      certify: (pass) => this.certify(pass),
      looseUntil: () => this.looseUntil(),
    })
    const lasting = { watchers: this.#watchers, alarm: this.#alarm, life: this.#life }
    this.#transactions = new Transactions({ ...around, ...parts, ...lasting }, Date.now())
    const door = new Door(ctx.storage.sql)
    this.#reception = new Reception({ ...around, door, transactions: this.#transactions })
  }

  get #live(): LivePass | null {
    return this.#transactions.live
  }

  /** From its own name: before the first pass nothing else says it. */
  get #workspace(): string {
    return this.ctx.id.name?.split('/')[0] ?? localWorkspace
  }

  // ---- what the routes ask

  startPass(definition: Definition, options: PassOptions): StartAnswer {
    const now = Date.now()
    const last = this.#live?.pass ?? this.#tables.passes.last()
    const refused = refusesPass(this.#life.now, options)
    if (refused) return { refused }
    if (last?.state === 'running') {
      if (this.#life.now.own?.number === last.number) return { busy: this.#status(last), isOfLife: true }
      if (last.retries !== null || !equalOptions(last.options, options)) return { busy: this.#status(last) }
      this.#transactions.commit(() => this.#live?.resume())
      return { pass: this.#status(last), resumed: true }
    }
    const pass = newPass(this.#tables, last, options, now)
    const packets = () => firstPackets(this.#tables, definition, pass)
    return { pass: this.#begin(definition, pass, packets), resumed: false }
  }

  #begin(definition: Definition, pass: PassRow, packets: () => NewPacket[]): PassStatus {
    this.#transactions.begin(definition, pass, packets)
    return this.#status(this.#tables.passes.last()!)
  }

  /**
   * A pass over what is meant of pass `number`, where it is open; `meant` is null for all of that (retrying.ts). Null where there is no such
   * pass.
   */
  retryPass(
    definition: Definition,
    number: number,
    options: PassOptions,
    meant: Meant | null,
  ): RetryAnswer | null {
    const pass = this.#tables.passes.get(number)
    if (!pass) return null
    const refused = refusesPass(this.#life.now, options)
    if (refused) return { refused }
    if (this.#live) return { busy: this.#live.pass.number }
    const since = this.#tables.passes.wholeAfter(number)
    if (since) return { since: since.number }
    const retried = retryOf(this.#tables, definition, pass, meant, options.kind)
    if (!retried) return { nothing: true }
    const { packets, objects, expected } = retried
    const retry = { retries: number, base: pass.base }
    const next = newPass(this.#tables, this.#tables.passes.last(), options, Date.now(), retry)
    const status = this.#begin(definition, next, () => {
      next.counters.expected = expected
      markRetried(this.#tables, pass, meant, next.number)
      return packets
    })
    return { pass: status, objects }
  }

  /** Some of those that are meant, from `rest` on (waiving.ts); `by` is null where waivers are taken back. Null where there is no such pass. */
  waive(number: number, meant: Meant, by: WaiverRow | null, rest: Rest): Waived | null {
    const pass = this.#tables.passes.get(number)
    if (!pass) return null
    const causes = this.#live?.pass.number === number ? this.#live.causes : undefined
    let waived: Waived = { objects: 0, rest: null }
    this.#transactions.commit(() => {
      waived = waive(this.#tables, pass, meant, by, rest, causes)
      if (waived.objects > 0 && settle(this.#tables, pass.base, Date.now())) this.#transactions.toTell()
    })
    return waived
  }

  /** Null where there is no such pass. One that is over stays as it is. */
  cancelPass(number: number, by: string): PassStatus | null {
    const live = this.#live
    if (live?.pass.number === number) {
      this.#transactions.commit(() => {
        live.cancel(Date.now())
        this.#life.cancelling(by)
        handBack(this.#tables, live.pass)
      })
    }
    return this.passStatus(number)
  }

  /** Null where there is no such pass. One that is over stays as it is, and so does one that is paused already, unless it is to stop. */
  pausePass(number: number, inFlight: 'finish' | 'stop', by: string): PassStatus | null {
    const live = this.#live
    const now = Date.now()
    if (this.#life.now.own?.number === number) this.#life.command({ do: 'pause', inFlight }, by, null)
    else if (live?.pass.number === number)
      this.#transactions.commit(() => live.pause({ since: now, by }, inFlight, now))
    return this.passStatus(number)
  }

  /** A pass of the migration's life is paused, and goes on, with all of it. */
  resumePass(number: number, by: string): PassStatus | null {
    if (this.#life.now.own?.number === number) this.#life.command({ do: 'resume' }, by, null)
    else if (this.#live?.pass.number === number) this.#transactions.commit(() => this.#live?.resume())
    return this.passStatus(number)
  }

  /**
   * The pass stays open until then (ms since the epoch) though nothing is left to do, for what events bring; null: it ends as soon as nothing
   * is. Null where there is no such pass; one that is over stays as it is.
   */
  holdPass(number: number, until: number | null): PassStatus | null {
    const live = this.#live
    if (live?.pass.number === number) this.#transactions.commit(() => live.hold(until))
    return this.passStatus(number)
  }

  /** Null where there is no such pass. `refused`: why the answer is not taken. */
  answerDeletes(number: number, answer: DeletesAnswer): PassStatus | { readonly refused: string } | null {
    const live = this.#live
    if (live?.pass.number !== number) return this.#tables.passes.get(number) && { refused: 'it is over' }
    let refused: string | null = null
    this.#transactions.commit(() => {
      refused = live.deletes.answer(answer)
      if (refused !== null) return
      this.#tables.passes.setUntold(number)
      this.#transactions.toTell()
    })
    return refused === null ? this.passStatus(number) : { refused }
  }

  /**
   * Keys of one side, relative to its location, have changed. Those that are taken become packets of the pass that runs, or of the next one; they
   * are stored when this returns. Before the first pass all are ignored: it will list them.
   */
  changed(side: Side, changes: readonly Change[]): Promise<{ taken: number; ignored: number }> {
    return this.#transactions.together(() => {
      const now = Date.now()
      return this.#live?.events.changed(side, changes, now) ?? this.#kept(side, changes, now)
    })
  }

  /** When the oldest change was that was told of and is not carried over (ms since the epoch); null: there is none. */
  oldestEvent(): number | null {
    return oldestEvent(this.#tables, this.#live)
  }

  #kept(side: Side, changes: readonly Change[], now: number): { taken: number; ignored: number } {
    const definition = this.#tables.definition()
    const told = definition ? toldRanges(definition, side, changes, now) : []
    this.#tables.changes.keep(side, told)
    return { taken: told.length, ignored: changes.length - told.length }
  }

  passStatus(number: number): PassStatus | null {
    const row = this.#tables.passes.get(number)
    return row && this.#status(row)
  }

  #status(row: PassRow): PassStatus {
    const live = this.#live?.pass.number === row.number ? this.#live : null
    // What is in memory is newer than the row.
    return passStatus(this.#tables, live?.pass ?? row, live)
  }

  passes(before: number, limit: number) {
    return passesPage(this.#tables, before, limit, (row) => this.#status(row))
  }

  /** Its number; 0 before the first. */
  lastPass(): number {
    return this.#tables.passes.last()?.number ?? 0
  }

  packets(pass: number, cursor: string | null, limit: number) {
    return packetsPage(this.#tables, this.#placed, pass, cursor, limit)
  }

  /** Of what failed, null where there is no such pass (failures.ts). */
  causes(number: number): Cause[] | null {
    const pass = this.#tables.passes.get(number)
    return pass && causesOf(this.#tables, pass)
  }

  failures(number: number, meant: Meant, from: number, limit: number): FailuresPage | null {
    const pass = this.#tables.passes.get(number)
    return pass && failuresOf(this.#tables, pass, meant, from, limit)
  }

  countFailures(number: number, meant: Meant, from: number, most: number) {
    const pass = this.#tables.passes.get(number)
    return pass && countOf(this.#tables, pass, meant, from, most)
  }

  /** Null where there is no such pass. */
  async comparison(from: number, to: number): Promise<Compared | null> {
    const [before, after] = [this.#tables.passes.get(from), this.#tables.passes.get(to)]
    return before && after && compareFailures(this.#tables, before, after)
  }

  reports(pass: number, from: number) {
    return reportsPage(this.#tables, pass, from)
  }

  // ---- its life

  life(): LifeView {
    return this.#life.view(Date.now())
  }

  /** `defined`: as the catalogue has it now. `ifMatch`: the revision that the caller has read; null: any. */
  commandLife(command: Command, by: string, defined: Defined, ifMatch: number | null): LifeAnswer {
    if (ifMatch !== null && ifMatch !== this.#life.now.revision) return { changed: true }
    this.#life.define(defined)
    return this.#life.command(command, by, null)
  }

  /** It was edited. One that was never begun is told when it is. */
  defineLife(defined: Defined): void {
    if (this.#life.now.state !== 'draft') this.#life.define(defined)
  }

  // ---- certificates

  /** Of a verification that has ended, stored; the same again answers with the same. Null where there is no such pass. */
  async certify(number: number): Promise<Certified | null> {
    const known = this.certificate(number)
    if (known) return { statement: known }
    const pass = this.#tables.passes.get(number)
    if (!pass) return null
    const around = { env: this.env, tables: this.#tables, placed: this.#placed }
    const certified = await certify(around, pass, Date.now)
    if ('refused' in certified) return certified
    // Somebody else may have asked at the same time.
    const first = this.certificate(number)
    if (first) return { statement: first }
    this.#transactions.commit(() => this.#tables.certificates.sign(number, certified.statement))
    return certified
  }

  /** Null where it is not certified. */
  certificate(number: number): Statement | null {
    return this.#tables.certificates.statement(number)
  }

  /** The newest first. */
  certificates(limit: number): Statement[] {
    return this.#tables.certificates.statements(limit)
  }

  /** Of a pass that is certified, from the start `from` on; null where it is not. */
  async leaves(number: number, from: Key | null): Promise<LeavesPage | null> {
    const pass = this.certificate(number) && this.#tables.passes.get(number)
    return pass && leavesPage(this.#tables, await this.#placed.of(pass), from)
  }

  /**
   * What a verification that has ended has found on both sides, whatever its depth: two that agree have found the same objects. Null where there is
   * no such pass, where it has not ended or could not look at everything, and where an agent of an older version has sealed nothing.
   */
  sums(number: number): Sums | null {
    const pass = this.#tables.passes.get(number)
    return pass && sumsOf(pass)
  }

  /** A verification that begins before then (ms) cannot be certified: a write under a lease that was lost may still land. 0: none was lost. */
  looseUntil(): number {
    const lost = this.#tables.certificates.lostAt()
    return lost === 0 ? 0 : lost + lateWriteMs(this.env)
  }

  // ---- watching

  /** The buckets of a pass, or of what overlaps `range`; null where there is no such pass. */
  strip(number: number, range: Range): Promise<BucketRow[] | null> {
    return this.#strips.rows(number, range)
  }

  ticket(watcher: Watcher): Promise<{ ticket: string; expiresAt: number }> {
    return this.#tickets.issue(watcher, Date.now())
  }

  redeem(ticket: string): Promise<Watcher | null> {
    return this.#tickets.redeem(ticket, Date.now())
  }

  /** Whether a report of this lease is wanted of this agent: it holds it now. */
  wantsReport(agent: string, pass: number, packet: number, generation: number): boolean {
    return this.#live?.pass.number === pass && this.#live.holders.isLeased(packet, generation, agent)
  }

  /** Shuts an agent out, for good. */
  revoke(agent: string): void {
    this.#reception.revoke(agent)
  }

  /** Forgets all of it; where a pass runs nothing, and answers with its number, and nothing where its life goes on; `anyway`: ends both. */
  async erase(anyway = false): Promise<number | 'life' | null> {
    if (!anyway && isUnderWay(this.#life.now)) return 'life'
    if (!anyway && this.#live) return this.#live.pass.number
    this.#life.forget()
    if (this.#live) this.#transactions.commit(() => this.#live?.cancel(Date.now()))
    await this.#teller.idle()
    await this.ctx.storage.deleteAlarm()
    await this.ctx.storage.deleteAll()
    this.#watchers.closeAll(closeCodes.over, 'this migration is deleted')
    this.#alarm.fired()
    // One of the same name may come after it.
    this.#open()
    return null
  }

  /** For tests and the bench: rows written since this object woke. */
  rowsWritten(): number {
    return this.#tables.rowsWritten
  }

  // ---- sockets

  override async fetch(request: Request): Promise<Response> {
    if (isWatch(request)) return this.#watchers.open(request, Date.now())
    return this.#reception.open(request, Date.now())
  }

  override webSocketMessage(socket: WebSocket, raw: string | ArrayBuffer): void {
    // What was on its way when we closed it.
    if (socket.readyState !== WebSocket.OPEN) return
    if (Watchers.has(socket)) {
      closeSocket(socket, closeCodes.protocol, 'this socket only tells')
      return
    }
    this.#reception.take(socket, raw)
  }

  override webSocketClose(socket: WebSocket, code: number): void {
    this.#reception.closed(socket, code)
  }

  override webSocketError(socket: WebSocket): void {
    this.#reception.gone(socket)
  }

  override async alarm(): Promise<void> {
    this.#alarm.fired()
    const now = Date.now()
    if ((this.#watchers.checkAt ?? Number.POSITIVE_INFINITY) <= now) await this.#watchers.check(now)
    this.#transactions.commit(() => {})
  }
}
