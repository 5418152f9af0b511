import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { memoryStorage } from '../../agent/storage/memory.ts'
import { keyFromText } from '../../shared/key.ts'
import { type Plane, startPlane } from '../support/plane.ts'
import { contentOf, many, openWorld, type World, type WorldOptions } from './world.ts'

let plane: Plane
const worlds: World[] = []

beforeAll(async () => {
  plane = await startPlane()
})
afterEach(async () => {
  await Promise.all(worlds.splice(0).map((world) => world.close()))
})
afterAll(() => plane.stop())

/** A first pass that has found everything equal, and holds. */
async function holding(
  options: WorldOptions = {},
  pass: object = {},
  more: object = {},
  side: 'source' | 'destination' = 'source',
) {
  const world = await openWorld(plane, options)
  worlds.push(world)
  const agent = await world.agent(more)
  await world.pass(agent, { ...pass, direction: 'forward', conflicts: 'overwrite' })
  const { number } = await world.start(pass)
  const namespace = await plane.miniflare.getDurableObjectNamespace('MIGRATION')
  const object = namespace.get(namespace.idFromName(`local/${world.migration}`)) as unknown as {
    holdPass(pass: number, until: number | null): Promise<unknown>
  }
  await object.holdPass(number, Date.now() + 3_600_000)
  const status = () => world.status(number)
  await vi.waitFor(async () => expect((await status()).holdsUntil).toBeDefined(), { timeout: 15_000 })
  return {
    ...{ world, agent, status },
    /** Tells of these, and waits until they are done. */
    async tell(...keys: string[]) {
      const path = `/api/workspaces/local/migrations/${world.migration}/changes?side=${side}`
      expect((await plane.api('POST', path, { keys })).json).toEqual({ taken: keys.length, ignored: 0 })
      await vi.waitFor(async () => expect((await status()).events?.waiting).toBe(0), { timeout: 15_000 })
      return (await status()).events!
    },
    async end() {
      const ended = agent.next('pass-ended')
      await object.holdPass(number, null)
      await ended
      return status()
    },
  }
}

