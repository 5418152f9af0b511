/**
 * The `Migration` object: the live state of one migration, and its agents' sockets.
 *
 * Messages that arrive together are applied in one transaction (`#commit`): step, store, count; only then is anything
 * answered. A transaction that fails changes nothing: the memory is thrown away and built again from the tables, and the
 * sockets whose messages were in it are closed, so that their agents connect anew and send again.
 */
import { DurableObject } from 'cloudflare:workers'
import type { PassStatus } from '../shared/api.ts'
import type { PassOptions } from '../shared/policy.ts'
import { type AgentMessage, closeCodes, ping, pong, protocolVersion } from '../shared/protocol.ts'
import { Batches } from './batches.ts'
import { zeroCounters } from './core/counters.ts'
import { initialPackets, pickBoundaries } from './core/initial-packets.ts'
import { equalOptions } from './core/pass.ts'
import { moveAlarm, nextAlarm } from './core/schedule.ts'
import { type Env, pace } from './env.ts'
import { closeAnswer, closeSocket, parseAgentMessage } from './incoming.ts'
import { LivePass } from './live-pass.ts'
import { type Definition, MigrationTables, type PassRow } from './migration-tables.ts'
import { failuresPage, packetsPage, passStatus, reportsPage } from './migration-views.ts'
import { Teller } from './teller.ts'

/** Kept with the socket while the object sleeps; null before hello. */
interface Attachment {
  readonly session: number
  readonly free: number
}

interface Incoming {
  readonly socket: WebSocket
  readonly message: AgentMessage
}

export type StartAnswer =
  | { readonly pass: PassStatus; readonly resumed: boolean }
  /** An unfinished pass with other options is in the way. */
  | { readonly busy: PassStatus }

