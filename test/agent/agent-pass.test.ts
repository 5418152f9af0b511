import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { memoryStorage } from '../../agent/storage/memory.ts'
import { DrayError } from '../../shared/error.ts'
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

  it('settles an unchanged second pass by listings alone', async () => {
    const world = await open({ source: memoryStorage(many(2500)) })
    const agent = await world.agent()
    await world.pass(agent)
    const before = { source: { ...world.source.requests }, destination: { ...world.destination.requests } }
    const pass = await world.pass(agent)
    expect(pass).toMatchObject({ state: 'complete' })
    expect(pass.counts.objects).toMatchObject({ listed: 2500, same: 2500, copied: 0 })
    expect(pass.expected).toEqual({ objects: 0, bytes: 0 })
    for (const side of ['source', 'destination'] as const) {
      const { list, ...others } = world[side].requests
      // The survey may divide the key space where the first pass did: a page more for each part.
      expect(list - before[side].list).toBeLessThan(20)
      expect({ ...others, list: before[side].list }).toEqual(before[side])
    }
    expect(await world.report(pass.number)).toEqual([])
  })

  it('copies only what differs, and leaves what is only at the destination', async () => {
    const world = await open({ source: memoryStorage(many(100)), destination: memoryStorage(many(80)) })
    world.destination.put('object-0005', 'something else')
    world.destination.put('zzz', 'not ours')
    const pass = await world.pass(await world.agent())
    expect(pass.counts.objects).toMatchObject({ listed: 100, same: 79, copied: 21, deleted: 0, extra: 0 })
    expect(contentOf(world.destination)).toEqual([...contentOf(world.source), ['zzz', 'not ours']])
  })

  it('works on what its filter lets in, and lists only there', async () => {
    const source = memoryStorage([...many(50, 'a/x'), ...many(50, 'b/x'), ...many(50, 'b/y')])
    const world = await open({ source, filter: { include: ['/b/**'], exclude: ['y-*'] } })
    const pass = await world.pass(await world.agent(), { delete: true })
    expect(pass.counts.objects).toMatchObject({ listed: 50, copied: 50 })
    expect([...world.destination.objects.keys()].every((key) => key.startsWith('b/x'))).toBe(true)
  })

  it('counts in a dry run what a copy would do, and does nothing', async () => {
    const world = await open({ source: memoryStorage(many(30)), destination: memoryStorage(many(10)) })
    world.destination.put('gone', '')
    const agent = await world.agent()
    const pass = await world.pass(agent, { dryRun: true, delete: true })
    expect(pass.counts.objects).toMatchObject({ listed: 30, same: 10, copied: 20, deleted: 1, failed: 0 })
    expect(pass.counts.bytes.copied).toBe(20 * 'body of object-0000'.length)
    expect(world.destination.requests).toMatchObject({ write: 0, delete: 0 })
    expect(world.destination.objects.size).toBe(11)
    const real = await world.pass(agent, { delete: true })
    expect(real.counts.objects).toEqual(pass.counts.objects)
  })
})

describe('a pass that deletes', () => {
  it('deletes what the source does not have', async () => {
    const world = await open({ source: memoryStorage(many(20)), destination: memoryStorage(many(40)) })
    const pass = await world.pass(await world.agent(), { delete: true })
    expect(pass.counts.objects).toMatchObject({ listed: 20, same: 20, deleted: 20, failed: 0 })
    expect(contentOf(world.destination)).toEqual(contentOf(world.source))
    const report = await world.report(pass.number)
    expect(report.filter((line) => line.outcome === 'deleted')).toHaveLength(20)
  })

  it('asks the source once more before each delete', async () => {
    const world = await open({ source: memoryStorage(many(10)), destination: memoryStorage(many(20)) })
    world.source.faults = {
      before(op, key) {
        // It came back between the listing and the delete.
        if (op === 'head' && key === 'object-0015') world.source.put('object-0015', 'back')
      },
    }
    const pass = await world.pass(await world.agent(), { delete: true })
    expect(pass.counts.objects).toMatchObject({ deleted: 9 })
    expect(world.destination.objects.has('object-0015' as never)).toBe(true)
  })

  it('names an object that changed at the destination after it was listed, and leaves it', async () => {
    const world = await open({ source: memoryStorage(many(3)), destination: memoryStorage(many(5)) })
    world.source.faults = {
      before(op, key) {
        if (op === 'head' && key === 'object-0004') world.destination.put('object-0004', 'changed')
      },
    }
    const pass = await world.pass(await world.agent(), { delete: true })
    expect(pass).toMatchObject({ state: 'incomplete', failureCauses: [{ code: 'changed', objects: 1 }] })
    expect(world.destination.objects.has('object-0004' as never)).toBe(true)
  })

  it('deletes nothing unless the listing of the source was complete', async () => {
    const source = memoryStorage(many(50), { pageSize: 10 })
    const world = await open({ source, destination: memoryStorage(many(80)) })
    source.faults = {
      page(entries, number) {
        if (number < 2) return entries
        throw new DrayError('access-denied', 'list', 'The store says no.')
      },
    }
    const pass = await world.pass(await world.agent(), { delete: true })
    expect(pass).toMatchObject({ state: 'incomplete', errors: [{ parked: 1 }] })
    expect(pass.counts.objects.deleted).toBe(0)
    expect(world.destination.requests.delete).toBe(0)
  })
})

