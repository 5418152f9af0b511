/**
 * The `Migration` object: the live state of one migration, and its agents' sockets.
 *
 * Messages that arrive together are applied in one transaction (`#commit`): step, store, count; only then is anything
 * answered. A transaction that fails changes nothing: the memory is thrown away and built again from the tables, and the
 * sockets whose messages were in it are closed, so that their agents connect anew and send again.
 */
import { DurableObject } from 'cloudflare:workers'
import type { Cause } from '../shared/api/failures.ts'
import type { PassStatus } from '../shared/api/migrations.ts'
import type { BucketRow } from '../shared/api/watch.ts'
import type { PassOptions } from '../shared/policy.ts'
import { type AgentMessage, closeCodes, ping, pong, protocolVersion } from '../shared/protocol.ts'
import type { Range } from '../shared/range.ts'
import { mayStill } from './access/still.ts'
import { Alarm } from './alarm.ts'
import { Batches } from './batches.ts'
import { type Compared, compareFailures } from './comparison.ts'
import { passEvents } from './core/events.ts'
import type { NewPacket } from './core/packet.ts'
import { equalOptions } from './core/pass.ts'
import { reaches, reachOfAll, withoutSites } from './core/place.ts'
import { nextAlarm } from './core/schedule.ts'
import { fitted } from './core/status-size.ts'
import { happened, type Standing, standing } from './core/watch-events.ts'
import { Door } from './door.ts'
import { type Env, localWorkspace, pace } from './env.ts'
import type { Meant, WaiverRow } from './failure-table.ts'
import { causesOf, countOf, type Page as FailuresPage, failuresOf } from './failures.ts'
import { closeAnswer, closeSocket, parseAgentMessage } from './incoming.ts'
import { LivePass } from './live-pass.ts'
import { type Definition, MigrationTables } from './migration-tables.ts'
import { packetsPage, passesPage, passStatus, reportsPage } from './migration-views.ts'
import { PlacedPackets } from './packet-runs.ts'
import { firstPackets, newPass } from './pass-start.ts'
import type { PassRow } from './pass-table.ts'
import { handBack, markRetried, retryOf } from './retrying.ts'
import { changedIn } from './series.ts'
import { Sockets } from './sockets.ts'
import { Strips } from './strips.ts'
import { Teller } from './teller.ts'
import { Tickets, type Watcher } from './tickets.ts'
import { type Rest, type Waived, waive } from './waiving.ts'
import { isWatch, type View, Watchers } from './watchers.ts'

interface Incoming {
  readonly socket: WebSocket
  readonly message: AgentMessage
}

export type RetryAnswer =
  /** `objects`: failures that are tried again. */
  | { readonly pass: PassStatus; readonly objects: number }
  /** A pass of this number runs. */
  | { readonly busy: number }
  /** A later pass has looked at everything. */
  | { readonly since: number }
  | { readonly nothing: true }

export type StartAnswer =
  | { readonly pass: PassStatus; readonly resumed: boolean }
  /** An unfinished pass with other options is in the way. */
  | { readonly busy: PassStatus }

