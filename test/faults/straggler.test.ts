/** A slow agent and a fast one, real both: what the slow one is late with is done by the other, and counted once. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { OpenStorage } from '../../agent/runner/pass.ts'
import { type MemoryStorage, memoryStorage } from '../../agent/storage/memory.ts'
import { contentOf, many, openWorld, type World } from '../agent/world.ts'
import { type Plane, startPlane } from '../support/plane.ts'

let plane: Plane
let world: World
beforeAll(async () => {
  plane = await startPlane()
})
afterEach(() => world.close())
afterAll(() => plane.stop())

/** The world's storages; each write takes so many ms, and is counted. */
function paced(ms: number) {
  const destination: MemoryStorage = Object.create(world.destination)
  const wrote = { objects: 0 }
  destination.write = async (key, body, metadata, signal) => {
    await new Promise((resolve) => setTimeout(resolve, ms))
    wrote.objects++
    return world.destination.write(key, body, metadata, signal)
  }
  const openStorage: OpenStorage = async (location) =>
    location.kind === 's3' && location.bucket === 'source' ? world.source : destination
  return { openStorage, wrote }
}

describe('a slow agent beside a fast one', () => {
  it('hands on what it is late with', { timeout: 60_000 }, async () => {
    const objects = 6_000
    world = await openWorld(plane, { source: memoryStorage(many(objects)) })
    // Eight objects at a time: two packets would take it more than a minute.
    const [slow, fast] = [paced(500), paced(1)]
    const late = await world.agent({ id: 'slow', openStorage: slow.openStorage })
    const other = await world.agent({ id: 'fast', openStorage: fast.openStorage })
    const ended = other.next('pass-ended')
    const { number } = await world.start()
    await ended
    const { state, counts } = await world.status(number)
    expect(state).toBe('complete')
    expect(counts.objects).toMatchObject({ listed: objects, copied: objects })
    expect(world.destination.requests.write).toBe(objects)
    expect(slow.wrote.objects).toBeGreaterThan(0)
    expect(slow.wrote.objects).toBeLessThan(500)
    expect(slow.wrote.objects + fast.wrote.objects).toBe(objects)
    expect(contentOf(world.destination)).toEqual(contentOf(world.source))
    expect(late.events.map(({ event }) => event)).not.toContain('packet-failed')
  })
})
