/** Copies that a store makes by itself, where both sides are in it. What proves them is what was not asked. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Plane, startPlane } from '../support/plane.ts'
import { openS3World, type S3World } from './s3-world.ts'

let plane: Plane
beforeAll(async () => {
  plane = await startPlane()
})
afterAll(() => plane.stop())

const MiB = 1024 * 1024
const open = () => openS3World(plane, { b: 'a' })
const day = 24 * 3_600_000

/** An object in these parts; gives its ETag. */
async function putParts({ a, from }: S3World, key: string, parts: number[], more = {}): Promise<string> {
  const bodies = parts.map((size, i) => Buffer.alloc(size, `part ${i} `))
  await a.put(from, key, Buffer.concat(bodies), { parts, ...more })
  return a.object(from, key)!.etag
}

describe('where both sides are one store', () => {
  it('no byte goes through the agent, and the object is what it was', async () => {
    const world = await open()
    const { a, from } = world
    const headers = {
      'content-type': 'text/css',
      'cache-control': 'no-cache',
      'x-amz-meta-name': 'na\xc3\xafve',
      'x-amz-storage-class': 'STANDARD_IA',
      'x-amz-website-redirect-location': '/elsewhere',
    }
    await a.put(from, 'a/ö +%#.css', 'body', { headers })
    await a.put(from, 'empty', '')
    const pass = await world.pass()
    expect(pass).toMatchObject({ state: 'complete', counts: { objects: { copied: 2, failed: 0 } } })
    expect(pass.counts.evidence).toEqual({ 'store-verified': 2 })
    expect(pass.asked).toEqual({ HeadObject: expect.any(Number), CopyObject: 2 })
    expect(world.object('a/ö +%#.css')).toMatchObject({ headers, etag: a.object(from, 'a/ö +%#.css')!.etag })
    expect((await world.pass()).asked).toEqual({})
  })

  it('an object in parts keeps its parts, and so its ETag', async () => {
    const world = await open()
    const etag = await putParts(world, 'large', [5 * MiB, 5 * MiB, 100])
    const uneven = await putParts(world, 'uneven', [6 * MiB, 5 * MiB, 7])
    const pass = await world.pass()
    expect(pass.counts).toMatchObject({ objects: { copied: 2, failed: 0 }, evidence: { etag: 2 } })
    expect(pass.asked).toMatchObject({ UploadPartCopy: 6, CompleteMultipartUpload: 2 })
    expect(pass.asked).not.toHaveProperty('GetObject')
    expect(pass.asked).not.toHaveProperty('UploadPart')
    expect([world.object('large')!.etag, world.object('uneven')!.etag]).toEqual([etag, uneven])
  })

  it('metadata that changed is put on without a byte, and the ETag stays', async () => {
    const world = await open()
    const { a, from } = world
    await a.put(from, 'small', 'body')
    const etag = await putParts(world, 'large', [5 * MiB, 7])
    await world.pass()
    const headers = { 'content-type': 'text/plain', 'x-amz-meta-new': 'yes' }
    const modified = Date.now() + day
    await a.put(from, 'small', 'body', { headers, modified })
    await putParts(world, 'large', [5 * MiB, 7], { headers, modified })
    const pass = await world.pass()
    expect(pass.counts).toMatchObject({ objects: { copied: 2, failed: 0 }, bytes: { copied: 0 } })
    expect(pass.asked).not.toHaveProperty('GetObject')
    expect(world.object('small')?.headers).toMatchObject(headers)
    expect(world.object('large')).toMatchObject({ headers, etag })
    expect((await world.pass()).asked).toEqual({})
  })

  it('the policy may forbid it', async () => {
    const world = await open()
    await world.a.put(world.from, 'key', 'body')
    const pass = await world.pass({ serverSideCopy: 'never' })
    expect(pass.asked).toEqual({ GetObject: 1, PutObject: 1 })
  })

  it.each([
    [403, 'AccessDenied', 1],
    [501, 'NotImplemented', 1],
    [400, 'InvalidRequest', 3],
  ])('a store that refuses it with %s %s gets the bytes', async (status, code, tried) => {
    const world = await open()
    for (const key of ['a', 'b', 'c']) await world.a.put(world.from, key, key)
    let asked = 0
    world.a.hooks = {
      beforeRequest: ({ operation }) => {
        if (operation !== 'CopyObject') return
        asked++
        return { status, code }
      },
    }
    const pass = await world.pass()
    expect(pass).toMatchObject({ state: 'complete', counts: { objects: { copied: 3, failed: 0 } } })
    expect(pass.asked).toMatchObject({ GetObject: 3, PutObject: 3 })
    expect(asked).toBeGreaterThanOrEqual(tried)
  })

  it('an error inside an answer of success is an error, and is tried again', async () => {
    const world = await open()
    await world.a.put(world.from, 'key', 'body')
    world.a.hooks = {
      beforeRequest: ({ operation, nth }) =>
        operation === 'CopyObject' && nth === 1 ? { insideOk: 'InternalError' } : undefined,
    }
    const pass = await world.pass()
    expect(pass).toMatchObject({ state: 'complete', counts: { objects: { copied: 1, failed: 0 } } })
    expect(pass.asked).toMatchObject({ CopyObject: 2 })
  })

  it('a source that changes or goes meanwhile is copied as it is now, or has vanished', async () => {
    const world = await open()
    const { a, from } = world
    for (const key of ['changes', 'goes']) await a.put(from, key, 'first')
    const done = new Set<string>()
    a.hooks = {
      async beforeRequest({ operation, key }) {
        if (operation !== 'CopyObject' || done.has(key!)) return undefined
        done.add(key!)
        if (key === 'goes') a.delete(from, key)
        else await a.put(from, key!, 'second')
        return undefined
      },
    }
    const pass = await world.pass()
    expect(pass.counts.objects).toMatchObject({ listed: 2, copied: 1, vanished: 1, failed: 0 })
    expect((await world.object('changes')!.body()).toString()).toBe('second')
  })
})

it('two stores, though of one name and one key, are not taken for one', async () => {
  const world = await openS3World(plane)
  await world.a.put(world.from, 'key', 'body')
  expect((await world.pass()).asked).toEqual({ GetObject: 1, PutObject: 1 })
})