describe('what fails', () => {
  it('is named in the failures and in the report, with its cause', async () => {
    const world = await open({ source: memoryStorage(many(20)) })
    world.source.faults = {
      before(op, key) {
        if (op === 'read' && key === 'object-0007') throw new DrayError('access-denied', 'GET', 'No.')
      },
    }
    const pass = await world.pass(await world.agent())
    expect(pass).toMatchObject({
      state: 'incomplete',
      failureCauses: [{ code: 'access-denied', objects: 1 }],
    })
    expect(pass.counts.objects).toMatchObject({ listed: 20, copied: 19, failed: 1 })
    const failed = (await world.report(pass.number)).filter((line) => line.outcome === 'failed')
    expect(failed).toEqual([
      { key: 'object-0007', outcome: 'failed', bytes: 19, code: 'access-denied', message: 'No.' },
    ])
  })

  it('is a vanished object where the source no longer has it', async () => {
    const world = await open({ source: memoryStorage(many(20)) })
    world.source.faults = {
      before(op, key) {
        if (op === 'read' && key === 'object-0007') world.source.objects.delete(key as never)
      },
    }
    const pass = await world.pass(await world.agent())
    expect(pass).toMatchObject({ state: 'complete' })
    expect(pass.counts.objects).toMatchObject({ listed: 20, copied: 19, vanished: 1 })
  })

  it('is a key that the destination cannot hold, never skipped in silence', async () => {
    const destination = memoryStorage()
    const unsupported = (key: string) => (key === 'object-0003' ? 'It has no place here.' : null)
    const world = await open({
      source: memoryStorage(many(5)),
      destination: Object.assign(destination, { unsupported }),
    })
    const pass = await world.pass(await world.agent())
    expect(pass.failureCauses).toMatchObject([{ code: 'unsupported-key', objects: 1 }])
    expect(pass.counts.objects).toMatchObject({ listed: 5, copied: 4, failed: 1 })
  })

  it('stops a packet, and not each of its objects, where the whole destination is in trouble', async () => {
    const world = await open({ source: memoryStorage(many(200)) })
    const agent = await world.agent()
    let isFull = true
    world.destination.faults = {
      before(op) {
        if (op === 'write' && isFull) throw new DrayError('no-space', 'PUT', 'Full.', { retry: 'later' })
      },
    }
    const failed = agent.next('packet-failed')
    const ended = agent.next('pass-ended')
    const { number } = await world.start()
    expect(await failed).toMatchObject({ code: 'no-space' })
    isFull = false
    await ended
    const pass = await world.status(number)
    expect(pass).toMatchObject({ state: 'complete' })
    expect(pass.counts.objects).toMatchObject({ copied: 200, failed: 0 })
  })
})

describe('a verification', () => {
  it('names what differs, what is missing and what is extra', async () => {
    const world = await open({ source: memoryStorage(many(30)), destination: memoryStorage(many(30)) })
    world.destination.put('object-0003', 'BODY of object-0003')
    world.destination.objects.delete('object-0004' as never)
    world.destination.put('zzz', '')
    const agent = await world.agent()
    const pass = await world.pass(agent, { kind: 'verify' })
    expect(pass).toMatchObject({ state: 'incomplete' })
    expect(pass.counts.objects).toMatchObject({ listed: 30, same: 28, failed: 2, extra: 1, copied: 0 })
    const report = await world.report(pass.number)
    expect(report.map(({ key, outcome }) => [key, outcome]).sort()).toEqual([
      ['object-0003', 'differs'],
      ['object-0004', 'missing'],
      ['zzz', 'extra'],
    ])
    // Equal ETags prove themselves; that two differ is only said of bytes that were read.
    expect(world.destination.requests).toMatchObject({ write: 0, delete: 0, read: 1 })
  })

  it('does not mind what is extra where it is one-way', async () => {
    const world = await open({ source: memoryStorage(many(3)), destination: memoryStorage(many(9)) })
    const pass = await world.pass(await world.agent(), { kind: 'verify', oneWay: true })
    expect(pass).toMatchObject({ state: 'complete' })
    expect(pass.counts.objects).toMatchObject({ same: 3, extra: 0 })
  })

  it('reads both sides, and compares their metadata, at full depth', async () => {
    const world = await open({ source: memoryStorage(many(5)), destination: memoryStorage(many(5)) })
    world.destination.put('object-0002', 'body of object-0002', { user: { owner: 'somebody' } })
    const pass = await world.pass(await world.agent(), { kind: 'verify', depth: 'full' })
    expect(pass.counts.objects).toMatchObject({ same: 4, failed: 1 })
    expect(pass.counts.evidence).toEqual({ 'full-read': 4 })
    expect(pass.failureCauses).toMatchObject([{ code: 'differs' }])
    expect(world.source.requests.read).toBe(5)
    expect(world.destination.requests.read).toBe(5)
  })

  it('looks again at an object that changed while it was compared', async () => {
    const world = await open({ source: memoryStorage(many(5)), destination: memoryStorage(many(5)) })
    let isFirst = true
    world.source.faults = {
      before(op, key) {
        if (op !== 'read' || key !== 'object-0001' || !isFirst) return
        isFirst = false
        world.source.put('object-0001', 'new')
        world.destination.put('object-0001', 'new')
      },
    }
    const pass = await world.pass(await world.agent(), { kind: 'verify', depth: 'full' })
    expect(pass).toMatchObject({ state: 'complete' })
    expect(pass.counts.objects).toMatchObject({ listed: 5, same: 5 })
  })
})
