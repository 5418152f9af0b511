import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { eventOf } from '../../../control-plane/core/events.ts'
import { Courier } from '../../../control-plane/courier.ts'
import type { DeliveryView } from '../../../shared/api/webhooks.ts'
import { begin, json, objectOf, passTime, prepare } from './inside.ts'

/** The receiver, somewhere on the internet: what it answers, and what it got. */
let answer: (url: string) => Response | Promise<Response>
const got: { url: string; id: string }[] = []

beforeAll(prepare)
beforeEach(() => {
  answer = () => new Response(null, { status: 204 })
  got.splice(0)
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (to, init) => {
    got.push({ url: String(to), id: new Headers(init?.headers).get('webhook-id')! })
    return answer(String(to))
  })
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

const courier = (workspace = 'local') => env.COURIER.getByName(workspace)
const webhook = (id: string, more: object = {}) =>
  json('POST', '/api/workspaces/local/webhooks', { id, url: `https://example.com/${id}`, ...more })
const deliveries = async (id: string) =>
  (await json<{ deliveries: DeliveryView[] }>('GET', `/api/workspaces/local/webhooks/${id}/deliveries`)).body
    .deliveries
const disable = (id: string) => json('PATCH', `/api/workspaces/local/webhooks/${id}`, { disabled: true })
const lost = (agent: string) => eventOf('local', 'agent.lost', [agent, 1], 1, { agent, site: 's', seenAt: 1 })

describe('the courier', () => {
  it('delivers an event once, however often it is told', async () => {
    await webhook('once', { events: ['agent.lost'] })
    for (let i = 0; i < 3; i++) await courier().accept(lost('once'))
    await vi.waitFor(async () => expect((await deliveries('once'))[0]?.state).toBe('delivered'))
    expect(got).toEqual([{ url: 'https://example.com/once', id: 'local_once_1_agent-lost' }])
    await disable('once')
  })

  it('tries for a day, with pauses that grow, and then gives up', async () => {
    answer = () => new Response('not now', { status: 503 })
    await webhook('down', { events: ['agent.lost'] })
    passTime(0)
    await courier().accept(lost('down'))
    let hours = 0
    for (let tries = 1; tries <= 11; tries++) {
      await vi.waitFor(async () => expect((await deliveries('down'))[0]?.attempts).toBe(tries))
      const { due } = (await deliveries('down'))[0]!
      if (due === null) break
      hours += (due - Date.now()) / 3_600_000
      passTime(due - Date.now())
      await runDurableObjectAlarm(courier())
    }
    expect((await deliveries('down'))[0]).toMatchObject({
      ...{ state: 'given-up', attempts: 11, due: null, status: 503, answer: 'not now' },
    })
    expect(hours).toBeGreaterThan(20)
    expect(hours).toBeLessThan(28)
    expect(new Set(got.map(({ id }) => id)).size).toBe(1)
    await disable('down')
  })

  it('goes on after its sleep', async () => {
    answer = () => new Response(null, { status: 500 })
    await webhook('asleep', { events: ['agent.lost'] })
    passTime(0)
    await courier().accept(lost('asleep'))
    await vi.waitFor(async () => expect((await deliveries('asleep'))[0]?.attempts).toBe(1))
    await evictDurableObject(courier())
    answer = () => new Response(null, { status: 200 })
    passTime(10_000)
    await runDurableObjectAlarm(courier())
    await vi.waitFor(async () => expect((await deliveries('asleep'))[0]?.state).toBe('delivered'))
    await disable('asleep')
  })

  it('lets one receiver that hangs keep no other waiting', async () => {
    await webhook('hangs', { events: ['agent.lost'] })
    await webhook('works', { events: ['agent.lost'] })
    const { promise: never, reject } = Promise.withResolvers<Response>()
    answer = (url) => (url.endsWith('/hangs') ? never : new Response(null, { status: 204 }))
    const agents = Array.from({ length: 5 }, (_, i) => `busy-${i}`)
    for (const agent of agents) await courier().accept(lost(agent))
    await vi.waitFor(async () =>
      expect((await deliveries('works')).some(({ state }) => state === 'delivered')).toBe(true),
    )
    expect(got.filter(({ url }) => url.endsWith('/hangs')).length).toBeLessThanOrEqual(2)
    reject(new Error('gone'))
    await vi.waitFor(async () =>
      expect((await deliveries('works')).filter(({ state }) => state === 'delivered')).toHaveLength(5),
    )
    await disable('hangs')
    await disable('works')
  })

  it('keeps the last 1,000 of the last 30 days', async () => {
    await webhook('long', { events: ['limit.reached'] })
    const count = (stub: DurableObjectStub<Courier>) =>
      runInDurableObject(stub, (_, { storage }) => {
        const query = `SELECT COUNT(*) AS n, MIN(event) AS first FROM delivery WHERE webhook = 'long'`
        return storage.sql.exec<{ n: number; first: string }>(query).one()
      })
    const fill = (n: number, at: number) =>
      runInDurableObject(courier(), (_, { storage }) => {
        for (let i = 0; i < n; i++) {
          storage.sql.exec(
            `INSERT INTO delivery (webhook, event, type, body, state, created_at, attempts) VALUES ('long', ?, 'agent.lost', '{}', 'delivered', ?, 1)`,
            ...[`e${at}-${String(i).padStart(4, '0')}`, at],
          )
        }
      })
    const event = (n: number) =>
      eventOf('local', 'limit.reached', ['e', n], 1, { endpoint: 'e', limit: 'requests', value: 1, since: 1 })
    const now = Date.now()
    await fill(1_200, now)
    await courier().accept(event(1))
    expect(await count(courier())).toEqual({ n: 1_001, first: `e${now}-0200` })
    await disable('long')
    passTime(31 * 24 * 3_600_000)
    await json('PATCH', '/api/workspaces/local/webhooks/long', { disabled: false })
    await courier().accept(event(2))
    expect((await count(courier())).n).toBeLessThanOrEqual(2)
    await disable('long')
  })
})

describe('a migration', () => {
  it('tells its events also where it died before it could', async () => {
    await webhook('patient', { events: ['pass.started', 'pass.finished'] })
    const deaf = vi.spyOn(Courier.prototype, 'accept').mockRejectedValue(new Error('the courier is away'))
    passTime(0)
    await begin('survivor')
    await json('POST', '/api/workspaces/local/migrations/survivor/passes/1/cancel')
    await vi.waitFor(() => expect(deaf).toHaveBeenCalled())
    await evictDurableObject(objectOf('survivor'))
    deaf.mockRestore()
    passTime(120_000)
    await runDurableObjectAlarm(objectOf('survivor'))
    await vi.waitFor(() =>
      expect(got.map(({ id }) => id)).toEqual(
        expect.arrayContaining(['local_survivor_1_pass-started', 'local_survivor_1_pass-finished']),
      ),
    )
    const left = await runInDurableObject(objectOf('survivor'), (_, { storage }) =>
      storage.sql.exec('SELECT * FROM announcement').toArray(),
    )
    expect(left).toEqual([])
  })
})
