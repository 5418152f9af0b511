import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { memoryStorage } from '../../agent/storage/memory.ts'
import type { PassStatus } from '../../shared/api/migrations.ts'
import { type Plane, startPlane } from '../support/plane.ts'
import { ageMissing } from './aged-baseline.ts'
import { contentOf, many, openWorld, type World } from './world.ts'

vi.setConfig({ testTimeout: 60_000 })

let plane: Plane
beforeAll(async () => {
  plane = await startPlane()
})
afterAll(() => plane.stop())

/** Two sides that are equal, of so many objects. */
async function equal(objects: number): Promise<World> {
  const [source, destination] = [memoryStorage(many(objects)), memoryStorage(many(objects))]
  const world = await openWorld(plane, { source, destination })
  onTestFinished(() => world.close())
  return world
}

async function until(
  world: World,
  pass: number,
  holds: (status: PassStatus) => boolean,
): Promise<PassStatus> {
  return vi.waitFor(
    async () => {
      const status = await world.status(pass)
      expect(holds(status)).toBe(true)
      return status
    },
    { timeout: 30_000, interval: 20 },
  )
}

const answer = (world: World, body: object) =>
  plane.api('POST', `/api/workspaces/local/migrations/${world.migration}/passes/1/deletes`, body)

/** A source whose listing is empty by some accident, and one object that is to be copied all the same. */
async function emptied() {
  const world = await equal(60)
  world.source.objects.clear()
  world.source.put('new', 'is copied')
  const agent = await world.agent()
  const ended = agent.next('pass-ended')
  await world.start({ delete: true })
  const asking = await until(world, 1, ({ asks }) => asks !== undefined)
  return { world, ended, asking }
}

describe('a source that is empty by accident', () => {
  it('costs nothing at the destination: the pass asks, and is told to leave what is there', async () => {
    const { world, ended, asking } = await emptied()
    expect(asking).toMatchObject({ state: 'running', asks: { deletes: 60, of: 60 } })
    expect(world.destination.requests.delete).toBe(0)
    expect((await answer(world, { do: 'allow', objects: 59 })).status).toBe(409)
    expect((await answer(world, { do: 'leave' })).status).toBe(200)
    await ended
    expect(await world.status(1)).toMatchObject({
      state: 'complete',
      counts: { objects: { copied: 1, deleted: 0 } },
    })
    expect(world.destination.requests.delete).toBe(0)
    expect(world.destination.objects.size).toBe(61)
  })

  it('is meant, where the operator allows as many deletes', async () => {
    const { world, ended } = await emptied()
    expect((await answer(world, { do: 'allow', objects: 60 })).status).toBe(200)
    await ended
    expect(await world.status(1)).toMatchObject({
      state: 'complete',
      counts: { objects: { copied: 1, deleted: 60 } },
    })
    expect(contentOf(world.destination)).toEqual([['new', 'is copied']])
  })
})

describe('a lease', () => {
  it('deletes as many objects as it may, and leaves what went from the source since it was counted', async () => {
    const world = await equal(40)
    const gone = (from: number, to: number) => {
      for (const [key] of many(40).slice(from, to)) world.source.objects.delete(key as never)
    }
    gone(0, 5)
    const agent = await world.agent()
    const ended = agent.next('pass-ended')
    await world.start({ delete: true, deleteCap: { objects: 4, share: null } })
    await until(world, 1, ({ asks }) => asks?.deletes === 5)
    gone(5, 8)
    await answer(world, { do: 'allow', objects: 5 })
    await ended
    const pass = await world.status(1)
    expect(pass.counts.objects.deleted).toBe(5)
    expect(agent.events).toContainEqual(expect.objectContaining({ event: 'deletes-left', objects: 3 }))
    expect((await world.pass(agent, { delete: true })).counts.objects.deleted).toBe(3)
    expect(world.destination.objects.size).toBe(32)
  })
})

describe('a period of grace', () => {
  const options = { delete: true, deleteAfter: 3_600 }

  /** Agents with one state directory, one after the other; and a way to make what is remembered older. */
  async function lasting(world: World) {
    const stateDir = await mkdtemp(join(tmpdir(), 'dray-grace-'))
    onTestFinished(() => rm(stateDir, { recursive: true, force: true }))
    const pass = async () => {
      const agent = await world.agent({ stateDir })
      const { counts } = await world.pass(agent, options)
      await agent.stop()
      return counts.objects
    }
    const age = () => ageMissing(stateDir)
    return { pass, age }
  }

  it('keeps what is missing until it has been missing for so long', async () => {
    const world = await equal(20)
    const { pass, age } = await lasting(world)
    for (const [key] of many(3)) world.source.objects.delete(key as never)
    expect(await pass()).toMatchObject({ same: 17, deleted: 0 })
    expect(await pass()).toMatchObject({ same: 17, deleted: 0 })
    expect(await age()).toBe(3)
    expect(await pass()).toMatchObject({ same: 17, deleted: 3 })
    expect(world.destination.objects.size).toBe(17)
  })

  it('begins anew for what has come back meanwhile, and for whoever remembers nothing', async () => {
    const world = await equal(20)
    const { pass, age } = await lasting(world)
    const [gone, back] = many(2)
    world.source.objects.delete(gone![0] as never)
    world.source.objects.delete(back![0] as never)
    await pass()
    await age()
    world.source.put(...back!)
    // Somebody else, with nothing to remember by.
    const other = await world.agent()
    expect((await world.pass(other, options)).counts.objects.deleted).toBe(0)
    await other.stop()
    expect(await pass()).toMatchObject({ same: 19, deleted: 1 })
    world.source.objects.delete(back![0] as never)
    expect(await pass()).toMatchObject({ same: 18, deleted: 0 })
    expect(world.destination.objects.size).toBe(19)
  })
})
