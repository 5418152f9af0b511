/**
 * Which agents are there: one socket each. What must be known of an agent while the object sleeps is kept with its socket.
 */

import type { Doing } from '../../shared/api/agents.ts'
import {
  closeCodes,
  type FleetAgentMessage,
  type FleetPlaneMessage,
  protocolVersion,
} from '../../shared/protocol.ts'
import { localAgent } from '../access/agent.ts'
import { isNewer, type Process } from '../core/newest.ts'
import type { Visitor } from '../door.ts'
import { type Env, localWorkspace, pace } from '../env.ts'
import { closeSocket } from '../incoming.ts'
import { Agents } from '../store/agents.ts'
import type { Agent } from './watch.ts'

/** Kept with the socket: 16 KiB at most. */
interface Known {
  readonly agent: string
  readonly site: string
  readonly address: string | null
  /** Null before hello. */
  readonly process: (Process & { readonly draining: boolean }) | null
}

/** An agent that said hello and whose socket is open. */
export interface Present extends Process {
  readonly socket: WebSocket
  readonly agent: string
  readonly site: string
  readonly address: string | null
  readonly draining: boolean
}

/** How an agent that is connected is, as it told; kept in memory alone. */
export interface There {
  readonly agent: string
  readonly draining: boolean
  readonly doing: Doing[]
}

/** Facts that come more often than this (ms) are not kept. */
const factsEvery = 5_000

export class Presence {
  readonly #ctx: DurableObjectState
  readonly #env: Env
  readonly #workspace: string
  readonly #onTwins: (agent: Agent, stayed: number, left: number) => void
  /** Of each agent, when its facts were last kept. */
  readonly #kept = new Map<string, number>()
  /** Of each agent, what it last told of what it does, and when. */
  readonly #doing = new Map<string, { at: number; doing: Doing[] }>()
  #saving: Promise<void> = Promise.resolve()

  /** `onTwins`: of two processes with one identity, when each of them began. */
  constructor(
    ctx: DurableObjectState,
    env: Env,
    workspace: string,
    onTwins: (agent: Agent, stayed: number, left: number) => void,
  ) {
    this.#onTwins = onTwins
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
    if (!known?.process) return null
    const { agent, site, address, process } = known
    return { socket, agent, site, address, ...process }
  }

  /** Those whose pings go on: a socket may be open though its agent is gone. */
  alive(): Present[] {
    const stale = Date.now() - 2 * pace(this.#env).leaseMs
    return this.all().filter(({ socket }) => {
      const pinged = this.#ctx.getWebSocketAutoResponseTimestamp(socket)
      return pinged === null || pinged.getTime() > stale
    })
  }

  /** Whose socket it was, though it is closed; null where it said no hello, or another one has taken its place. */
  was(socket: WebSocket): Agent | null {
    const known = knownOf(socket)
    return known?.process ? { ...known, draining: known.process.draining } : null
  }

  opened(socket: WebSocket, { agent, site, address }: Visitor): void {
    socket.serializeAttachment({ agent, site, address, process: null } satisfies Known)
  }

  /** Null where a newer process of this agent is there: this one is sent away. Else the older one is. */
  hello(socket: WebSocket, message: FleetAgentMessage & { t: 'hello' }): Present | null {
    const known = knownOf(socket)!
    const { session, started } = message
    const others = this.all().filter(({ agent }) => agent === known.agent)
    const newer = this.alive().find((other) => other.agent === known.agent && isNewer(other, message))
    if (newer) {
      closeSocket(socket, closeCodes.superseded, superseded)
      this.#tellTwins(known, newer, message)
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
      if (!same) this.#tellTwins(known, message, other)
    }
    socket.serializeAttachment({ ...known, process: { session, started, draining: false } } satisfies Known)
    const present = this.of(socket)
    if (present) {
      send(present, { t: 'welcome', protocol: protocolVersion, heartbeatMs: pace(this.#env).heartbeatMs })
    }
    return present
  }

  drains({ socket, session, started }: Present): void {
    const process = { session, started, draining: true }
    socket.serializeAttachment({ ...knownOf(socket)!, process } satisfies Known)
  }

  does({ agent }: Present, { ms, migrations }: FleetAgentMessage & { t: 'doing' }): void {
    const aSecond = (n: number) => Math.round((n * 1000) / ms)
    const doing = migrations.map(({ id, packets, objects, bytes }) => ({
      ...{ migration: id, packets, objects: aSecond(objects), bytes: aSecond(bytes) },
    }))
    if (doing.length === 0) this.#doing.delete(agent)
    else this.#doing.set(agent, { at: Date.now(), doing })
  }

  /** Those that are alive, once each. Whoever works says so with each heartbeat: of whom nothing was heard, nothing is done. */
  there(): There[] {
    const stale = Date.now() - pace(this.#env).leaseMs
    const told = (agent: string) => {
      const heard = this.#doing.get(agent)
      return heard && heard.at > stale ? heard.doing : []
    }
    const all = this.alive().map(({ agent, draining }) => ({ agent, draining, doing: told(agent) }))
    return [...new Map(all.map((one) => [one.agent, one])).values()]
  }

  /** Closes what the agent has here. */
  revoked(agent: string): void {
    for (const socket of this.#ctx.getWebSockets()) {
      if (knownOf(socket)?.agent === agent) closeSocket(socket, closeCodes.revoked, 'this agent is revoked')
    }
  }

  /** Its socket is closed. */
  async gone(socket: WebSocket): Promise<void> {
    const known = knownOf(socket)
    if (!known?.process) return
    socket.serializeAttachment(null)
    this.#doing.delete(known.agent)
    await this.#save((agents) => agents.disconnected(known.agent, Date.now()))
  }

  /** It is there, and tells what it is. */
  keep({ agent, address }: Present, { facts }: FleetAgentMessage & { t: 'hello' }): Promise<void> {
    const local = this.#workspace === localWorkspace ? localAgent(this.#env) : null
    return this.#save((agents) =>
      local?.agent === agent
        ? agents.connectedLocal(local, facts, Date.now())
        : agents.connected(agent, facts, address, Date.now()),
    )
  }

  async facts({ agent }: Present, { facts }: FleetAgentMessage & { t: 'facts' }): Promise<void> {
    const now = Date.now()
    if (now - (this.#kept.get(agent) ?? 0) < factsEvery) return
    this.#kept.set(agent, now)
    await this.#save((agents) => agents.changed(agent, facts))
  }

  #tellTwins({ agent, site }: Known, stayed: Process, left: Process): void {
    this.#onTwins({ agent, site, draining: false }, stayed.started, left.started)
    const told = { stayed: stayed.session, left: left.session }
    this.#ctx.waitUntil(this.#save((agents) => agents.twins(agent, told, Date.now())))
  }

  /** One after the other, so that the last word is the last one. What fails is told again by the next connection. */
  #save(change: (agents: Agents) => Promise<void>): Promise<void> {
    this.#saving = this.#saving
      .then(() => change(Agents.of(this.#env, this.#workspace)))
      .catch((error) => console.warn('an agent was not saved', error))
    return this.#saving
  }
}

export function send({ socket }: Pick<Present, 'socket'>, message: FleetPlaneMessage): void {
  try {
    socket.send(JSON.stringify(message))
  } catch {
    // It is closing; the next hello gets it all.
  }
}

const superseded = 'another process works with this agent’s identity'
const knownOf = (socket: WebSocket) => socket.deserializeAttachment() as Known | null
