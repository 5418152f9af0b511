/**
 * The `Fleet` object of a workspace: its agents' standing sockets. This is the shell, which parses what comes in and hands it to
 * the part that it is for; each part (fleet/) keeps its own tables and knows no other but `Presence`.
 */
import { DurableObject } from 'cloudflare:workers'
import { closeCodes, type FleetAgentMessage, ping, pong } from '../shared/protocol.ts'
import type { Env } from './env.ts'
import { Assignments } from './fleet/assignments.ts'
import { Presence, type Present } from './fleet/presence.ts'
import { closeAnswer, closeSocket, parseFleetMessage } from './incoming.ts'

export class Fleet extends DurableObject<Env> {
  readonly #presence: Presence
  readonly #assignments: Assignments

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#presence = new Presence(ctx, env, ctx.id.name!)
    this.#assignments = new Assignments(ctx.storage.sql, this.#presence)
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(ping, pong))
  }

  // ---- what routes and migrations ask

  /** A pass began. `sites`: those that an agent must be of, all at once; none: every agent will do. */
  assign(migration: string, sites: readonly string[]): void {
    this.#assignments.add(migration, sites)
  }

  /** Its pass is over. */
  dismiss(migration: string): void {
    this.#assignments.remove(migration)
  }

  /** The ids of the agents that are connected now. */
  connected(): string[] {
    return [...new Set(this.#presence.alive().map(({ agent }) => agent))]
  }

  // ---- sockets

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
    const agent = this.#presence.of(socket)
    if (message.t === 'hello' && !agent) await this.#hello(socket, message)
    else if (message.t !== 'hello' && agent) await this.#receive(agent, message)
    else closeSocket(socket, closeCodes.protocol, agent ? 'hello comes once' : 'hello comes first')
  }

  async #hello(socket: WebSocket, message: FleetAgentMessage & { t: 'hello' }): Promise<void> {
    const agent = this.#presence.hello(socket, message)
    if (!agent) return
    this.#assignments.tell(agent)
    await this.#presence.save(agent)
  }

  async #receive(agent: Present, message: Exclude<FleetAgentMessage, { t: 'hello' }>): Promise<void> {
    switch (message.t) {
      case 'facts':
        return
      case 'draining':
        this.#presence.drains(agent)
        return
      default:
        message satisfies never
    }
  }

  override async webSocketClose(socket: WebSocket, code: number): Promise<void> {
    closeSocket(socket, closeAnswer(code), '')
    await this.#presence.gone(socket)
  }

  override async webSocketError(socket: WebSocket): Promise<void> {
    await this.#presence.gone(socket)
  }
}
