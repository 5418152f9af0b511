/**
 * The `Fleet` object of a workspace: its agents' standing sockets. This is the shell, which parses what comes in and hands it to
 * the part that it is for; each part (fleet/) keeps its own tables and knows no other but `Presence`.
 */
import { DurableObject } from 'cloudflare:workers'
import type { ShareView } from '../shared/api/limits.ts'
import type { WaitsFor } from '../shared/api/migrations.ts'
import type { Answer, Ask } from '../shared/asks.ts'
import { DrayError, type ErrorBody } from '../shared/error.ts'
import { closeCodes, type FleetAgentMessage, ping, pong } from '../shared/protocol.ts'
import { type Reach, reaches } from './core/place.ts'
import { Door } from './door.ts'
import type { Env } from './env.ts'
import { Assignments } from './fleet/assignments.ts'
import { Budgets } from './fleet/budgets.ts'
import { Presence, type Present, send, type There } from './fleet/presence.ts'
import { Questions } from './fleet/questions.ts'
import { Resealing } from './fleet/resealing.ts'
import { Watch } from './fleet/watch.ts'
import { closeAnswer, closeSocket, parseFleetMessage } from './incoming.ts'
import { Catalogue } from './store/catalogue.ts'
import { Scope, system } from './store/scope.ts'
import { limits } from './store/tables/limits.ts'

/** For an agent to try all that there is, at a store that answers slowly. */
const testMs = 75_000
/** For whatever else: an agent refuses before that (agent/looking/in-time.ts). */
const lookMs = 30_000

export interface Answered {
  answer: Exclude<Answer, { kind: 'refused' }>
  agent: string
  site: string
}

