/**
 * The standing socket, and one reconcile loop behind it: what the plane assigns is what this agent has sessions for.
 * It is woken by an assignment, by a session that ended, and by a pause that is over.
 */
import type { Answer, Ask } from '../../shared/asks.ts'
import {
  type Facts,
  type FleetAgentMessage,
  type FleetPlaneMessage,
  fleetPlaneMessageSchema,
  protocolVersion,
} from '../../shared/protocol.ts'
import type { Signer } from '../identity/signer.ts'
import { pauseAfter } from './backoff.ts'
import type { Budgets } from './budgets.ts'
import { openDoing } from './doing.ts'
import { type Line, type Log, openLine } from './line.ts'
import type { MigrationSession } from './migration.ts'

export interface FleetOptions {
  url: URL
  signer: Signer
  session: string
  /** When this process began (ms). */
  started: number
  facts(): Facts
  /** Of the migrations that are assigned, the one to open; null: all. */
  only: string | null
  log: Log
  open(migration: string, weight: number): MigrationSession
  /** Shares of limited endpoints. */
  budgets: Budgets
  /** Never rejects. */
  answer(ask: Ask): Promise<Answer>
  /** An operator wants it to finish what it holds, and end. */
  toldToDrain(): void
  /** The control plane sends this process away. */
  sentAway(why: 'superseded' | 'revoked'): void
}

export interface Fleet {
  /** They have changed. */
  tellFacts(): void
  drain(): Promise<void>
  stop(): Promise<void>
}

export function joinFleet(options: FleetOptions): Fleet {
  const sessions = new Map<string, MigrationSession>()
  /** Sessions that ended since the last assignment, by migration: what opens again and again does so ever more slowly. */
  const endings = new Map<string, number>()
  const pauses = new Set<NodeJS.Timeout>()
  /** With the weight of each. */
  let assigned: ReadonlyMap<string, number> = new Map()
  const doing = openDoing(sessions)
  let leaving = false

  const line: Line<FleetAgentMessage> = openLine<FleetPlaneMessage, FleetAgentMessage>({
    url: options.url,
    signer: options.signer,
    schema: fleetPlaneMessageSchema,
    name: 'fleet',
    log: options.log,
    opened() {
      const { session, signer } = options
      const started = signer.at(options.started)
      line.send({ t: 'hello', protocol: protocolVersion, session, started, facts: options.facts() })
      if (leaving) line.send({ t: 'draining' })
      options.budgets.opened()
    },
    received(message) {
      switch (message.t) {
        case 'welcome':
          welcome(message.protocol, message.heartbeatMs)
          break
        case 'assign':
          assigned = new Map(
            message.migrations
              .filter(({ id }) => options.only === null || id === options.only)
              .map(({ id, weight }) => [id, weight]),
          )
          endings.clear()
          reconcile()
          break
        case 'drain':
          options.toldToDrain()
          break
        case 'ask':
          void options.answer(message.ask).then((answer) => {
            line.send({ t: 'answer', request: message.request, answer })
          })
          break
        case 'limited':
        case 'budget':
          options.budgets.heard(message)
          break
        default:
          message satisfies never
      }
    },
    confirmed() {},
    beat() {
      const told = doing()
      if (told) line.send(told)
    },
    // What was assigned stands until the plane says otherwise.
    lost() {},
    over(why) {
      if (why !== 'over') options.sentAway(why)
    },
  })

  options.budgets.connect((usage) => line.send(usage))

  function welcome(protocol: number, heartbeatMs: number): void {
    if (protocol !== protocolVersion) {
      line.reject(`the control plane speaks protocol ${protocol}, this agent ${protocolVersion}`)
      return
    }
    options.log({ level: 'info', event: 'connected' })
    line.pace(heartbeatMs)
  }

  function reconcile(): void {
    if (leaving) return
    for (const [migration, session] of sessions) {
      const weight = assigned.get(migration)
      if (weight === undefined) void session.stop()
      else session.weigh(weight)
    }
    for (const [migration, weight] of assigned) {
      if (!sessions.has(migration)) open(migration, weight)
    }
  }

  function open(migration: string, weight: number): void {
    const session = options.open(migration, weight)
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
    options.budgets.close()
    line.close()
  }

  const tellFacts = () => line.send({ t: 'facts', facts: options.facts() })
  return { tellFacts, drain: () => leave('drain'), stop: () => leave('stop') }
}
