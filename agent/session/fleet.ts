/**
 * The standing socket, and one reconcile loop behind it: what the plane assigns is what this agent has sessions for.
 * It is woken by an assignment, by a session that ended, and by a pause that is over.
 */
import {
  type Answer,
  type Ask,
  type Facts,
  type FleetAgentMessage,
  type FleetPlaneMessage,
  fleetPlaneMessageSchema,
  protocolVersion,
} from '../../shared/protocol.ts'
import { pauseAfter } from './backoff.ts'
import { type Line, type Log, openLine } from './line.ts'
import type { MigrationSession } from './migration.ts'

export interface FleetOptions {
  url: URL
  token: string
  agent: string
  session: string
  /** When this process began (ms). */
  started: number
  site: string
  facts(): Facts
  /** Of the migrations that are assigned, the one to open; null: all. */
  only: string | null
  log: Log
  open(migration: string): MigrationSession
  /** Never rejects. */
  answer(ask: Ask): Promise<Answer>
  /** Another process works under this agent's name. */
  superseded(): void
}

export interface Fleet {
  drain(): Promise<void>
  stop(): Promise<void>
}

export function joinFleet(options: FleetOptions): Fleet {
  const sessions = new Map<string, MigrationSession>()
  /** Sessions that ended since the last assignment, by migration: what opens again and again does so ever more slowly. */
  const endings = new Map<string, number>()
  const pauses = new Set<NodeJS.Timeout>()
  let assigned: readonly string[] = []
  let leaving = false

  const line: Line<FleetAgentMessage> = openLine<FleetPlaneMessage, FleetAgentMessage>({
    url: options.url,
    token: options.token,
    schema: fleetPlaneMessageSchema,
    name: 'fleet',
    log: options.log,
    opened() {
      const { agent, session, started, site } = options
      const facts = options.facts()
      line.send({ t: 'hello', protocol: protocolVersion, agent, session, started, site, facts })
      if (leaving) line.send({ t: 'draining' })
    },
    received(message) {
      switch (message.t) {
        case 'welcome':
          welcome(message.protocol, message.heartbeatMs)
          break
        case 'assign':
          assigned = message.migrations
            .map(({ id }) => id)
            .filter((id) => options.only === null || id === options.only)
          endings.clear()
          reconcile()
          break
        case 'ask':
          void options.answer(message.ask).then((answer) => {
            line.send({ t: 'answer', request: message.request, answer })
          })
          break
        default:
          message satisfies never
      }
    },
    confirmed() {},
    beat() {},
    // What was assigned stands until the plane says otherwise.
    lost() {},
    over(why) {
      if (why === 'superseded') options.superseded()
    },
  })

  function welcome(protocol: number, heartbeatMs: number): void {
    if (protocol !== protocolVersion) {
      line.reject(`the control plane speaks protocol ${protocol}, this agent ${protocolVersion}`)
      return
    }
    options.log({ level: 'info', event: 'connected', agent: options.agent, site: options.site })
    line.pace(heartbeatMs)
  }

  function reconcile(): void {
    if (leaving) return
    const wanted = new Set(assigned)
    for (const [migration, session] of sessions) {
      if (!wanted.has(migration)) void session.stop()
    }
    for (const migration of wanted) {
      if (!sessions.has(migration)) open(migration)
    }
  }

  function open(migration: string): void {
    const session = options.open(migration)
    sessions.set(migration, session)
    void session.ended.then(() => {
      sessions.delete(migration)
      const times = (endings.get(migration) ?? 0) + 1
      endings.set(migration, times)
      // Usually the assignment that takes it away is on its way. If it is not, the next pass may have begun already.
      wakeIn(pauseAfter(times, 1))
    })
  }

  function wakeIn(ms: number): void {
    if (leaving) return
    const timer = setTimeout(() => {
      pauses.delete(timer)
      reconcile()
    }, ms)
    pauses.add(timer)
  }

  async function leave(how: 'drain' | 'stop'): Promise<void> {
    leaving = true
    for (const timer of pauses) clearTimeout(timer)
    if (how === 'drain') line.send({ t: 'draining' })
    await Promise.all([...sessions.values()].map((session) => session[how]()))
    line.close()
  }

  return { drain: () => leave('drain'), stop: () => leave('stop') }
}
