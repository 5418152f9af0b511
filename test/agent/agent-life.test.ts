import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { OpenStorage } from '../../agent/runner/pass.ts'
import { type MemoryStorage, memoryStorage } from '../../agent/storage/memory.ts'
import { identityOf } from '../support/identities.ts'
import { type Plane, startPlane } from '../support/plane.ts'
import { type FaultProxy, startProxy } from './proxy.ts'
import { contentOf, many, openWorld, type World, type WorldOptions } from './world.ts'

let plane: Plane
/** One whose leases are short. */
let hasty: Plane
const worlds: World[] = []
const proxies: FaultProxy[] = []

beforeAll(async () => {
  ;[plane, hasty] = await Promise.all([startPlane(), startPlane({ leaseMs: 1_500 })])
})
afterEach(async () => {
  await Promise.all(worlds.splice(0).map((world) => world.close()))
  await Promise.all(proxies.splice(0).map((proxy) => proxy.stop()))
})
afterAll(() => Promise.all([plane.stop(), hasty.stop()]))

async function open(options: WorldOptions = {}, on = plane): Promise<World> {
  const world = await openWorld(on, options)
  worlds.push(world)
  return world
}

async function proxyOf(target: Plane): Promise<FaultProxy> {
  const proxy = await startProxy(target.url)
  proxies.push(proxy)
  return proxy
}

/** The world's storages, but what is written never arrives, until the gate opens or the writer gives up. */
function gated(world: World) {
  const gate = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  const destination: MemoryStorage = Object.create(world.destination)
  destination.write = async (key, body, metadata, signal) => {
    begun.resolve()
    const gaveUp = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
    await Promise.race([gate.promise, gaveUp])
    return world.destination.write(key, body, metadata, signal)
  }
  const openStorage: OpenStorage = async (location) =>
    location.kind === 's3' && location.bucket === 'source' ? world.source : destination
  return { openStorage, begun: begun.promise, open: () => gate.resolve() }
}

describe('an agent that is lost', () => {
  it('leaves its work to another one, when its leases have run out', async () => {
    const world = await open({ source: memoryStorage(many(1500)) }, hasty)
    const proxy = await proxyOf(hasty)
    const { openStorage, begun } = gated(world)
    const lost = await world.agent({ url: proxy.url, openStorage })
    const expired = lost.next('leases-expired')
    const { number } = await world.start()
    await begun
    const other = await world.agent()
    const ended = other.next('pass-ended')
    proxy.close()
    await Promise.all([expired, ended])
    const pass = await world.status(number)
    expect(pass).toMatchObject({ state: 'complete', inFlight: { objects: 0, bytes: 0 } })
    const { listed, copied, same } = pass.counts.objects
    // Leases are so short here that one of the other agent’s may run out, too: what it had copied is the same then.
    expect([listed, copied + same]).toEqual([1500, 1500])
    expect(contentOf(world.destination)).toEqual(contentOf(world.source))
  })

  it('stays away when another process works under its name', async () => {
    const world = await open({ source: memoryStorage(many(100)) })
    const { openStorage, begun } = gated(world)
    const older = await world.agent({ id: 'same', openStorage })
    const { number } = await world.start()
    await begun
    const newer = await world.agent({ id: 'same' })
    const ended = newer.next('pass-ended')
    await Promise.all([older.closed, ended])
    expect(older.events.map(({ event }) => event)).toContain('superseded')
    expect((await world.status(number)).counts.objects).toMatchObject({ listed: 100, copied: 100 })
  })
})

