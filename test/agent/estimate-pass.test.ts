/** That an estimate counts what a pass then asks for. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { estimate } from '../../shared/estimate.ts'
import { priceLists } from '../../shared/prices.ts'
import { type Plane, startPlane } from '../support/plane.ts'
import { openS3World } from './s3-world.ts'

let plane: Plane
beforeAll(async () => {
  plane = await startPlane()
})
afterAll(() => plane.stop())

it('of small objects, each is read once and written once', async () => {
  const { a, from, pass } = await openS3World(plane)
  a.fill(from, { count: 2_500, key: (i) => `key-${String(i).padStart(4, '0')}`, size: 100 })
  const sums = { taken: { objects: 2_500, bytes: 250_000 }, left: { objects: 0 }, sizes: [2_500, 0, 0, 0, 0] }
  const prices = { source: priceLists.aws, destination: priceLists.aws }
  const { source, destination } = estimate(sums, prices)
  const { asked } = await pass()
  expect(asked.GetObject).toBe(source.requests.read)
  expect(asked.PutObject).toBe(destination.requests.write)
})
