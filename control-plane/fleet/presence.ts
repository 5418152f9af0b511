/**
 * Which agents are there: one socket each. What must be known of an agent while the object sleeps is kept with its socket.
 */
import {
  closeCodes,
  type FleetAgentMessage,
  type FleetPlaneMessage,
  protocolVersion,
} from '../../shared/protocol.ts'
import { isNewer } from '../core/newest.ts'
import { type Env, pace } from '../env.ts'
import { closeSocket } from '../incoming.ts'
import { Catalogue } from '../store/catalogue.ts'

/** Kept with the socket: 16 KiB at most. */
interface Known {
  readonly agent: string
  readonly session: string
  readonly started: number
  readonly site: string
  readonly version: string
  readonly host: string
  readonly draining: boolean
}

/** An agent that said hello and whose socket is open. */
export interface Present extends Known {
  readonly socket: WebSocket
}

export class Presence {
  readonly #ctx: DurableObjectState
  readonly #env: Env
  readonly #workspace: string
  #saving: Promise<void> = Promise.resolve()

  constructor(ctx: DurableObjectState, env: Env, workspace: string) {
    this.#ctx = ctx
    this.#env = env
    this.#workspace = workspace
  }

  all(): Present[] {
    return this.#ctx.getWebSockets().flatMap((socket) => this.of(socket) ?? [])
  }

  /** Null before hello, and once the socket is closing. */
  of(socket: WebSocket): Present | null {
    const known = socket.readyState === WebSocket.OPEN ? knownOf(socket) : null
    return known && { socket, ...known }
  }

  /** Those whose pings go on: a socket may be open though its agent is gone. */
  alive(): Present[] {
    const stale = Date.now() - 2 * pace(this.#env).leaseMs
    return this.all().filter(({ socket }) => {
      const pinged = this.#ctx.getWebSocketAutoResponseTimestamp(socket)
      return pinged === null || pinged.getTime() > stale
    })
  }

  /** Null where a newer process of this agent is there: this one is sent away. Else the older one is. */
  hello(socket: WebSocket, message: FleetAgentMessage & { t: 'hello' }): Present | null {
    const { agent, session, started, site, facts } = message
    const others = this.all().filter((other) => other.agent === agent)
    if (this.alive().some((other) => other.agent === agent && isNewer(other, message))) {
      closeSocket(socket, closeCodes.superseded, superseded)
      return null
    }
    for (const other of others) {
      const same = other.session === session
      other.socket.serializeAttachment(null)
      closeSocket(
        other.socket,
        same ? closeCodes.failed : closeCodes.superseded,
        same ? 'the same session connected again' : superseded,
      )
    }
    const { version, host } = facts
    const known: Known = { agent, session, started, site, version, host, draining: false }
    socket.serializeAttachment(known)
    const present = { socket, ...known }
    send(present, { t: 'welcome', protocol: protocolVersion, heartbeatMs: pace(this.#env).heartbeatMs })
    return present
  }

  drains({ socket, ...known }: Present): void {
    socket.serializeAttachment({ ...known, draining: true })
  }

  /** Its socket is closed. */
  async gone(socket: WebSocket): Promise<void> {
    const known = knownOf(socket)
    if (!known) return
    socket.serializeAttachment(null)
    await this.save(known)
  }

  /** One after the other, so that the last word is the last one. What fails is told again by the next connection. */
  save({ agent, host, site, version }: Known): Promise<void> {
    const row = { id: agent, host, site, version, seenAt: Date.now() }
    this.#saving = this.#saving
      .then(() => Catalogue.of(this.#env, this.#workspace).saveAgent(row))
      .catch((error) => console.warn('an agent was not saved', error))
    return this.#saving
  }
}

export function send({ socket }: Present, message: FleetPlaneMessage): void {
  try {
    socket.send(JSON.stringify(message))
  } catch {
    // It is closing; the next hello gets it all.
  }
}

const superseded = 'another process works under this agent’s name'
const knownOf = (socket: WebSocket) => socket.deserializeAttachment() as Known | null