export class Migration extends DurableObject<Env> {
  readonly #tables: MigrationTables
  readonly #teller: Teller
  readonly #pace: { leaseMs: number; heartbeatMs: number }
  readonly #sockets = new Map<number, WebSocket>()
  readonly #batches = new Batches<Incoming>(
    (batch) => this.#receiveAll(batch),
    (run) => void setTimeout(run, 0),
  )
  #live: LivePass | null = null
  #alarmAt: number | null = null
  /** The transaction changed the pass's state. */
  #untold = false
  #splitTimer: ReturnType<typeof setTimeout> | null = null

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#tables = new MigrationTables(ctx.storage.sql)
    this.#pace = pace(env)
    this.#teller = new Teller(env, this.#tables, () => this.#armAlarm())
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(ping, pong))
    ctx.blockConcurrencyWhile(async () => {
      this.#alarmAt = await ctx.storage.getAlarm()
    })
    this.#wake(Date.now())
  }

  /** Memory from the tables and from the sockets that outlived the sleep. */
  #wake(now: number): void {
    const pass = this.#tables.lastPass()
    this.#live = pass?.state === 'running' ? new LivePass(this.#tables, pass, this.#pace.leaseMs, now) : null
    this.#sockets.clear()
    const rows = new Map(this.#tables.sessions().map((row) => [row.id, row]))
    for (const socket of this.ctx.getWebSockets()) {
      const attachment = socket.deserializeAttachment() as Attachment | null
      const row = attachment && rows.get(attachment.session)
      if (!row || socket.readyState !== WebSocket.OPEN) continue
      this.#sockets.set(row.id, socket)
      this.#live?.reconnect(row, attachment.free, now)
    }
  }

  // ---- what the routes ask

  startPass(definition: Definition, options: PassOptions): StartAnswer {
    const now = Date.now()
    const last = this.#live?.pass ?? this.#tables.lastPass()
    if (last?.state === 'running') {
      const pass = this.#status(last)
      return equalOptions(last.options, options) ? { pass, resumed: true } : { busy: pass }
    }
    this.#commit(() => {
      this.#tables.setDefinition(definition)
      const pass: PassRow = {
        number: (last?.number ?? 0) + 1,
        state: 'running',
        options,
        startedAt: now,
        endedAt: null,
        firstPacket: this.#tables.next('packet'),
        firstFailure: this.#tables.next('failure'),
        counters: zeroCounters(),
        told: false,
      }
      this.#tables.insertPass(pass)
      this.#untold = true
      const boundaries = last && canDivide(definition) ? this.#boundaries(last) : []
      this.#live = new LivePass(this.#tables, pass, this.#pace.leaseMs, now)
      this.#live.insert(initialPackets(definition.filter, options.kind, boundaries), now)
    })
    return { pass: this.#status(this.#tables.lastPass()!), resumed: false }
  }

  #boundaries(last: PassRow) {
    return pickBoundaries(
      this.#tables.sampleEnds(last.firstPacket, this.#tables.endOfPackets(last.number), 512),
    )
  }

  /** Null where there is no such pass. One that is over stays as it is. */
  cancelPass(number: number): PassStatus | null {
    if (this.#live?.pass.number === number) this.#commit(() => this.#live?.cancel(Date.now()))
    return this.passStatus(number)
  }

  passStatus(number: number): PassStatus | null {
    const pass = this.#live?.pass.number === number ? this.#live.pass : this.#tables.pass(number)
    return pass && this.#status(pass)
  }

  #status(pass: PassRow): PassStatus {
    return passStatus(
      pass,
      this.#live?.pass.number === pass.number ? this.#live.holders.sessions.values() : [],
    )
  }

  /** Its number; 0 before the first. */
  lastPass(): number {
    return this.#tables.lastPass()?.number ?? 0
  }

  packets(pass: number, cursor: string | null) {
    return packetsPage(this.#tables, pass, cursor)
  }

  failures(pass: number, cursor: string | null) {
    return failuresPage(this.#tables, pass, cursor)
  }

  reports(pass: number, from: number) {
    return reportsPage(this.#tables, pass, from)
  }

  /** Whether a report of this lease is wanted: it is held now. */
  wantsReport(pass: number, packet: number, generation: number): boolean {
    return this.#live?.pass.number === pass && this.#live.isLeased(packet, generation)
  }

  /** For tests and the bench: rows written since this object woke. */
  rowsWritten(): number {
    return this.#tables.rowsWritten
  }

  // ---- sockets

  override async fetch(): Promise<Response> {
    const { 0: client, 1: server } = new WebSocketPair()
    this.ctx.acceptWebSocket(server)
    return new Response(null, { status: 101, webSocket: client })
  }

  override webSocketMessage(socket: WebSocket, raw: string | ArrayBuffer): void {
    const parsed = parseAgentMessage(raw)
    if ('reason' in parsed) {
      closeSocket(socket, parsed.code, parsed.reason)
      return
    }
    const said = socket.deserializeAttachment() as Attachment | null
    if ((said === null) !== (parsed.message.t === 'hello')) {
      closeSocket(socket, closeCodes.protocol, said === null ? 'hello comes first' : 'hello comes once')
      return
    }
    this.#batches.add({ socket, message: parsed.message })
  }

  #receiveAll(batch: readonly Incoming[]): void {
    const applied = this.#attempt(() => {
      for (const incoming of batch) this.#receive(incoming)
    })
    if (applied) return
    for (const { socket } of batch) {
      closeSocket(socket, closeCodes.failed, 'the control plane failed; connect again')
    }
  }

  override webSocketClose(socket: WebSocket, code: number): void {
    this.#disconnect(socket)
    closeSocket(socket, closeAnswer(code), '')
  }

  override webSocketError(socket: WebSocket): void {
    this.#disconnect(socket)
  }

  #disconnect(socket: WebSocket): void {
    const attachment = socket.deserializeAttachment() as Attachment | null
    if (!attachment || this.#sockets.get(attachment.session) !== socket) return
    this.#attempt(() => {
      this.#sockets.delete(attachment.session)
      this.#live?.disconnect(attachment.session)
    })
  }

  #receive({ socket, message }: Incoming): void {
    if (message.t === 'hello') this.#hello(socket, message)
    else {
      const { session } = socket.deserializeAttachment() as Attachment
      const known = this.#live?.holders.sessions.get(session)
      // Of a pass that is over, or from a socket that another one has replaced: there is nothing to change.
      if (known && this.#sockets.get(session) === socket) this.#live?.receive(known, message, Date.now())
    }
  }

  #hello(socket: WebSocket, message: AgentMessage & { t: 'hello' }): void {
    const live = this.#live
    if (!live) {
      const { number, state } = this.#tables.lastPass() ?? {}
      if (number && state && state !== 'running')
        socket.send(JSON.stringify({ t: 'end', pass: number, state }))
      closeSocket(socket, closeCodes.over, 'no pass is running')
      return
    }
    const said = live.hello(message, Date.now())
    if (!said) {
      closeSocket(socket, closeCodes.superseded, 'another process works under this agent’s name')
      return
    }
    const { session, superseded, lost } = said
    for (const id of superseded) {
      this.#drop(id, closeCodes.superseded, 'another process works under this agent’s name')
    }
    this.#drop(session.row.id, closeCodes.failed, 'the same session connected again')
    this.#sockets.set(session.row.id, socket)
    const { number, options, startedAt } = live.pass
    const { id, ...definition } = this.#tables.definition()!
    live.out.push({
      session: session.row.id,
      message: {
        t: 'welcome',
        protocol: protocolVersion,
        migration: id,
        pass: { number, options, startedAt },
        ...definition,
        ...this.#pace,
        lost,
      },
    })
  }

  #drop(session: number, code: number, reason: string): void {
    const socket = this.#sockets.get(session)
    this.#sockets.delete(session)
    if (socket) closeSocket(socket, code, reason)
  }

  // ---- one transaction

  /** Runs `change`, and whatever is due, in one transaction; then sends what came of it. */
  #commit(change: () => void): void {
    // What arrived before comes before: the last words of an agent that closes its socket, say.
    this.#batches.flush()
    const now = Date.now()
    let again: number | null = null
    try {
      this.ctx.storage.transactionSync(() => {
        change()
        if (this.#live?.pass.state !== 'running') return
        this.#live.tick(now)
        again = this.#live.dispatch(now)
        this.#live.finish(now)
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
    this.#armAlarm()
    this.#armSplit(again)
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
    for (const { session, message } of live.out) {
      const socket = this.#sockets.get(session)
      try {
        socket?.send(JSON.stringify(message))
      } catch {
        // It is closing. What it was told is stored, and hello tells it again.
      }
    }
    live.out = []
    for (const [id, socket] of this.#sockets) {
      const free = live.holders.sessions.get(id)?.free ?? 0
      const kept = socket.deserializeAttachment() as Attachment | null
      if (kept?.session !== id || kept.free !== free) socket.serializeAttachment({ session: id, free })
    }
  }

  #end(): void {
    this.#untold = true
    for (const session of [...this.#sockets.keys()]) {
      this.#drop(session, closeCodes.over, 'the pass is over')
    }
    this.#live = null
  }

  // ---- time

  override async alarm(): Promise<void> {
    this.#alarmAt = null
    this.#commit(() => {})
  }

  #armAlarm(): void {
    const wanted = nextAlarm({
      seen: this.#live?.holders.seen() ?? [],
      leaseMs: this.#pace.leaseMs,
      retry: this.#live?.nextRetry ?? null,
      tell: this.#teller.retryAt,
    })
    const at = moveAlarm(this.#alarmAt, wanted)
    if (at === null) return
    this.#alarmAt = at
    void this.ctx.storage.setAlarm(at)
  }

  #armSplit(at: number | null): void {
    if (this.#splitTimer !== null) clearTimeout(this.#splitTimer)
    this.#splitTimer = at === null ? null : setTimeout(() => this.#attempt(() => {}), at - Date.now())
  }
}

/** A file system lists a part of itself as dearly as the whole. */
const canDivide = ({ source, destination }: Definition) =>
  source.kind !== 'file' && destination.kind !== 'file'
