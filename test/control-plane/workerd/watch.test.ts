import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { Courier } from '../../../control-plane/courier.ts'
import { Watch } from '../../../control-plane/fleet/watch.ts'
import type { WebhookEvent } from '../../../shared/api/webhook-events.ts'
import { passTime, prepare } from './inside.ts'

/** What the courier was told. */
const told: WebhookEvent[] = []
beforeAll(prepare)
beforeEach(() => {
  told.splice(0)
  vi.spyOn(Courier.prototype, 'accept').mockImplementation(async (event) => void told.push(event))
  passTime(0)
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

const minute = 60_000
const agent = (name: string, draining = false) => ({ agent: name, site: 'paris', draining })

/** A watch of its own, in the storage of a fleet that nothing else is about; `alive` are there. */
function watching(
  name: string,
  act: (watch: Watch, alive: Set<string>, pass: (ms: number) => Promise<void>) => Promise<void>,
) {
  return runInDurableObject(env.FLEET.getByName(name), async (_, { storage }) => {
    const alive = new Set<string>()
    const present = () => [...alive].map((each) => agent(each)) as never
    const watch = new Watch(storage, env, name, {
      all: present,
      alive: present,
      isShutOut: (a) => a === 'revoked',
    })
    await act(watch, alive, async (ms) => {
      passTime(ms)
      await watch.alarm()
    })
  })
}

it('tells of an agent that is gone without a word, once it has been looked for twice', async () => {
  await watching('fleet-1', async (watch, _, pass) => {
    watch.missed(agent('gone'), Date.now())
    await pass(minute)
    expect(told).toEqual([])
    await pass(minute)
    expect(told).toMatchObject([{ type: 'agent.lost', data: { agent: 'gone', site: 'paris' } }])
    await pass(minute)
    expect(told).toHaveLength(1)
    watch.here('gone')
    watch.missed(agent('gone'), Date.now())
    await pass(minute)
    await pass(minute)
    expect(told).toHaveLength(2)
    expect(told[0]!.id).not.toBe(told[1]!.id)
  })
})

it('tells of none that comes back, drains or was revoked', async () => {
  await watching('fleet-2', async (watch, alive, pass) => {
    for (const name of ['back', 'woken', 'revoked']) watch.missed(agent(name), Date.now())
    watch.missed(agent('draining', true), Date.now())
    await pass(minute)
    watch.here('back')
    alive.add('woken')
    await pass(minute)
    await pass(minute)
    expect(told).toEqual([])
  })
})

it('tells of a limit that holds work back for a quarter of an hour, once a day', async () => {
  await watching('fleet-3', async (watch) => {
    const hold = (minutes: number) => {
      for (let i = 0; i < minutes * 2; i++) {
        passTime(minute / 2)
        watch.held('https://s3.example.com', 'bandwidth', 1e6, Date.now())
      }
    }
    hold(14)
    passTime(5 * minute)
    hold(14)
    expect(told).toEqual([])
    hold(2)
    await vi.waitFor(() => expect(told).toHaveLength(1))
    expect(told[0]).toMatchObject({ type: 'limit.reached', data: { limit: 'bandwidth', value: 1e6 } })
    hold(60)
    expect(told).toHaveLength(1)
    hold(24 * 60)
    await vi.waitFor(() => expect(told).toHaveLength(2))
  })
})

it('tells of two processes with one identity', async () => {
  await watching('fleet-4', async (watch) => {
    watch.twins(agent('twin'), 2_000, 1_000, Date.now())
    await vi.waitFor(() =>
      expect(told).toMatchObject([{ id: 'fleet-4_twin_2000_1000_agent-duplicate', data: { stayed: 2_000 } }]),
    )
  })
})

it('tells again what the courier could not be told', async () => {
  vi.mocked(Courier.prototype.accept).mockRejectedValueOnce(new Error('the courier is away'))
  await watching('fleet-5', async (watch, _, pass) => {
    watch.twins(agent('twin'), 2, 1, Date.now())
    await pass(minute)
    await vi.waitFor(() => expect(told).toHaveLength(1))
  })
})
