/**
 * The agents' side of a `Migration`: whom it lets in, what they say, and how their sockets end. What one of them says changes the running pass,
 * in a transaction that it may share with others; where that fails, the sockets whose messages were in it are closed, so that their agents
 * connect anew and send again.
 */
import { type AgentMessage, closeCodes, type Held, protocolVersion } from '../shared/protocol.ts'
import { reaches, reachOfAll, withoutSites } from './core/place.ts'
import type { Door } from './door.ts'
import { closeAnswer, closeSocket, parseAgentMessage } from './incoming.ts'
import type { LivePass } from './live-pass.ts'
import type { MigrationTables } from './migration-tables.ts'
import { Sockets } from './sockets.ts'
import type { Transactions } from './transactions.ts'

interface Around {
  readonly ctx: DurableObjectState
  readonly pace: { readonly leaseMs: number; readonly heartbeatMs: number }
  readonly door: Door
  readonly tables: MigrationTables
  readonly sockets: Sockets
  readonly transactions: Transactions
}

type Hello = AgentMessage & { t: 'hello' }

export class Reception {
  readonly #around: Around
  /** Closed by us, whatever is still on its way from them. */
  readonly #shut = new WeakSet<WebSocket>()

  constructor(around: Around) {
    this.#around = around
  }

  open(request: Request, now: number): Response {
    const { ctx, door, tables } = this.#around
    const visitor = door.admit(request, now)
    if (visitor instanceof Response) return visitor
    const definition = tables.definition()
    // Nobody is told of places that are none of its site's business, assigned or not.
    if (definition && !reaches(reachOfAll(definition), visitor.site)) {
      return new Response(`the site ${visitor.site} does not reach all locations of this migration`, {
        status: 403,
      })
    }
    const { 0: client, 1: server } = new WebSocketPair()
    ctx.acceptWebSocket(server)
    Sockets.opened(server, visitor.agent, visitor.site)
    return new Response(null, { status: 101, webSocket: client })
  }

  /** Shuts an agent out, and gives what it holds back at once. */
  revoke(agent: string): void {
    const { ctx, door, transactions } = this.#around
    door.shutOut(agent)
    for (const socket of ctx.getWebSockets()) {
      if (Sockets.agentOf(socket) === agent) this.#reject(socket, closeCodes.revoked, 'this agent is revoked')
    }
    transactions.commit(() => transactions.live?.attendance.shutOut(agent, Date.now()))
  }

  /** What came in by a socket that is open. */
  take(socket: WebSocket, raw: string | ArrayBuffer): void {
    const { transactions } = this.#around
    const parsed = parseAgentMessage(raw)
    if ('message' in parsed) {
      transactions.arrived(
        () => this.#receive(socket, parsed.message),
        () => this.#reject(socket, closeCodes.failed, 'the control plane failed; connect again'),
      )
      return
    }
    this.#reject(socket, parsed.code, parsed.reason)
    if (!parsed.outdated) return
    // What it held under its former version nobody will give back: it is free for others at once.
    const agent = Sockets.agentOf(socket)
    transactions.attempt(() => transactions.live?.attendance.giveBack(agent, Date.now()))
  }

  closed(socket: WebSocket, code: number): void {
    this.gone(socket)
    closeSocket(socket, closeAnswer(code), '')
  }

  gone(socket: WebSocket): void {
    const { sockets, transactions } = this.#around
    const session = Sockets.sessionOf(socket)
    if (session === null || !sockets.isCurrent(session, socket)) return
    transactions.attempt(() => {
      sockets.forget(session)
      transactions.live?.attendance.disconnect(session)
    })
  }

  /** Nothing is leased to it from here on, whether or not its other end ever answers. */
  #reject(socket: WebSocket, code: number, reason: string): void {
    this.#close(socket, code, reason)
    this.gone(socket)
  }

  #close(socket: WebSocket, code: number, reason: string): void {
    this.#shut.add(socket)
    closeSocket(socket, code, reason)
  }

  /** In a transaction. */
  #receive(socket: WebSocket, message: AgentMessage): void {
    // Its own last words count; what comes after ours does not.
    if (this.#shut.has(socket)) return
    const { sockets, transactions } = this.#around
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
    const session = transactions.live?.holders.sessions.get(id)
    // Of a pass that is over, or from a socket that another one has replaced: there is nothing to change.
    if (!session || !sockets.isCurrent(id, socket)) return
    transactions.live?.receive(session, message, Date.now())
  }

  #hello(socket: WebSocket, message: Hello): void {
    const { sockets, tables, transactions } = this.#around
    const { live } = transactions
    if (!live) {
      const { number, state } = tables.passes.last() ?? {}
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
      sockets.close(id, closeCodes.superseded, 'another process works with this agent’s identity')
    }
    sockets.close(session.row.id, closeCodes.failed, 'the same session connected again')
    sockets.set(session.row.id, socket)
    this.#welcome(live, session.row.id, lost)
  }

  #welcome(live: LivePass, session: number, lost: Held[]): void {
    const { tables, pace } = this.#around
    const { number, options, startedAt } = live.pass
    const { id, workspace: _, ...definition } = tables.definition()!
    const uploads = live.leftUploads
    live.out.push({
      session,
      message: {
        t: 'welcome',
        protocol: protocolVersion,
        migration: id,
        pass: { number, options, startedAt },
        ...definition,
        source: withoutSites(definition.source),
        destination: withoutSites(definition.destination),
        ...(definition.baseline && { baseline: withoutSites(definition.baseline) }),
        ...pace,
        lost,
        ...(uploads.length > 0 && { uploads }),
      },
    })
  }
}
