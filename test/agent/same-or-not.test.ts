/** When a pass between two S3 stores takes objects for the same, what it asks for that, and what it carries. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Plane, startPlane } from '../support/plane.ts'
import { openS3World, type S3World } from './s3-world.ts'

let plane: Plane
beforeAll(async () => {
  plane = await startPlane()
})
afterAll(() => plane.stop())

const day = 24 * 3_600_000
const long = Date.parse('2026-01-01T00:00:00Z')
const typed = (type: string) => ({ headers: { 'content-type': type } })

async function copied(count: number): Promise<S3World> {
  const world = await openS3World(plane)
  for (let i = 0; i < count; i++)
    await world.a.put(world.from, `object-${i}`, `body ${i}`, { ...typed('text/plain'), modified: long })
  const first = await world.pass()
  expect(first.counts.objects).toMatchObject({ listed: count, copied: count })
  return world
}

it('full: metadata that were changed at the destination become what they were, without a byte', async () => {
  const world = await copied(3)
  await world.b.put(world.to, 'object-1', 'body 1', typed('text/html'))
  expect((await world.pass()).counts.objects).toMatchObject({ same: 3 })
  const second = await world.pass({ compare: 'full' })
  expect(second.counts).toMatchObject({ objects: { same: 2, copied: 1 }, bytes: { copied: 0 } })
  expect(second.counts.evidence).toEqual({ 'full-read': 3 })
  expect(world.object('object-1')?.headers).toMatchObject({ 'content-type': 'text/plain' })
  expect((await world.pass({ compare: 'full' })).counts.objects).toMatchObject({ same: 3 })
})

describe('an object whose content is equal, and whose source was written since', () => {
  it('is asked for once, and then no more, where only its time is another', async () => {
    const world = await copied(3)
    await world.a.put(world.from, 'object-1', 'body 1', {
      ...typed('text/plain'),
      modified: Date.now() + day,
    })
    const second = await world.pass()
    expect(second.counts.objects).toMatchObject({ same: 3, copied: 0 })
    expect(second.counts.evidence).toEqual({ etag: 3 })
    expect(second.asked).toEqual({ HeadObject: 2 })
    const third = await world.pass()
    expect(third.counts.objects).toMatchObject({ same: 3, copied: 0 })
    expect(third.asked).toEqual({})
  })

  it('gets the metadata that it has now', async () => {
    const world = await copied(3)
    const headers = { 'content-type': 'text/html', 'x-amz-meta-colour': 'green' }
    await world.a.put(world.from, 'object-1', 'body 1', { headers, modified: Date.now() + day })
    const second = await world.pass()
    expect(second.counts.objects).toMatchObject({ same: 2, copied: 1 })
    expect(world.object('object-1')?.headers).toMatchObject(headers)
    expect((await world.pass()).asked).toEqual({})
  })

  it('is found by the baseline although the stores’ clocks hide it', async () => {
    const world = await copied(2)
    const written = world.object('object-1')!.modified
    const headers = { 'content-type': 'text/html' }
    await world.a.put(world.from, 'object-1', 'body 1', { headers, modified: written - 60_000 })
    expect((await world.pass()).counts.objects).toMatchObject({ same: 1, copied: 1 })
    expect(world.object('object-1')?.headers).toMatchObject(headers)
  })

  it('is counted by a dry run, and left as it is', async () => {
    const world = await copied(1)
    await world.a.put(world.from, 'object-0', 'body 0', { ...typed('a/b'), modified: Date.now() + day })
    expect((await world.pass({ dryRun: true })).counts.objects).toMatchObject({ copied: 1 })
    expect(world.object('object-0')?.headers).toMatchObject({ 'content-type': 'text/plain' })
  })
})

describe('a copy told how to compare', () => {
  /** ETags that look like MD5s and are none: only the baseline, a hash or the times can tell. */
  async function opaque(): Promise<S3World> {
    const world = await openS3World(plane, { b: { etags: 'opaque' } })
    for (const name of ['same', 'sneaky']) await world.a.put(world.from, name, 'first', { modified: long })
    await world.pass()
    return world
  }

  it('by checksum reads what the baseline alone would have believed', async () => {
    const world = await opaque()
    expect((await world.pass()).counts.evidence).toEqual({ baseline: 2 })
    const checked = await world.pass({ compare: 'checksum' })
    expect(checked.counts.objects).toMatchObject({ same: 2, copied: 0 })
    expect(checked.counts.evidence).toEqual({ 'full-read': 2 })
    expect(checked.asked).toMatchObject({ GetObject: 4 })
  })

  it('by mtime minds no unequal ETags, and finds what is newer at the source', async () => {
    const world = await openS3World(plane, { b: { etags: 'opaque' } })
    for (const [name, modified] of [
      ['older', long],
      ['newer', Date.now() + day],
    ] as const) {
      await world.a.put(world.from, name, 'first', { modified })
      await world.b.put(world.to, name, 'other', { modified: Date.now() })
    }
    const pass = await world.pass({ compare: 'mtime' })
    expect(pass.counts.objects).toMatchObject({ same: 1, copied: 1 })
    expect(await world.object('newer')?.body()).toEqual(Buffer.from('first'))
    expect(await world.object('older')?.body()).toEqual(Buffer.from('other'))
    expect(pass.counts.evidence).toMatchObject({ 'size+mtime': 1 })
  })

  it('in full reads every byte of both, whatever the ETags say', async () => {
    const world = await copied(2)
    const pass = await world.pass({ compare: 'full' })
    expect(pass.counts.objects).toMatchObject({ same: 2, copied: 0 })
    expect(pass.counts.evidence).toEqual({ 'full-read': 2 })
    expect(pass.asked).toMatchObject({ GetObject: 4 })
  })
})
