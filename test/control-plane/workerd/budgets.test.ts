import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, it } from 'vitest'
import type { LimitView, ShareView } from '../../../shared/api/limits.ts'
import type { LimitValues } from '../../../shared/limit.ts'
import { type FleetPlaneMessage, protocolVersion } from '../../../shared/protocol.ts'
import { someFacts } from '../../support/facts.ts'
import type { ScriptedAgent } from '../../support/scripted-agent.ts'
import { call, connect, identity, json, prepare } from './inside.ts'

beforeAll(prepare)

type Budget = FleetPlaneMessage & { t: 'budget' }

/** An agent that uses one endpoint. */
class User {
  readonly endpoint: string
  socket!: ScriptedAgent
  share: LimitValues | null = null
  applied = 0
  #seq = 0

  constructor(endpoint: string) {
    this.endpoint = endpoint
  }

  async join(agent: string, session = `${agent}-session`): Promise<string[]> {
    await identity(agent, 'x')
    this.socket = await connect('/agent/fleet', agent)
    this.socket.raw(
      JSON.stringify({
        t: 'hello',
        protocol: protocolVersion,
        session,
        started: Date.now(),
        facts: someFacts,
      }),
    )
    const limited = (await this.#next('limited')) as FleetPlaneMessage & { t: 'limited' }
    return limited.endpoints
  }

  /** Tells that it wants all it can get, and obeys what it is told then. */
  async tell(more: object = {}): Promise<Budget> {
    const use = {
      ...{ endpoint: this.endpoint, ms: 1000, bytes: 0, requests: 0, inFlight: 0, share: this.share },
      ...{ held: { bandwidth: true, requests: true, concurrency: true }, ...more },
    }
    this.#send([use])
    return this.obey((budget) => budget.heard === this.#seq)
  }

  stop(): void {
    this.#send([])
  }

  /** The next budget that is so. */
  async obey(isSo: (budget: Budget) => boolean): Promise<Budget> {
    const budget = (await this.#next('budget', isSo)) as Budget
    this.applied = budget.number
    this.share = budget.shares.find(({ endpoint }) => endpoint === this.endpoint)?.share ?? null
    return budget
  }

  #send(endpoints: object[]): void {
    this.socket.raw(JSON.stringify({ t: 'usage', seq: ++this.#seq, applied: this.applied, endpoints }))
  }

  #next(t: 'limited' | 'budget', isSo: (budget: Budget) => boolean = () => true): Promise<FleetPlaneMessage> {
    const next = this.socket.next.bind(this.socket) as unknown as (
      t: string,
      which: (message: Budget) => boolean,
    ) => Promise<FleetPlaneMessage>
    return next(t, isSo)
  }
}

let count = 0
async function limited(limit: object): Promise<{ endpoint: string; path: string }> {
  const endpoint = `https://s3-${++count}.example.com`
  const path = `/api/workspaces/local/limits/${encodeURIComponent(endpoint)}`
  expect((await json('PUT', path, limit)).status).toBe(201)
  return { endpoint, path }
}
const read = async (path: string) => (await json<LimitView & { shares: ShareView[] }>('GET', path)).body
const all = { bandwidth: 900_000, requests: 90, concurrency: 9 }
const half = { bandwidth: 450_000, requests: 45, concurrency: 4 }
const ofShare = (user: User) => user.share!.bandwidth

describe('the budgets of a fleet', () => {
  it('are given to whoever uses an endpoint, and moved only when the other has let go', async () => {
    const { endpoint, path } = await limited(all)
    const [a, b] = [new User(endpoint), new User(endpoint)]
    expect(await a.join('a1')).toContain(endpoint)
    await b.join('b1')
    await a.tell()
    expect(a.share).toEqual(all)
    await b.tell()
    expect(b.share).toEqual({ bandwidth: 0, requests: 0, concurrency: 0 })
    await a.obey(({ shares }) => shares[0]!.share.bandwidth === 450_000)
    // It has been told; until it says that it obeys, it may be using all.
    await b.tell()
    expect(ofShare(b)).toBe(0)
    await a.tell()
    await b.obey(({ shares }) => shares[0]!.share.bandwidth === 450_000)
    expect([a.share!.concurrency! + b.share!.concurrency!, b.share!.requests]).toEqual([9, 45])
    const { shares } = await read(path)
    expect(shares.map(({ agent, share }) => [agent, share.bandwidth])).toEqual([
      ['a1', 450_000],
      ['b1', 450_000],
    ])
    a.stop()
    await b.obey(({ shares }) => shares[0]!.share.bandwidth === 900_000)
    b.stop()
  })

  it('follow a limit that is changed, at once, and free the endpoint when it is taken away', async () => {
    const { endpoint, path } = await limited(all)
    const user = new User(endpoint)
    await user.join('a2')
    await user.tell()
    await json('PUT', path, half)
    await user.obey(({ shares }) => shares[0]!.share.bandwidth === 450_000)
    expect(user.share).toEqual(half)
    expect((await call('DELETE', path)).status).toBe(204)
    const freed = user.socket.next.bind(user.socket) as unknown as (
      t: 'limited',
      which: (message: { endpoints: string[] }) => boolean,
    ) => Promise<unknown>
    await freed('limited', ({ endpoints }) => !endpoints.includes(endpoint))
  })

  it('are not believed to whoever says that he has one', async () => {
    const { endpoint } = await limited(all)
    const [liar, honest] = [new User(endpoint), new User(endpoint)]
    await liar.join('a3')
    await honest.join('b3')
    liar.share = { bandwidth: 1e12, requests: null, concurrency: null }
    await liar.tell()
    expect(liar.share).toEqual(all)
    liar.stop()
    await honest.tell()
    expect(honest.share).toEqual(all)
    honest.stop()
  })

  it('outlive the object’s sleep: what was out is raised when all have told what they have', async () => {
    const { endpoint } = await limited(all)
    const [a, b, c] = [new User(endpoint), new User(endpoint), new User(endpoint)]
    await Promise.all([a.join('a4'), b.join('b4'), c.join('c4')])
    await a.tell()
    await b.tell()
    await a.obey(({ shares }) => shares[0]!.share.bandwidth === 450_000)
    await a.tell()
    await b.obey(({ shares }) => shares[0]!.share.bandwidth === 450_000)
    const fleet = env.FLEET.getByName('local')
    await evictDurableObject(fleet)
    await c.tell()
    // What b has is not known here; it may be using it.
    expect(ofShare(c)).toBe(0)
    await a.tell()
    expect(ofShare(a)).toBeLessThanOrEqual(450_000)
    await c.tell()
    expect(ofShare(c)).toBe(0)
    b.stop()
    await a.tell()
    await c.tell()
    expect(ofShare(a)! + ofShare(c)!).toBeGreaterThan(450_000)
    expect(ofShare(a)! + ofShare(c)!).toBeLessThanOrEqual(900_000)
    a.stop()
    c.stop()
    await a.obey(({ shares }) => shares.length === 0)
    await c.obey(({ shares }) => shares.length === 0)
    const out = await runInDurableObject(fleet, (_, { storage }) =>
      storage.sql.exec("SELECT agent FROM shares_out WHERE agent LIKE '%4'").toArray(),
    )
    expect(out).toEqual([])
  })

  it('of a process that was replaced are its newer one’s', async () => {
    const { endpoint, path } = await limited(all)
    const [older, newer] = [new User(endpoint), new User(endpoint)]
    await older.join('a5', 'older')
    await older.tell()
    await newer.join('a5', 'newer')
    await newer.tell()
    expect(newer.share).toEqual(all)
    expect((await read(path)).shares).toHaveLength(1)
    newer.stop()
  })
})
