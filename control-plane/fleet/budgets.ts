/**
 * Who may use how much of which limited endpoint now. The limits are the catalogue's; what they allow is divided among the agents that use
 * them (core/divide.ts), each time one of these says what it does, which is every second. So nothing runs here by the clock: while
 * nobody uses a limited endpoint, the object may sleep.
 *
 * Shares are in memory alone; only who has some is stored. An object that is begun anew raises none before all of these have told what
 * they have, or it has run out; meanwhile they go on with it. An agent's newer process takes the place of the older one: two of
 * them do not run on one state directory.
 */
import type { ShareView } from '../../shared/api/limits.ts'
import type { Limit, LimitValues } from '../../shared/limit.ts'
import { closeCodes, type FleetAgentMessage } from '../../shared/protocol.ts'
import { divide, type Holder, heard, validMs } from '../core/divide.ts'
import { limitAt, nextChange } from '../core/limit.ts'
import { closeSocket } from '../incoming.ts'
import { type Presence, type Present, send } from './presence.ts'

type Usage = FleetAgentMessage & { t: 'usage' }

interface Endpoint {
  limit: Limit
  values: LimitValues
  /** When `values` must be looked up again. */
  until: number
  /** By agent and session (`keyOf`). */
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
  /** Agents that have a share of anything, as stored. */
  readonly #out: Set<string>
  /** Of those, before this object was begun, that have not told yet what they have. */
  readonly #missing: Set<string>

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
    sql.exec('CREATE TABLE IF NOT EXISTS shares_out (agent TEXT PRIMARY KEY) WITHOUT ROWID')
    this.#out = new Set(
      sql
        .exec<{ agent: string }>('SELECT agent FROM shares_out')
        .toArray()
        .map(({ agent }) => agent),
    )
    this.#missing = new Set(this.#out)
  }

  /** Before it is told what to work for. */
  async welcome(agent: Present): Promise<void> {
    try {
      await this.#ready()
    } catch (error) {
      // It comes again; without them it would believe that all is free.
      closeSocket(agent.socket, closeCodes.failed, 'the limits could not be read')
      throw error
    }
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
    const key = keyOf(agent)
    const touched = new Set<string>()
    const isAfterStart = !this.#mayRaise(now)
    this.#missing.delete(agent.agent)
    for (const use of usage.endpoints) {
      const endpoint = this.#endpoints.get(use.endpoint)
      // Its limit was taken away; the agent learns of it.
      if (!endpoint) continue
      touched.add(use.endpoint)
      const holder = endpoint.holders.get(key)
      // Nobody has a share from elsewhere but from the object before this one.
      const said = holder || isAfterStart ? use : { ...use, share: null }
      endpoint.holders.set(key, heard(holder, said, usage.applied, now))
      for (const limit of ['bandwidth', 'requests', 'concurrency'] as const) {
        const value = endpoint.values[limit]
        if (use.held[limit] && value !== null) this.#onHeld(use.endpoint, limit, value, now)
      }
    }
    for (const [name, { holders }] of this.#endpoints) {
      if (!touched.has(name) && holders.delete(key)) touched.add(name)
      for (const other of holders.keys())
        if (other !== key && agentIn(other) === agent.agent) holders.delete(other)
    }
    this.#heard.set(key, usage.seq)
    this.#divide([...touched], agent)
  }

  /** By agent; empty where nobody uses it, or it has no limit. */
  async shares(endpoint: string): Promise<ShareView[]> {
    await this.#ready()
    const holders = this.#endpoints.get(endpoint)?.holders
    return this.#presence
      .all()
      .flatMap((present) => {
        const { agent, site } = present
        const holder = holders?.get(keyOf(present))
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
    const news = new Set(asking ? [keyOf(asking)] : [])
    for (const name of names) {
      const endpoint = this.#endpoints.get(name)
      if (!endpoint) continue
      if (now >= endpoint.until) {
        endpoint.values = limitAt(endpoint.limit, now)
        endpoint.until = nextChange(endpoint.limit, now) ?? now + 24 * 60 * 60_000
      }
      endpoint.holders = divide(endpoint.values, endpoint.holders, now, number, this.#mayRaise(now))
      for (const [key, holder] of endpoint.holders) if (holder.number === number) news.add(key)
    }
    this.#mark()
    for (const agent of this.#presence.all()) if (news.has(keyOf(agent))) this.#tell(agent, number)
  }

  #tell(agent: Present, number: number): void {
    const key = keyOf(agent)
    const heard = this.#heard.get(key)!
    const shares = [...this.#endpoints].flatMap(([endpoint, { holders }]) => {
      const holder = holders.get(key)
      return holder ? [{ endpoint, share: holder.told }] : []
    })
    send(agent, { t: 'budget', number, heard, validMs, shares })
    if (shares.length === 0) this.#heard.delete(key)
  }

  #mayRaise(now: number): boolean {
    return this.#missing.size === 0 || now > this.#startedAt + validMs
  }

  /** A row when an agent gets its first share of anything, and when it has none any more. */
  #mark(): void {
    const holding = new Set(
      [...this.#endpoints.values()].flatMap(({ holders }) => [...holders.keys()].map(agentIn)),
    )
    for (const agent of this.#mayRaise(Date.now()) ? this.#out : []) {
      if (holding.has(agent)) continue
      this.#out.delete(agent)
      this.#sql.exec('DELETE FROM shares_out WHERE agent = ?', agent)
    }
    for (const agent of holding) {
      if (this.#out.has(agent)) continue
      this.#out.add(agent)
      this.#sql.exec('INSERT OR IGNORE INTO shares_out VALUES (?)', agent)
    }
  }
}

const keyOf = ({ agent, session }: Present) => `${agent}/${session}`
/** Ids of agents hold no slash. */
const agentIn = (key: string) => key.slice(0, key.indexOf('/'))