export class Migration extends DurableObject<Env> {
  #tables: MigrationTables
  #teller: Teller
  readonly #pace: { leaseMs: number; heartbeatMs: number }
  readonly #sockets = new Sockets()
  #tickets: Tickets
  readonly #watchers: Watchers
  #strips: Strips
  #placed: PlacedPackets
  #door: Door
  /** Closed by us, whatever is still on its way from them. */
  readonly #shut = new WeakSet<WebSocket>()
  readonly #batches = new Batches<Incoming>(
    (batch) => this.#receiveAll(batch),
    (run) => void setTimeout(run, 0),
  )
  #live: LivePass | null = null
  readonly #alarm: Alarm
  /** The transaction changed the pass's state. */
  #untold = false
  #splitTimer: ReturnType<typeof setTimeout> | null = null

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#door = new Door(ctx.storage.sql)
    this.#tickets = new Tickets(ctx.storage.sql)
    this.#tables = new MigrationTables(ctx.storage)
    this.#placed = new PlacedPackets(this.#tables)
    this.#strips = new Strips(this.#tables, this.#placed, () => this.#live)
    this.#pace = pace(env)
    this.#teller = new Teller(env, this.#tables, () => this.#armAlarm())
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(ping, pong))
    this.#alarm = new Alarm(ctx.storage)
    ctx.blockConcurrencyWhile(() => this.#alarm.wake())
    this.#wake(Date.now())
    const around = {
      ctx,
      view: () => this.#view(),
      events: () => this.#tables.events.events,
      count: () => this.#strips.of(this.#tables.passes.last()!),
      mayStill: (watcher: Watcher, now: number) =>
        mayStill(env, this.#workspace, watcher, 'migrations:read', now),
      armAlarm: () => this.#armAlarm(),
    }
    this.#watchers = new Watchers(around, Date.now())
  }

  /** From its own name: before the first pass nothing else says it. */
  get #workspace(): string {
    return this.ctx.id.name?.split('/')[0] ?? localWorkspace
  }

  /** Memory from the tables and from the sockets that outlived the sleep. */
  #wake(now: number): void {
    const pass = this.#tables.passes.last()
    this.#tables.events.read()
    this.#live = pass?.state === 'running' ? this.#lived(pass, now) : null
    this.#sockets.clear()
    const rows = new Map(this.#tables.sessions.all().map((row) => [row.id, row]))
    for (const { socket, session, free } of Sockets.awake(this.ctx.getWebSockets())) {
      const row = rows.get(session)
      if (!row) continue
      this.#sockets.set(session, socket, free)
      this.#live?.attendance.reconnect(row, free, now)
    }
  }

  #lived(pass: PassRow, now: number): LivePass {
    const { number } = pass
    return new LivePass(this.#tables, pass, this.#pace.leaseMs, now, (packet) =>
      this.#placed.became(number, packet),
    )
  }

  // ---- what the routes ask

  startPass(definition: Definition, options: PassOptions): StartAnswer {
    const now = Date.now()
    const last = this.#live?.pass ?? this.#tables.passes.last()
    if (last?.state === 'running') {
      if (last.retries !== null || !equalOptions(last.options, options)) return { busy: this.#status(last) }
      this.#commit(() => this.#live?.resume())
      return { pass: this.#status(last), resumed: true }
    }
    const pass = newPass(this.#tables, last, options, now)
    const status = this.#begin(definition, pass, () => firstPackets(this.#tables, definition, pass))
    return { pass: status, resumed: false }
  }

  #begin(definition: Definition, pass: PassRow, packets: () => NewPacket[]): PassStatus {
    const now = Date.now()
    this.#watchers.history.clear()
    this.#watchers.traces.clear()
    this.#commit(() => {
      const first = packets()
      this.#tables.setDefinition(definition)
      this.#tables.passes.insert(pass)
      this.#live = this.#lived(pass, now)
      this.#live.insert(first, now)
      this.#untold = true
    })
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
    const live = this.#live?.pass.number === number ? this.#live : null
    const pass = live?.pass ?? this.#tables.passes.get(number)
    if (!pass) return null
    let waived: Waived = { objects: 0, rest: null }
    this.#commit(() => {
      waived = waive(this.#tables, pass, meant, by, rest, live?.causes)
      if (waived.objects > 0) this.#settle(pass.base)
    })
    return waived
  }

  /** Passes that are over may be in another state now; the fleet, the catalogue and the courier hear of it. */
  #settle(base: number): void {
    const { announcements } = this.#tables
    for (const pass of changedIn(this.#tables, base)) {
      this.#tables.passes.setState(pass.number, pass.state)
      const ended = { state: 'running', parked: pass.counters.packets.parked } as const
      for (const event of passEvents(this.#tables.definition()!, ended, pass, Date.now()))
        announcements.add(event)
      this.#untold = true
    }
    const last = this.#tables.passes.last()
    if (last?.base !== base || last.state === 'running') return
    this.#tables.passes.setUntold(last.number)
    this.#untold = true
  }

  /** Null where there is no such pass. One that is over stays as it is. */
  cancelPass(number: number): PassStatus | null {
    const live = this.#live
    if (live?.pass.number === number) {
      this.#commit(() => {
        live.cancel(Date.now())
        handBack(this.#tables, live.pass)
      })
    }
    return this.passStatus(number)
  }

  /** Null where there is no such pass. One that is over stays as it is, and so does one that is paused already, unless it is to stop. */
  pausePass(number: number, inFlight: 'finish' | 'stop', by: string): PassStatus | null {
    const live = this.#live
    const now = Date.now()
    if (live?.pass.number === number) this.#commit(() => live.pause({ since: now, by }, inFlight, now))
    return this.passStatus(number)
  }

  resumePass(number: number): PassStatus | null {
    if (this.#live?.pass.number === number) this.#commit(() => this.#live?.resume())
    return this.passStatus(number)
  }

  passStatus(number: number): PassStatus | null {
    const pass = this.#live?.pass.number === number ? this.#live.pass : this.#tables.passes.get(number)
    return pass && this.#status(pass)
  }

  #status(pass: PassRow): PassStatus {
    const live = this.#live?.pass.number === pass.number ? this.#live : null
    const status = passStatus(this.#tables, pass, live?.holders.sessions.values() ?? [])
    return live?.paused ? fitted({ ...status, paused: live.paused }) : status
  }

  passes(before: number, limit: number) {
    // What is in memory is newer than the rows.
    const now = (row: PassRow) => (this.#live?.pass.number === row.number ? this.#live.pass : row)
    return passesPage(this.#tables, before, limit, (row) => this.#status(now(row)))
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

  #view(): View {
    const live = this.#live
    const pass = live?.pass ?? this.#tables.passes.last()
    if (!pass) return { pass: null, strip: null, workers: [] }
    return {
      pass: this.#status(pass),
      strip: this.#strips.known(pass),
      workers: (live?.holders.connected() ?? []).map((session) => ({
        session: session.row.id,
        agent: session.row.agent,
        site: this.#sockets.siteOf(session.row.id),
        leased: live!.holders.leasesOf(session),
        objects: session.did.objects + session.inFlight.objects,
        bytes: session.did.bytes + session.inFlight.bytes,
      })),
    }
  }

  #noteHistory({ counts, inFlight }: PassStatus): readonly [number, number, number] {
    const { objects, bytes } = counts
    return [objects.listed + inFlight.objects, bytes.copied + inFlight.bytes, objects.failed]
  }

  /** Whether a report of this lease is wanted of this agent: it holds it now. */
  wantsReport(agent: string, pass: number, packet: number, generation: number): boolean {
    return this.#live?.pass.number === pass && this.#live.holders.isLeased(packet, generation, agent)
  }

  /** Shuts an agent out, and gives what it holds back at once. */
  revoke(agent: string): void {
    this.#door.shutOut(agent)
    for (const socket of this.ctx.getWebSockets()) {
      if (Sockets.agentOf(socket) === agent) this.#reject(socket, closeCodes.revoked, 'this agent is revoked')
    }
    this.#commit(() => this.#live?.attendance.shutOut(agent, Date.now()))
  }

  /** Forgets all of it; where a pass runs nothing, and answers with its number. */
  async erase(): Promise<number | null> {
    if (this.#live) return this.#live.pass.number
    await this.#teller.idle()
    await this.ctx.storage.deleteAlarm()
    await this.ctx.storage.deleteAll()
    // One of the same name may come after it.
    this.#door = new Door(this.ctx.storage.sql)
    this.#tickets = new Tickets(this.ctx.storage.sql)
    this.#watchers.closeAll(closeCodes.over, 'this migration is deleted')
    this.#tables = new MigrationTables(this.ctx.storage)
    this.#placed = new PlacedPackets(this.#tables)
    this.#strips = new Strips(this.#tables, this.#placed, () => this.#live)
    this.#teller = new Teller(this.env, this.#tables, () => this.#armAlarm())
    this.#alarm.fired()
    return null
  }

  /** For tests and the bench: rows written since this object woke. */
  rowsWritten(): number {
    return this.#tables.rowsWritten
  }

  // ---- sockets

  override async fetch(request: Request): Promise<Response> {
    if (isWatch(request)) return this.#watchers.open(request, Date.now())
    const visitor = this.#door.admit(request, Date.now())
    if (visitor instanceof Response) return visitor
    const definition = this.#tables.definition()
    // Nobody is told of places that are none of its site's business, assigned or not.
    if (definition && !reaches(reachOfAll(definition), visitor.site)) {
      return new Response(`the site ${visitor.site} does not reach all locations of this migration`, {
        status: 403,
      })
    }
    const { 0: client, 1: server } = new WebSocketPair()
    this.ctx.acceptWebSocket(server)
    Sockets.opened(server, visitor.agent, visitor.site)
    return new Response(null, { status: 101, webSocket: client })
  }

  override webSocketMessage(socket: WebSocket, raw: string | ArrayBuffer): void {
    // What was on its way when we closed it.
    if (socket.readyState !== WebSocket.OPEN) return
    if (Watchers.has(socket)) {
      closeSocket(socket, closeCodes.protocol, 'this socket only tells')
      return
    }
    const parsed = parseAgentMessage(raw)
    if ('message' in parsed) {
      this.#batches.add({ socket, message: parsed.message })
      return
    }
    this.#reject(socket, parsed.code, parsed.reason)
    // What it held under its former version nobody will give back: it is free for others at once.
    if (parsed.outdated)
      this.#attempt(() => this.#live?.attendance.giveBack(Sockets.agentOf(socket), Date.now()))
  }

  #receiveAll(batch: readonly Incoming[]): void {
    const applied = this.#attempt(() => {
      for (const incoming of batch) this.#receive(incoming)
    })
    if (applied) return
    for (const { socket } of batch) {
      this.#reject(socket, closeCodes.failed, 'the control plane failed; connect again')
    }
  }

  /** Nothing is leased to it from here on, whether or not its other end ever answers. */
  #reject(socket: WebSocket, code: number, reason: string): void {
    this.#close(socket, code, reason)
    this.#disconnect(socket)
  }

  #close(socket: WebSocket, code: number, reason: string): void {
    this.#shut.add(socket)
    closeSocket(socket, code, reason)
  }

  override webSocketClose(socket: WebSocket, code: number): void {
    this.#disconnect(socket)
    closeSocket(socket, closeAnswer(code), '')
  }

  override webSocketError(socket: WebSocket): void {
    this.#disconnect(socket)
  }

  #disconnect(socket: WebSocket): void {
    const session = Sockets.sessionOf(socket)
    if (session === null || !this.#sockets.isCurrent(session, socket)) return
    this.#attempt(() => {
      this.#sockets.forget(session)
      this.#live?.attendance.disconnect(session)
    })
  }

  #receive({ socket, message }: Incoming): void {
    // Its own last words count; what comes after ours does not.
    if (this.#shut.has(socket)) return
    const id = Sockets.sessionOf(socket)
    if (message.t === 'hello') {
      if (id === null) this.#hello(socket, message)
      else this.#close(socket, closeCodes.protocol, 'hello comes once')
      return
    }
    if (id === null) {
      this.#close(socket, closeCodes.protocol, 'hello comes first')
      return
    }
    const session = this.#live?.holders.sessions.get(id)
    // Of a pass that is over, or from a socket that another one has replaced: there is nothing to change.
    if (!session || !this.#sockets.isCurrent(id, socket)) return
    this.#live?.receive(session, message, Date.now())
  }

  #hello(socket: WebSocket, message: AgentMessage & { t: 'hello' }): void {
    const live = this.#live
    if (!live) {
      const { number, state } = this.#tables.passes.last() ?? {}
      if (number && state && state !== 'running')
        socket.send(JSON.stringify({ t: 'end', pass: number, state }))
      this.#close(socket, closeCodes.over, 'no pass is running')
      return
    }
    const said = live.attendance.hello(Sockets.agentOf(socket), message, Date.now())
    if (!said) {
      this.#close(socket, closeCodes.superseded, 'another process works with this agent’s identity')
      return
    }
    const { session, superseded, lost } = said
    for (const id of superseded) {
      this.#sockets.close(id, closeCodes.superseded, 'another process works with this agent’s identity')
    }
    this.#sockets.close(session.row.id, closeCodes.failed, 'the same session connected again')
    this.#sockets.set(session.row.id, socket)
    const { number, options, startedAt } = live.pass
    const { id, workspace: _, ...definition } = this.#tables.definition()!
    const uploads = live.leftUploads
    live.out.push({
      session: session.row.id,
      message: {
        t: 'welcome',
        protocol: protocolVersion,
        migration: id,
        pass: { number, options, startedAt },
        ...definition,
        source: withoutSites(definition.source),
        destination: withoutSites(definition.destination),
        ...this.#pace,
        lost,
        ...(uploads.length > 0 && { uploads }),
      },
    })
  }

  // ---- one transaction

  /** Runs `change`, and whatever is due, in one transaction; then sends what came of it. */
  #commit(change: () => void): void {
    // What arrived before comes before: the last words of an agent that closes its socket, say.
    this.#batches.flush()
    const now = Date.now()
    let again: number | null = null
    const before = this.#live && standing(this.#live.pass)
    try {
      this.ctx.storage.transactionSync(() => {
        change()
        if (this.#live?.pass.state === 'running') {
          this.#live.tick(now)
          again = this.#live.dispatch(now)
          this.#live.finish(now)
        }
        this.#announce(before, now)
      })
    } catch (error) {
      this.#wake(now)
      throw error
    }
    this.#flush()
    if (this.#live && this.#live.pass.state !== 'running') this.#end()
    if (this.#untold || (this.#teller.retryAt ?? Number.POSITIVE_INFINITY) <= now) {
      this.#untold = false
      this.#teller.tellState()
    }
    if (this.#live) this.#teller.tellSummary(() => this.#status(this.#live!.pass))
    this.#watch(now)
    this.#armAlarm()
    this.#armSplit(again)
  }

  #watch(now: number): void {
    const live = this.#live
    if (live) {
      this.#watchers.history.note(now, () => this.#noteHistory(this.#status(live.pass)))
      this.#watchers.traces.note(now, () => this.#view().workers)
    }
    this.#watchers.changed()
  }

  /** Stores what webhooks, and those who watch, are told of this transaction. */
  #announce(before: Standing | null, now: number): void {
    if (!this.#live) return
    const { pass } = this.#live
    const same = before?.number === pass.number ? before : null
    const { events } = this.#tables
    for (const event of this.#live.news.splice(0)) events.add(pass.number, event, now)
    for (const event of happened(same, pass)) events.add(pass.number, event, now)
    if (same && same.state === pass.state && same.parked === pass.counters.packets.parked) return
    for (const event of passEvents(this.#tables.definition()!, same, pass, now)) {
      this.#tables.announcements.add(event)
      this.#untold = true
    }
  }

  /** A commit that nobody waits for. False where it failed, and nothing changed. */
  #attempt(change: () => void): boolean {
    try {
      this.#commit(change)
      return true
    } catch (error) {
      console.error('a transaction failed', error)
      return false
    }
  }

  #flush(): void {
    const live = this.#live
    if (!live) return
    for (const { session, message } of live.out) this.#sockets.send(session, message)
    live.out = []
    this.#sockets.keep((session) => live.holders.sessions.get(session)?.free ?? 0)
  }

  #end(): void {
    this.#untold = true
    this.#sockets.closeAll(closeCodes.over, 'the pass is over')
    const { strip, pass } = this.#live!
    this.#watchers.history.note(Date.now(), () => this.#noteHistory(this.#status(pass)), true)
    this.#strips.ended(pass.number, strip)
    this.#live = null
  }

  // ---- time

  override async alarm(): Promise<void> {
    this.#alarm.fired()
    const now = Date.now()
    if ((this.#watchers.checkAt ?? Number.POSITIVE_INFINITY) <= now) await this.#watchers.check(now)
    this.#commit(() => {})
  }

  #armAlarm(): void {
    const at = nextAlarm({
      seen: this.#live?.holders.seen() ?? [],
      leaseMs: this.#pace.leaseMs,
      retry: this.#live?.nextRetry ?? null,
      tell: this.#teller.retryAt,
      check: this.#watchers.checkAt,
    })
    this.#alarm.arm(at)
  }

  #armSplit(at: number | null): void {
    if (this.#splitTimer !== null) clearTimeout(this.#splitTimer)
    this.#splitTimer = at === null ? null : setTimeout(() => this.#attempt(() => {}), at - Date.now())
  }
}