describe('an agent that joins in mid-pass', () => {
  it('is given work at once, and does what another one gives back', async () => {
    const world = await open({ source: memoryStorage(many(6000)) })
    const { openStorage, begun } = gated(world)
    const first = await world.agent({ openStorage })
    const { number } = await world.start()
    await begun
    const second = await world.agent()
    const ended = second.next('pass-ended')
    // The first has not written anything: what is there is the second’s, the first’s packets excepted.
    await vi.waitUntil(() => world.destination.objects.size >= 2_000, { interval: 5, timeout: 15_000 })
    expect(await world.status(number)).toMatchObject({ state: 'running', agents: 2 })
    await first.stop()
    await ended
    const pass = await world.status(number)
    expect(pass).toMatchObject({ state: 'complete', packets: { leased: 0, parked: 0 } })
    expect(pass.counts.objects).toMatchObject({ listed: 6000, failed: 0 })
    expect(contentOf(world.destination)).toEqual(contentOf(world.source))
  })
})

describe('an agent whose connection breaks', () => {
  it('goes on, and tells again what was not acknowledged, which counts once', async () => {
    const world = await open({ source: memoryStorage(many(4000)) })
    const proxy = await proxyOf(plane)
    const agent = await world.agent({ url: proxy.url })
    const ended = agent.next('pass-ended')
    const { number } = await world.start()
    // Outcomes arrive at the plane, and their acknowledgements do not arrive here.
    await vi.waitUntil(() => world.destination.objects.size > 500, { interval: 2 })
    proxy.mute()
    await vi.waitUntil(async () => (await world.status(number)).counts.objects.copied > 0)
    for (let i = 0; i < 3; i++) {
      const again = agent.next('disconnected')
      proxy.cut()
      await Promise.race([again, ended])
    }
    await ended
    const pass = await world.status(number)
    expect(pass).toMatchObject({ state: 'complete' })
    expect(pass.counts.objects).toMatchObject({ listed: 4000, copied: 4000, same: 0 })
    expect(world.destination.requests.write).toBe(4000)
  })
})

describe('an agent that drains', () => {
  it('finishes what it holds, takes no more, and leaves', async () => {
    const world = await open({ source: memoryStorage(many(6000)) })
    const { openStorage, begun, open: openGate } = gated(world)
    const agent = await world.agent({ openStorage })
    const { number } = await world.start()
    await begun
    const drained = agent.drain()
    openGate()
    await drained
    await agent.closed
    const left = await world.status(number)
    expect(left).toMatchObject({ state: 'running', packets: { leased: 0 } })
    expect(left.counts.objects.copied).toBe(world.destination.objects.size)
    expect(left.counts.objects.copied).toBeGreaterThan(0)

    const other = await world.agent()
    await other.next('pass-ended')
    const pass = await world.status(number)
    expect(pass.counts.objects).toMatchObject({ listed: 6000, copied: 6000 })
    expect(world.destination.requests.write).toBe(6000)
  })

  it('leaves at once where it holds nothing', async () => {
    const world = await open()
    const agent = await world.agent()
    await agent.next('connected')
    await agent.drain()
    await agent.closed
  })
})

describe('an agent that is stopped', () => {
  it('gives its leases back at once, though its work hangs', async () => {
    const world = await open({ source: memoryStorage(many(100)) })
    const { openStorage, begun } = gated(world)
    const agent = await world.agent({ openStorage })
    const { number } = await world.start()
    await begun
    await agent.stop()
    expect(await world.status(number)).toMatchObject({ state: 'running', packets: { leased: 0, ready: 1 } })
    expect(world.destination.objects.size).toBe(0)
  })

  it('ends although the control plane cannot be reached', async () => {
    const world = await open({ source: memoryStorage(many(100)) })
    const proxy = await proxyOf(plane)
    const { openStorage, begun } = gated(world)
    const agent = await world.agent({ url: proxy.url, openStorage })
    await world.start()
    await begun
    proxy.close()
    await agent.stop()
    await agent.closed
  })
})

describe('an agent that the control plane does not know', () => {
  it('says so, and goes on asking', async () => {
    const world = await open()
    const agent = await world.agent({ identity: await identityOf('stranger') })
    expect(await agent.next('unauthorised')).toMatchObject({ level: 'error', status: 401 })
  })
})