describe('an event', () => {
  it('is copied alone, by a HEAD of each side and no listing', async () => {
    const { world, tell, end } = await holding({ source: memoryStorage(many(20)) })
    world.source.put('object-0007', 'changed')
    world.source.put('new', 'made')
    // Nobody has told of it.
    world.source.put('object-0008', 'changed too')
    const before = { source: { ...world.source.requests }, destination: { ...world.destination.requests } }
    expect(await tell('object-0007', 'new', 'object-0003')).toEqual({
      ...{ waiting: 0, done: 3, objects: 2, left: 0 },
    })
    const { source, destination } = world
    expect(source.requests).toEqual({
      ...before.source,
      head: before.source.head + 3,
      read: before.source.read + 2,
    })
    expect(destination.requests).toEqual({
      ...before.destination,
      head: before.destination.head + 3,
      write: before.destination.write + 2,
    })
    const bodyOf = (key: string) => Buffer.from(destination.objects.get(keyFromText(key))!.body).toString()
    expect([bodyOf('new'), bodyOf('object-0007')]).toEqual(['made', 'changed'])
    expect(bodyOf('object-0008')).toBe('body of object-0008')
    const { state, counts } = await end()
    expect([state, counts.objects.copied]).toEqual(['complete', 0])
    // What nobody told of is the next pass's.
    const next = await world.pass(await world.agent())
    expect(next.counts.objects.copied).toBe(1)
    expect(contentOf(destination)).toEqual(contentOf(source))
  })

  it('of a delete follows the policy, and asks both sides by listings', async () => {
    const { world, tell } = await holding({ source: memoryStorage(many(5)) }, { delete: true })
    const key = keyFromText('object-0002')
    world.source.objects.delete(key)
    expect(await tell('object-0002', 'never-there')).toMatchObject({ done: 2, objects: 1, left: 0 })
    expect(world.destination.objects.has(key)).toBe(false)
    expect(world.destination.requests.delete).toBe(1)
  })

  it('of a delete leaves what is there where the pass deletes nothing', async () => {
    const { world, tell } = await holding({ source: memoryStorage(many(5)) })
    const key = keyFromText('object-0002')
    world.source.objects.delete(key)
    expect(await tell('object-0002')).toMatchObject({ done: 1, objects: 0, left: 0 })
    expect(world.destination.objects.has(key)).toBe(true)
  })

  it('of what the filter leaves out is nothing', async () => {
    const { world, tell } = await holding({ source: memoryStorage(many(5)), filter: { exclude: ['*.tmp'] } })
    world.source.put('a.tmp', 'not ours')
    expect(await tell('a.tmp')).toMatchObject({ done: 1, objects: 0, left: 0 })
    expect(world.destination.objects.has(keyFromText('a.tmp'))).toBe(false)
  })

  it('of another beginning is copied to its own place', async () => {
    const mapping = { kind: 'prefix', from: '', to: 'new/', unmatched: 'skip' } as const
    const { world, tell } = await holding({ source: memoryStorage(many(3)), mapping })
    world.source.put('k', 'made')
    expect(await tell('k')).toMatchObject({ done: 1, objects: 1 })
    expect(world.destination.objects.has(keyFromText('new/k'))).toBe(true)
  })

  it('on the way back is copied to the source; a change of both sides is a conflict, and left', async () => {
    const back = { direction: 'back', conflicts: 'park', remember: 'all' } as const
    const { world, tell } = await holding({ source: memoryStorage(many(5)) }, back, {}, 'destination')
    world.destination.put('object-0001', 'written at the new side')
    world.destination.put('object-0002', 'written at the new side')
    world.source.put('object-0002', 'a straggler')
    expect(await tell('object-0001', 'object-0002')).toMatchObject({ objects: 1, left: 1 })
    const bodyOf = (key: string) => Buffer.from(world.source.objects.get(keyFromText(key))!.body).toString()
    expect([bodyOf('object-0001'), bodyOf('object-0002')]).toEqual(['written at the new side', 'a straggler'])
    // What was copied is known as ours: another write of the new side is none.
    world.destination.put('object-0001', 'and once more')
    expect(await tell('object-0001')).toMatchObject({ objects: 2, left: 1 })
    expect(bodyOf('object-0001')).toBe('and once more')
  })

  it('that cannot be copied is left to the next pass, and fails nothing', async () => {
    const { world, tell, end } = await holding({ source: memoryStorage(many(3)) })
    world.source.put('k', 'made')
    world.source.faults = {
      before(op, key) {
        if (op === 'read' && key === 'k') throw Object.assign(new Error('broken'), { code: 'EIO' })
      },
    }
    expect(await tell('k')).toMatchObject({ done: 1, objects: 0, left: 1 })
    const { state, counts } = await end()
    expect([state, counts.objects.failed]).toEqual(['complete', 0])
  })

  it('of a large object is copied whole by one agent, in parts', async () => {
    const { world, tell } = await holding({ source: memoryStorage(many(3)) }, {}, { packetBytes: 1_000_000 })
    const body = Buffer.alloc(20_000_000, 'large')
    world.source.put('large', body)
    expect(await tell('large')).toMatchObject({ done: 1, objects: 1, left: 0 })
    expect(body.equals(world.destination.objects.get(keyFromText('large'))!.body)).toBe(true)
  })

  it('of very many keys is found as ranges of them', async () => {
    const { world, tell } = await holding({ source: memoryStorage(many(1_500)) })
    for (let i = 0; i < 1_500; i++) world.source.put(`object-${String(i).padStart(4, '0')}`, `changed ${i}`)
    const keys = Array.from({ length: 1_500 }, (_, i) => `object-${String(i).padStart(4, '0')}`)
    await tell(...keys)
    expect(contentOf(world.destination)).toEqual(contentOf(world.source))
  })
})
