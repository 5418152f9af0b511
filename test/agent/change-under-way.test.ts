/** What happens at the source and at the destination while an object is copied, between two S3 servers. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Fault, RequestInfo } from '../../agent/s3-server/faults.ts'
import { type Plane, startPlane } from '../support/plane.ts'
import { openS3World, type S3World } from './s3-world.ts'

let plane: Plane
beforeAll(async () => {
  plane = await startPlane()
})
afterAll(() => plane.stop())

/** At the first request of this kind, before anything is done about it. */
function at(operation: string, act: (info: RequestInfo) => Promise<Fault | undefined> | Fault | undefined) {
  let done = false
  return {
    beforeRequest: async (info: RequestInfo) => {
      if (info.operation !== operation || done) return
      done = true
      return await act(info)
    },
  }
}

async function open(objects = { key: 'content' }): Promise<S3World> {
  const world = await openS3World(plane)
  for (const [key, body] of Object.entries(objects)) await world.a.put(world.from, key, body)
  return world
}

const bodyAt = async (world: S3World, key = 'key') => (await world.object(key)?.body())?.toString()

describe('the destination', () => {
  it('got the object from somebody else meanwhile: it is not written over unseen', async () => {
    const world = await open()
    const { b, to } = world
    b.hooks = at('PutObject', async () => void (await b.put(to, 'key', 'somebody else’s')))
    const pass = await world.pass()
    expect(pass).toMatchObject({
      state: 'complete',
      counts: { objects: { listed: 1, copied: 1, failed: 0 } },
    })
    expect(pass.asked).toMatchObject({ PutObject: 2, GetObject: 2 })
    expect(await bodyAt(world)).toBe('content')
  })

  it('got the very object from another agent meanwhile: it is left as it is', async () => {
    const world = await open()
    const { b, to } = world
    b.hooks = at('PutObject', async () => void (await b.put(to, 'key', 'content')))
    const pass = await world.pass()
    expect(pass.counts.objects).toMatchObject({ listed: 1, copied: 1 })
    expect(pass.counts.bytes.copied).toBe(7)
    expect(pass.asked).toMatchObject({ PutObject: 1 })
  })

  it('took the newer object that was written to both sides: that one stays', async () => {
    const world = await open()
    const { a, b, from, to } = world
    b.hooks = at('PutObject', async () => {
      await a.put(from, 'key', 'newer')
      await b.put(to, 'key', 'newer')
      return undefined
    })
    expect((await world.pass()).counts.objects).toMatchObject({ listed: 1, copied: 1, failed: 0 })
    expect(await bodyAt(world)).toBe('newer')
  })

  it('is another than the one that was listed', async () => {
    const world = await open()
    const { b, to } = world
    await b.put(to, 'key', 'old one')
    b.hooks = at('PutObject', async () => void (await b.put(to, 'key', 'another')))
    expect((await world.pass()).asked).toMatchObject({ PutObject: 2 })
    expect(await bodyAt(world)).toBe('content')
  })

  it('took the object and lost the answer: it is written once, and the repetition’s refusal is understood', async () => {
    const world = await open()
    world.b.hooks = at('PutObject', () => 'drop-answer')
    const pass = await world.pass()
    expect(pass).toMatchObject({
      state: 'complete',
      counts: { objects: { listed: 1, copied: 1, failed: 0 } },
    })
    expect(pass.asked).toMatchObject({ PutObject: 2 })
    expect(await bodyAt(world)).toBe('content')
  })

  it('has no conditional writes: it gets its objects without', async () => {
    const world = await open({ key: 'content', other: 'content', third: 'content' } as { key: string })
    world.b.hooks = {
      beforeRequest: ({ operation, headers }) =>
        operation === 'PutObject' && headers.has('if-none-match')
          ? { status: 501, code: 'NotImplemented' }
          : undefined,
    }
    const pass = await world.pass()
    expect(pass).toMatchObject({ state: 'complete', counts: { objects: { copied: 3, failed: 0 } } })
    expect(await bodyAt(world, 'third')).toBe('content')
  })
})

describe('the source', () => {
  it('writes the object anew between the listing and the read: the newest is copied', async () => {
    const world = await open()
    const { a, from } = world
    a.hooks = at('GetObject', async () => void (await a.put(from, 'key', 'newer')))
    expect((await world.pass()).counts.objects).toMatchObject({ listed: 1, copied: 1, failed: 0 })
    expect(await bodyAt(world)).toBe('newer')
  })

  it('loses the object between the listing and the read: it has vanished', async () => {
    const world = await open({ key: 'content', other: 'content' } as { key: string })
    const { a, from } = world
    a.hooks = at('GetObject', ({ key }) => void a.delete(from, key!))
    const pass = await world.pass()
    expect(pass).toMatchObject({
      state: 'complete',
      counts: { objects: { listed: 2, copied: 1, vanished: 1 } },
    })
  })
})
