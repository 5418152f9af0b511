/** Archived objects of a source, by each policy. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Plane, startPlane } from '../support/plane.ts'
import { openS3World, type S3World } from './s3-world.ts'

let plane: Plane
beforeAll(async () => {
  plane = await startPlane()
})
afterAll(() => plane.stop())

const inClass = (storageClass: string, more = {}) => ({
  headers: { 'x-amz-storage-class': storageClass, ...more },
})

/** Two archived objects, a tiered one that is archived too, and two that can be read. */
async function open(restoreMs = Number.POSITIVE_INFINITY): Promise<S3World> {
  const world = await openS3World(plane, { a: { restoreMs } })
  const { a, from } = world
  await a.put(from, 'cold', 'cold', inClass('GLACIER'))
  await a.put(from, 'colder', 'colder', inClass('DEEP_ARCHIVE'))
  await a.put(
    from,
    'tiered',
    'tiered',
    inClass('INTELLIGENT_TIERING', { 'x-amz-archive-status': 'ARCHIVE_ACCESS' }),
  )
  await a.put(from, 'instant', 'instant', inClass('GLACIER_IR'))
  await a.put(from, 'warm', 'warm')
  return world
}

describe('archived objects', () => {
  it('fail by name, with what to do, and are not read', async () => {
    const world = await open()
    const pass = await world.pass()
    expect(pass.counts.objects).toMatchObject({ listed: 5, copied: 2, failed: 3 })
    expect(pass.failureCauses).toMatchObject([{ code: 'archived', objects: 3 }])
    const report = await world.world.report(pass.number)
    expect(report.find(({ key }) => key === 'cold')).toMatchObject({
      code: 'archived',
      message: 'It is archived (GLACIER) and must be restored before it can be read.',
    })
    // The tiered one looks like any other.
    expect(pass.asked).toMatchObject({ GetObject: 3 })
    expect(pass.asked).not.toHaveProperty('RestoreObject')
  })

  it('are left out, and counted as that', async () => {
    const pass = await (await open()).pass({ archived: 'skip' })
    expect(pass).toMatchObject({
      state: 'complete',
      counts: { objects: { listed: 5, copied: 2, skipped: 3, failed: 0 } },
    })
  })

  it('are restored and waited for, and copied as they become readable', async () => {
    const world = await open()
    const { a, from } = world
    const asked: string[] = []
    a.hooks = {
      beforeRequest({ operation, key }) {
        if (operation === 'RestoreObject') asked.push(key!)
        if (operation !== 'HeadObject' || asked.length < 3) return
        // The first round finds nothing ready.
        if (a.requests.count('HeadObject') > 6) a.finishRestores(from)
      },
    }
    const pass = await world.pass({ archived: 'restore', restoreDays: 3, restoreTier: 'Bulk' })
    expect(pass).toMatchObject({
      state: 'complete',
      counts: { objects: { listed: 5, copied: 5, failed: 0 } },
    })
    expect(asked.toSorted()).toEqual(['cold', 'colder', 'tiered'])
    expect((await world.object('colder')!.body()).toString()).toBe('colder')
    expect((await world.pass()).counts.objects).toMatchObject({ same: 5 })
  })

  it('that were restored already are copied by any policy', async () => {
    const world = await open(0)
    const { world: inner } = world
    await world.pass({ archived: 'restore', dryRun: false })
    for (const key of ['cold', 'colder']) world.b.delete(world.to, key)
    const pass = await world.pass({ archived: 'fail' })
    expect(pass.counts.objects).toMatchObject({ same: 3, copied: 2, failed: 0 })
    expect(await inner.report(pass.number)).toHaveLength(2)
  })

  it('are asked for by nobody in a dry run', async () => {
    const world = await open()
    const pass = await world.pass({ archived: 'restore', dryRun: true })
    expect(pass.counts.objects).toMatchObject({ listed: 5, copied: 5 })
    expect(pass.asked).not.toHaveProperty('RestoreObject')
  })

  it('that may not be restored fail by themselves', async () => {
    const world = await open(0)
    world.a.hooks = {
      beforeRequest: ({ operation, key }) =>
        operation === 'RestoreObject' && key === 'cold' ? { status: 403, code: 'AccessDenied' } : undefined,
    }
    const pass = await world.pass({ archived: 'restore' })
    expect(pass.counts.objects).toMatchObject({ copied: 4, failed: 1 })
    expect(pass.failureCauses).toMatchObject([{ code: 'access-denied', objects: 1 }])
  })
})
