/**
 * What webhooks are told of the fleet: agents that are gone without a word, two processes with one identity, limits that hold work back for long.
 *
 * An agent that closes its socket properly has left, and is not lost. One whose socket broke, or whose pings stopped, is looked for twice, a
 * minute apart, and told as lost where it is still away then: a new start of either side comes in between.
 */
import type { WebhookEvent } from '../../shared/api/webhook-events.ts'
import { Alarm } from '../alarm.ts'
import { Announcements } from '../announcements.ts'
import { eventOf } from '../core/events.ts'
import type { Env } from '../env.ts'
import type { Present } from './presence.ts'

const minute = 60_000
/** How long a limit has to hold work back, in ms; pauses of less than `lull` do not count as such. */
const heldMs = 15 * minute
const lull = minute
/** One limit is told once in that time. */
const againMs = 24 * 60 * minute

export interface Agent {
  readonly agent: string
  readonly site: string
  readonly draining: boolean
}

/** Of the fleet, what is asked of its other parts. */
interface Around {
  all(): Present[]
  alive(): Present[]
  isShutOut(agent: string): boolean
}

export class Watch {
  readonly #storage: DurableObjectStorage
  readonly #env: Env
  readonly #workspace: string
  readonly #around: Around
  readonly #announcements: Announcements
  /** By endpoint and limit: since when it holds work back, and when it last did. */
  readonly #held = new Map<string, { since: number; last: number }>()
  readonly #alarm: Alarm

  constructor(storage: DurableObjectStorage, env: Env, workspace: string, around: Around) {
    this.#storage = storage
    this.#alarm = new Alarm(storage)
    this.#env = env
    this.#workspace = workspace
    this.#around = around
    this.#announcements = new Announcements(storage.sql)
    storage.sql.exec(`
      CREATE TABLE IF NOT EXISTS absent (
        agent TEXT PRIMARY KEY, site TEXT NOT NULL, since INTEGER NOT NULL, looked INTEGER NOT NULL
      ) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS told_limit (name TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
    `)
  }

  /** To be awaited before anything else. */
  wake(): Promise<void> {
    return this.#alarm.wake()
  }

  /** An agent said hello. */
  here(agent: string): void {
    this.#storage.sql.exec('DELETE FROM absent WHERE agent = ?', agent)
    this.#alarm.arm(Date.now() + minute)
  }

  /** Its socket broke, or its pings have stopped. */
  missed({ agent, site, draining }: Agent, now: number): void {
    if (draining || this.#around.isShutOut(agent)) return
    this.#storage.sql.exec('INSERT OR IGNORE INTO absent VALUES (?, ?, ?, 0)', agent, site, now)
    this.#alarm.arm(now + minute)
  }

  /** Each began at (ms). */
  twins({ agent, site }: Agent, stayed: number, left: number, now: number): void {
    const data = { agent, site, stayed, left }
    this.#announce(eventOf(this.#workspace, 'agent.duplicate', [agent, stayed, left], now, data))
  }

  /** A limit held an agent back just now. `value`: what it allows. */
  held(endpoint: string, limit: 'bandwidth' | 'requests' | 'concurrency', value: number, now: number): void {
    const name = `${limit} ${endpoint}`
    const before = this.#held.get(name)
    const since = before && now - before.last < lull ? before.since : now
    this.#held.set(name, { since, last: now })
    if (now - since < heldMs) return
    const { sql } = this.#storage
    const told = sql.exec<{ at: number }>('SELECT at FROM told_limit WHERE name = ?', name).toArray()[0]
    if (told && now - told.at < againMs) return
    const data = { endpoint, limit, value, since }
    this.#storage.transactionSync(() => {
      sql.exec('INSERT OR REPLACE INTO told_limit VALUES (?, ?)', name, now)
      this.#announcements.add(eventOf(this.#workspace, 'limit.reached', [endpoint, limit, since], now, data))
    })
    this.#tell()
  }

  async alarm(): Promise<void> {
    this.#alarm.fired()
    const now = Date.now()
    const alive = new Set(this.#around.alive().map(({ agent }) => agent))
    for (const agent of this.#around.all()) if (!alive.has(agent.agent)) this.missed(agent, now)
    this.#storage.transactionSync(() => this.#look(alive, now))
    await this.#announcements
      .tell(this.#env)
      .catch((error) => console.warn('the courier was not told', error))
    const more = this.#announcements.waiting || alive.size > 0 || this.#unsettled()
    if (more) this.#alarm.arm(Date.now() + minute)
  }

  /** `looked`: how often it was looked for; 2: it was told as lost. */
  #look(alive: ReadonlySet<string>, now: number): void {
    const { sql } = this.#storage
    const rows = sql
      .exec<{ agent: string; site: string; since: number; looked: number }>(
        'SELECT * FROM absent WHERE looked < 2',
      )
      .toArray()
    for (const { agent, site, since, looked } of rows) {
      if (alive.has(agent) || this.#around.isShutOut(agent)) {
        sql.exec('DELETE FROM absent WHERE agent = ?', agent)
        continue
      }
      if (now < since + minute) continue
      sql.exec('UPDATE absent SET looked = ? WHERE agent = ?', looked + 1, agent)
      if (looked === 0) continue
      const data = { agent, site, seenAt: since }
      this.#announcements.add(eventOf(this.#workspace, 'agent.lost', [agent, since], now, data))
    }
  }

  #unsettled(): boolean {
    return this.#storage.sql.exec('SELECT 1 FROM absent WHERE looked < 2 LIMIT 1').toArray().length > 0
  }

  #announce(event: WebhookEvent): void {
    this.#announcements.add(event)
    this.#tell()
  }

  /** What fails is told again by the alarm. */
  #tell(): void {
    this.#alarm.arm(Date.now() + minute)
    this.#announcements.tell(this.#env).catch((error) => console.warn('the courier was not told', error))
  }
}
