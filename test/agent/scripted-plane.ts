/**
 * A control plane that says only what a test tells it to, on real sockets: for what the real one never does, or does at
 * moments that no test can choose.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import { defaultPassOptions, noFilter, type PassOptions } from '../../shared/policy.ts'
import {
  type AgentMessage,
  type Assignment,
  agentMessageSchema,
  type FleetPlaneMessage,
  type LeasedPacket,
  type PlaneMessage,
  protocolVersion,
} from '../../shared/protocol.ts'
import { bucket } from './world.ts'

export interface Connection {
  readonly socket: WebSocket
  /** Everything that it has said so far. */
  readonly said: AgentMessage[]
  say(message: PlaneMessage): void
  /** The first message that fits, of those said already and of those to come. */
  hear<T extends AgentMessage['t']>(
    t: T,
    fits?: (message: Extract<AgentMessage, { t: T }>) => boolean,
  ): Promise<Extract<AgentMessage, { t: T }>>
  welcome(options?: Partial<PassOptions>, more?: Partial<Extract<PlaneMessage, { t: 'welcome' }>>): void
  readonly closed: Promise<number>
}

export interface ScriptedPlane {
  readonly url: URL
  /** The agent's next connection to the migration. */
  connection(): Promise<Connection>
  /** Assigns migrations to whoever is there, and to whoever comes; of weight 1 unless told. */
  assign(migrations: (string | Assignment)[]): void
  /** Answers upgrades with this status; null: lets them in. */
  refuseWith(status: number | null): void
  stop(): Promise<void>
}

const weighed = (given: string | Assignment) => (typeof given === 'string' ? { id: given, weight: 1 } : given)

export const lease = (packet: Partial<LeasedPacket> & { id: number }): LeasedPacket => ({
  generation: 1,
  kind: 'copy',
  after: null,
  through: null,
  attempt: 1,
  work: { objects: 0, bytes: 0 },
  deletes: 10_000,
  ...packet,
})

export async function startScriptedPlane(): Promise<ScriptedPlane> {
  // Reports are taken and thrown away.
  const http = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(204).end())
  })
  const sockets = new WebSocketServer({ noServer: true })
  const fleet = new Set<WebSocket>()
  let assigned: (string | Assignment)[] = ['m']
  let refusal: number | null = null
  const waiting: ((connection: Connection) => void)[] = []
  const arrived: Connection[] = []

  const sayToFleet = (socket: WebSocket, message: FleetPlaneMessage) => socket.send(JSON.stringify(message))

  http.on('upgrade', (request, raw, head) => {
    if (refusal !== null) {
      raw.end(`HTTP/1.1 ${refusal} No\r\nconnection: close\r\n\r\n`)
      return
    }
    sockets.handleUpgrade(request, raw, head, (socket) => {
      if (request.url === '/agent/fleet') joinFleet(socket)
      else arrive(socket)
    })
  })

  function joinFleet(socket: WebSocket): void {
    fleet.add(socket)
    socket.on('close', () => fleet.delete(socket))
    socket.on('message', (data) => {
      const text = data.toString()
      if (text === 'ping') socket.send('pong')
      else if (JSON.parse(text).t === 'hello') {
        sayToFleet(socket, { t: 'welcome', protocol: protocolVersion, heartbeatMs: 1_000 })
        sayToFleet(socket, { t: 'assign', migrations: assigned.map(weighed) })
      }
    })
  }

  function arrive(socket: WebSocket): void {
    const said: AgentMessage[] = []
    const listeners = new Set<(message: AgentMessage) => void>()
    socket.on('message', (data) => {
      const text = data.toString()
      if (text === 'ping') return socket.send('pong')
      const message = agentMessageSchema.parse(JSON.parse(text))
      said.push(message)
      // Always taken, so that an agent that stops need not wait.
      if (message.t === 'release') connection.say({ t: 'ack', seq: message.seq, hold: false })
      for (const listener of listeners) listener(message)
    })
    const connection: Connection = {
      socket,
      said,
      say: (message) => socket.send(JSON.stringify(message)),
      hear: (t, fits = () => true) =>
        new Promise((resolve) => {
          const listen = (message: AgentMessage) => {
            if (message.t !== t || !fits(message as never)) return
            listeners.delete(listen)
            resolve(message as never)
          }
          const before = said.find((message) => message.t === t && fits(message as never))
          if (before) resolve(before as never)
          else listeners.add(listen)
        }),
      welcome(options = {}, more = {}) {
        connection.say({
          t: 'welcome',
          protocol: protocolVersion,
          migration: 'm',
          pass: { number: 1, options: { ...defaultPassOptions, ...options }, startedAt: 0 },
          source: bucket('source'),
          destination: bucket('destination'),
          filter: noFilter,
          heartbeatMs: 20,
          leaseMs: 10_000,
          lost: [],
          ...more,
        })
      },
      closed: once(socket, 'close').then(([code]) => code as number),
    }
    const taker = waiting.shift()
    if (taker) taker(connection)
    else arrived.push(connection)
  }

  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  return {
    url: new URL(`http://127.0.0.1:${(http.address() as AddressInfo).port}`),
    connection: () => {
      const next = arrived.shift()
      return next ? Promise.resolve(next) : new Promise((resolve) => waiting.push(resolve))
    },
    assign(migrations) {
      assigned = migrations
      for (const socket of fleet) sayToFleet(socket, { t: 'assign', migrations: migrations.map(weighed) })
    },
    refuseWith(status) {
      refusal = status
    },
    async stop() {
      for (const socket of sockets.clients) socket.terminate()
      http.closeAllConnections()
      http.close()
      await once(http, 'close')
    },
  }
}
