import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { memoryStorage } from '../../agent/storage/memory.ts'
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

async function open(options: WorldOptions = {}): Promise<World> {
  const world = await openWorld(plane, options)
  worlds.push(world)
  return world
}

describe('an agent', () => {
  it('copies 3,000 objects, and says what it did', async () => {
    const world = await open({ source: memoryStorage(many(3000)) })
    const agent = await world.agent()
    const pass = await world.pass(agent)
    expect(pass).toMatchObject({ state: 'complete', surveying: false })
    expect(pass.counts.objects).toMatchObject({ listed: 3000, copied: 3000, same: 0, failed: 0 })
    expect(contentOf(world.destination)).toEqual(contentOf(world.source))
    const report = await world.report(pass.number)
    expect(report).toHaveLength(3000)
    expect(report.every((line) => line.outcome === 'copied')).toBe(true)
  })
})