export class Fleet extends DurableObject<Env> {
  readonly #door: Door
  readonly #presence: Presence
  readonly #watch: Watch
  readonly #assignments: Assignments
  readonly #budgets: Budgets
  readonly #questions: Questions
  readonly #resealing: Resealing

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#door = new Door(ctx.storage.sql)
    this.#presence = new Presence(ctx, env, ctx.id.name!, (agent, stayed, left) =>
      this.#watch.twins(agent, stayed, left, Date.now()),
    )
    this.#watch = new Watch(ctx.storage, env, ctx.id.name!, {
      all: () => this.#presence.all(),
      alive: () => this.#presence.alive(),
      isShutOut: (agent) => this.#door.isShutOut(agent),
    })
    ctx.blockConcurrencyWhile(() => this.#watch.wake())
    this.#assignments = new Assignments(ctx.storage, this.#presence, (migration) =>
      Catalogue.of(env, ctx.id.name!).priority(migration),
    )
    this.#budgets = new Budgets(
      ctx.storage.sql,
      this.#presence,
      () => new Scope(env.DB, ctx.id.name!, system).rows(limits, {}),
      (endpoint, limit, value, now) => this.#watch.held(endpoint, limit, value, now),
    )
    this.#questions = new Questions()
    this.#resealing = new Resealing(env, ctx.id.name!, this.#presence, this.#questions)
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(ping, pong))
  }

  // ---- what routes and migrations ask

  /** A pass began. `reach`: the sites that reach all of its locations; null: every site does. */
  assign(migration: string, reach: Reach): Promise<void> {
    return this.#assignments.add(migration, reach)
  }

  /** Its priority was changed. */
  weigh(migration: string): Promise<void> {
    return this.#assignments.weigh(migration)
  }

  /** Null while an agent that is there can work for it. */
  waitsFor(migration: string): WaitsFor | null {
    return this.#assignments.waitsFor(migration)
  }

  /** Its pass is over. */
  dismiss(migration: string): void {
    this.#assignments.remove(migration)
  }

  /** The ids of the agents that are connected now. */
  connected(): string[] {
    return [...new Set(this.#presence.alive().map(({ agent }) => agent))]
  }

  /** How those that are connected are. */
  there(): There[] {
    return this.#presence.there()
  }

  /** Lets an agent finish what it holds and end; false where it is not connected. */
  drain(agent: string): boolean {
    const present = this.#presence.alive().filter((each) => each.agent === agent)
    for (const each of present) send(each, { t: 'drain' })
    return present.length > 0
  }

  /** Shuts an agent out, here and at every migration that it may work for; what it held is free for others when this resolves. */
  async revoke(agent: string): Promise<void> {
    this.#door.shutOut(agent)
    this.#presence.revoked(agent)
    const { name } = this.ctx.id
    const objects = this.#assignments.migrations().map((id) => this.env.MIGRATION.getByName(`${name}/${id}`))
    await Promise.all(objects.map((object) => object.revoke(agent)))
  }

  /** A limit of an endpoint was set or taken away: all agents hear of it at once. */
  limitsChanged(): Promise<void> {
    return this.#budgets.changed()
  }

  /** Who has which share of an endpoint now. */
  shares(endpoint: string): Promise<ShareView[]> {
    return this.#budgets.shares(endpoint)
  }

  /** Lets agents of this site seal what they have to those that lack it; resolves when that was tried. */
  reseal(site: string): Promise<void> {
    return this.#resealing.atSite(site)
  }

  /** Asks an agent that reaches it, and another one where the first may not do it, or leaves. */
  async ask(ask: Ask, reach: Reach): Promise<Answered | { error: ErrorBody }> {
    const there = this.#presence
      .alive()
      .filter(({ site, draining }) => !draining && reaches(reach, site))
      // The same one each time: what it is asked next may be the next page.
      .sort((a, b) => (a.agent < b.agent ? -1 : 1))
    if (there.length === 0) {
      const where = reach === null ? '' : ` of ${reach.join(' or ') || 'any site that reaches it'}`
      const hint = 'Start one there (dray up, dray agent), and try again.'
      return { error: new DrayError('busy', ask.kind, `no agent${where} is connected`, { hint }).toBody() }
    }
    const ms = ask.kind === 'test-connection' ? testMs : lookMs
    const { answer, agent } = await this.#questions.askAny(there, ask, ms)
    if (answer.kind === 'refused') return { error: answer.error }
    return { answer, agent: agent.agent, site: agent.site }
  }

  /** Its workspace is deleted: sends every agent away, for good. */
  async erase(): Promise<void> {
    for (const socket of this.ctx.getWebSockets()) {
      closeSocket(socket, closeCodes.revoked, 'its workspace was deleted')
    }
    await this.ctx.storage.deleteAlarm()
    await this.ctx.storage.deleteAll()
  }

  /** To be begun anew at the next call. This one fails. */
  async end(): Promise<void> {
    this.ctx.abort('its workspace was deleted')
  }

  // ---- sockets

  override async fetch(request: Request): Promise<Response> {
    const visitor = this.#door.admit(request, Date.now())
    if (visitor instanceof Response) return visitor
    const { 0: client, 1: server } = new WebSocketPair()
    this.ctx.acceptWebSocket(server)
    this.#presence.opened(server, visitor)
    return new Response(null, { status: 101, webSocket: client })
  }

  override async webSocketMessage(socket: WebSocket, raw: string | ArrayBuffer): Promise<void> {
    // What was on its way when we closed it.
    if (socket.readyState !== WebSocket.OPEN) return
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
    this.#watch.here(agent.agent)
    await this.#budgets.welcome(agent)
    this.#assignments.tell(agent)
    this.ctx.waitUntil(this.#resealing.atSite(agent.site))
    await this.#presence.keep(agent, message)
  }

  async #receive(agent: Present, message: Exclude<FleetAgentMessage, { t: 'hello' }>): Promise<void> {
    switch (message.t) {
      case 'facts':
        await this.#presence.facts(agent, message)
        return
      case 'draining':
        this.#presence.drains(agent)
        return
      case 'doing':
        this.#presence.does(agent, message)
        return
      case 'usage':
        await this.#budgets.heard(agent, message)
        return
      case 'answer':
        this.#questions.answered(agent, message)
        return
      default:
        message satisfies never
    }
  }

  override async webSocketClose(
    socket: WebSocket,
    code: number,
    _reason: string,
    wasClean: boolean,
  ): Promise<void> {
    closeSocket(socket, closeAnswer(code), '')
    await this.#gone(socket, wasClean)
  }

  override async webSocketError(socket: WebSocket): Promise<void> {
    await this.#gone(socket, false)
  }

  async #gone(socket: WebSocket, hasLeft: boolean): Promise<void> {
    const agent = this.#presence.was(socket)
    if (agent && !hasLeft) this.#watch.missed(agent, Date.now())
    this.#questions.gone(socket)
    await this.#presence.gone(socket)
  }

  override alarm(): Promise<void> {
    return this.#watch.alarm()
  }
}
