/**
 * Who may use how much of which limited endpoint now. The limits are the catalogue's; what they allow is divided among the agents that use
 * them (core/divide.ts), each time one of these says what it does, which is every second. So nothing runs here by the clock: while
 * nobody uses a limited endpoint, the object may sleep.
 *
 * Shares are in memory alone. An object that is begun anew while shares are out (a mark in its storage says so) raises none before
 * they have run out; agents go on with what they have, and tell of it.
 */
import type { ShareView } from '../../shared/api/limits.ts'
import type { Limit, LimitValues } from '../../shared/limit.ts'
import type { FleetAgentMessage } from '../../shared/protocol.ts'
import { divide, type Holder, heard, validMs } from '../core/divide.ts'
import { limitAt, nextChange } from '../core/limit.ts'
import { type Presence, type Present, send } from './presence.ts'

type Usage = FleetAgentMessage & { t: 'usage' }

interface Endpoint {
  limit: Limit
  values: LimitValues
  /** When `values` must be looked up again. */
  until: number
  /** By session. */
  holders: Map<string, Holder>
}

/** A limit held an agent back; `value` is what it allows now. */
type OnHeld = (endpoint: string, limit: keyof LimitValues, value: number, now: number) => void

export class Budgets {
  readonly #sql: SqlStorage
  readonly #presence: Presence
  readonly #load: () => Promise<{ endpoint: string; limit: Limit }[]>
  readonly #onHeld: OnHeld
  readonly #startedAt = Date.now()
  readonly #endpoints = new Map<string, Endpoint>()
  /** Of the last usage of each session that holds a share. */
  readonly #heard = new Map<string, number>()
  #loaded: Promise<void> | null = null
  /** Rises over all objects of this name too. */
  #number = Date.now()
  #out: boolean
  readonly #wereOut: boolean

  /** `load`: the limits of the workspace. */
  constructor(
    sql: SqlStorage,
    presence: Presence,
    load: () => Promise<{ endpoint: string; limit: Limit }[]>,
    onHeld: OnHeld,
  ) {
    this.#onHeld = onHeld
    this.#sql = sql
    this.#presence = presence
    this.#load = load
    sql.exec('CREATE TABLE IF NOT EXISTS shares_are_out (it_is INTEGER PRIMARY KEY)')
    this.#out = this.#wereOut = sql.exec('SELECT * FROM shares_are_out').toArray().length > 0
  }

  /** Before it is told what to work for. */
  async welcome(agent: Present): Promise<void> {
    await this.#ready()
    send(agent, { t: 'limited', endpoints: [...this.#endpoints.keys()] })
  }

  /** A limit was set or taken away. */
  async changed(): Promise<void> {
    this.#loaded = null
    await this.#ready()
    const endpoints = [...this.#endpoints.keys()]
    for (const agent of this.#presence.all()) send(agent, { t: 'limited', endpoints })
    this.#divide(endpoints)
  }

  async heard(agent: Present, usage: Usage): Promise<void> {
    await this.#ready()
    const now = Date.now()
    const touched = new Set<string>()
    for (const use of usage.endpoints) {
      const endpoint = this.#endpoints.get(use.endpoint)
      // Its limit was taken away; the agent learns of it.
      if (!endpoint) continue
      touched.add(use.endpoint)
      const holder = endpoint.holders.get(agent.session)
      endpoint.holders.set(agent.session, heard(holder, use, usage.applied, now))
      for (const limit of ['bandwidth', 'requests', 'concurrency'] as const) {
        const value = endpoint.values[limit]
        if (use.held[limit] && value !== null) this.#onHeld(use.endpoint, limit, value, now)
      }
    }
    for (const [name, { holders }] of this.#endpoints) {
      if (!touched.has(name) && holders.delete(agent.session)) touched.add(name)
    }
    this.#heard.set(agent.session, usage.seq)
    this.#divide([...touched], agent)
  }

  /** By agent; empty where nobody uses it, or it has no limit. */
  async shares(endpoint: string): Promise<ShareView[]> {
    await this.#ready()
    const holders = this.#endpoints.get(endpoint)?.holders
    return this.#presence
      .all()
      .flatMap(({ agent, site, session }) => {
        const holder = holders?.get(session)
        return holder ? [{ agent, site, share: holder.told, used: holder.used, held: holder.held }] : []
      })
      .toSorted((a, b) => (a.agent < b.agent ? -1 : 1))
  }

  /** Once they are loaded, all of it happens in one turn. */
  #ready(): Promise<void> {
    this.#loaded ??= this.#take().catch((error) => {
      this.#loaded = null
      throw error
    })
    return this.#loaded
  }

  async #take(): Promise<void> {
    const rows = await this.#load()
    const named = new Set(rows.map(({ endpoint }) => endpoint))
    for (const name of this.#endpoints.keys()) if (!named.has(name)) this.#endpoints.delete(name)
    for (const { endpoint, limit } of rows) {
      const holders = this.#endpoints.get(endpoint)?.holders ?? new Map<string, Holder>()
      this.#endpoints.set(endpoint, { limit, values: limitAt(limit, Date.now()), until: 0, holders })
    }
  }

  /** Tells all whose share is another now, and `asking`, whatever its is. */
  #divide(names: readonly string[], asking: Present | null = null): void {
    const now = Date.now()
    const number = ++this.#number
    const news = new Set(asking ? [asking.session] : [])
    for (const name of names) {
      const endpoint = this.#endpoints.get(name)
      if (!endpoint) continue
      if (now >= endpoint.until) {
        endpoint.values = limitAt(endpoint.limit, now)
        endpoint.until = nextChange(endpoint.limit, now) ?? now + 24 * 60 * 60_000
      }
      endpoint.holders = divide(endpoint.values, endpoint.holders, now, number, this.#mayRaise(now))
      for (const [session, holder] of endpoint.holders) if (holder.number === number) news.add(session)
    }
    this.#mark()
    for (const agent of this.#presence.all()) if (news.has(agent.session)) this.#tell(agent, number)
  }

  #tell(agent: Present, number: number): void {
    const heard = this.#heard.get(agent.session)!
    const shares = [...this.#endpoints].flatMap(([endpoint, { holders }]) => {
      const holder = holders.get(agent.session)
      return holder ? [{ endpoint, share: holder.told }] : []
    })
    send(agent, { t: 'budget', number, heard, validMs, shares })
    if (shares.length === 0) this.#heard.delete(agent.session)
  }

  #mayRaise(now: number): boolean {
    return !this.#wereOut || now > this.#startedAt + validMs
  }

  /** One row when the first share is out, none while they are. */
  #mark(): void {
    const isOut = [...this.#endpoints.values()].some(({ holders }) => holders.size > 0)
    if (isOut === this.#out) return
    this.#out = isOut
    this.#sql.exec(isOut ? 'INSERT INTO shares_are_out VALUES (1)' : 'DELETE FROM shares_are_out')
  }
}
