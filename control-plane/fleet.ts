/**
 * The `Fleet` object: which agents are there, and which migrations each is to work for. An agent is assigned a migration
 * when it is at the site of every location that has one. The whole list is sent on every change, and again when a pass
 * begins, even if the list is the same: an agent then connects to what it is not connected to.
 */
import { DurableObject } from 'cloudflare:workers'
import {
  closeCodes,
  type FleetAgentMessage,
  type FleetPlaneMessage,
  ping,
  pong,
  protocolVersion,
} from '../shared/protocol.ts'
import { type Env, pace, workspace } from './env.ts'
import { closeAnswer, closeSocket, parseFleetMessage } from './incoming.ts'
import { Catalogue } from './store/catalogue.ts'

/** Kept with the socket while the object sleeps; null before hello. */
interface Presence {
  readonly agent: string
  readonly session: string
  readonly site: string
  readonly version: string
  readonly host: string
  readonly draining: boolean
}

interface Active {
  readonly migration: string
  readonly sites: readonly string[]
}

/** What `assign` may name; more would not be worked on anyway. */
const maxAssigned = 1_000

export class Fleet extends DurableObject<Env> {
  readonly #sql: SqlStorage
  #saving: Promise<void> = Promise.resolve()

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#sql = ctx.storage.sql
    this.#sql.exec(
      'CREATE TABLE IF NOT EXISTS active (migration TEXT PRIMARY KEY, sites TEXT NOT NULL) WITHOUT ROWID',
    )
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(ping, pong))
  }

  /** A pass began. `sites`: those that an agent must be of, all at once; none: every agent will do. */
  assign(migration: string, sites: readonly string[]): void {
    this.#sql.exec('INSERT OR REPLACE INTO active VALUES (?, ?)', migration, JSON.stringify(sites))
    this.#sendToAll()
  }

  /** Its pass is over. */
  dismiss(migration: string): void {
    const { rowsWritten } = this.#sql.exec('DELETE FROM active WHERE migration = ?', migration)
    if (rowsWritten > 0) this.#sendToAll()
  }

  /** The ids of the agents that are connected now: one whose pings have stopped is not, though its socket may be open. */
  connected(): string[] {
    const stale = Date.now() - 2 * pace(this.env).leaseMs
    const alive = this.#present().filter(([socket]) => {
      const pinged = this.ctx.getWebSocketAutoResponseTimestamp(socket)
      return pinged === null || pinged.getTime() > stale
    })
    return [...new Set(alive.map(([, { agent }]) => agent))]
  }

  override async fetch(): Promise<Response> {
    const { 0: client, 1: server } = new WebSocketPair()
    this.ctx.acceptWebSocket(server)
    return new Response(null, { status: 101, webSocket: client })
  }

  override async webSocketMessage(socket: WebSocket, raw: string | ArrayBuffer): Promise<void> {
    const parsed = parseFleetMessage(raw)
    if ('reason' in parsed) {
      closeSocket(socket, parsed.code, parsed.reason)
      return
    }
    const { message } = parsed
    const presence = presenceOf(socket)
    if ((presence === null) !== (message.t === 'hello')) {
      closeSocket(socket, closeCodes.protocol, presence ? 'hello comes once' : 'hello comes first')
      return
    }
    if (message.t === 'hello') await this.#hello(socket, message)
    else socket.serializeAttachment({ ...presence, draining: true })
  }

  override async webSocketClose(socket: WebSocket, code: number): Promise<void> {
    closeSocket(socket, closeAnswer(code), '')
    await this.#gone(socket)
  }

  override async webSocketError(socket: WebSocket): Promise<void> {
    await this.#gone(socket)
  }

  async #hello(socket: WebSocket, message: FleetAgentMessage & { t: 'hello' }): Promise<void> {
    const { agent, session, site, version, host } = message
    for (const [other, presence] of this.#present()) {
      if (presence.agent !== agent) continue
      const same = presence.session === session
      other.serializeAttachment(null)
      closeSocket(
        other,
        same ? closeCodes.failed : closeCodes.superseded,
        same ? 'the same session connected again' : 'another process works under this agent’s name',
      )
    }
    const presence: Presence = { agent, session, site, version, host, draining: false }
    socket.serializeAttachment(presence)
    send(socket, {
      t: 'welcome',
      protocol: protocolVersion,
      heartbeatMs: pace(this.env).heartbeatMs,
    })
    this.#assignTo(socket, presence, this.#active())
    await this.#save(presence)
  }

  async #gone(socket: WebSocket): Promise<void> {
    const presence = presenceOf(socket)
    if (!presence) return
    socket.serializeAttachment(null)
    await this.#save(presence)
  }

  /** One after the other, so that the last word is the last one. What fails is told again by the next connection. */
  #save({ agent, host, site, version }: Presence): Promise<void> {
    const row = { id: agent, host, site, version, seenAt: Date.now() }
    this.#saving = this.#saving
      .then(() => new Catalogue(this.env.DB, workspace).saveAgent(row))
      .catch((error) => console.warn('an agent was not saved', error))
    return this.#saving
  }

  #present(): [WebSocket, Presence][] {
    return this.ctx.getWebSockets().flatMap((socket): [WebSocket, Presence][] => {
      const presence = socket.readyState === WebSocket.OPEN ? presenceOf(socket) : null
      return presence ? [[socket, presence]] : []
    })
  }

  #active(): Active[] {
    return this.#sql
      .exec<{ migration: string; sites: string }>('SELECT * FROM active')
      .toArray()
      .map(({ migration, sites }) => ({ migration, sites: JSON.parse(sites) as string[] }))
  }

  #sendToAll(): void {
    const active = this.#active()
    for (const [socket, presence] of this.#present()) this.#assignTo(socket, presence, active)
  }

  /** Nothing to one that drains: it is to finish what it has. */
  #assignTo(socket: WebSocket, { site, draining }: Presence, active: readonly Active[]): void {
    if (draining) return
    const migrations = active
      .filter(({ sites }) => sites.every((wanted) => wanted === site))
      .map(({ migration }) => migration)
    send(socket, { t: 'assign', migrations: migrations.slice(0, maxAssigned) })
  }
}

const presenceOf = (socket: WebSocket) => socket.deserializeAttachment() as Presence | null

function send(socket: WebSocket, message: FleetPlaneMessage): void {
  try {
    socket.send(JSON.stringify(message))
  } catch {
    // It is closing; the next hello gets it all.
  }
}
