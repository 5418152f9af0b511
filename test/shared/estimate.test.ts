import fc from 'fast-check'
import { expect, it } from 'vitest'
import { assumedRates, estimate, type Sums } from '../../shared/estimate.ts'
import { priceLists, pricesOf, pricesSchema } from '../../shared/prices.ts'

const sums = (objects: number, bytes: number, sizes = [objects, 0, 0, 0, 0], left = 0): Sums => ({
  taken: { objects, bytes },
  left: { objects: left },
  sizes,
})
const { aws, r2 } = priceLists

it('counts a request to read and one to write for each small object, and pages at both ends', () => {
  const found = estimate(sums(1_000_000, 1e9), { source: aws, destination: r2 })
  expect(found.packets).toBe(1_000)
  expect(found.source.requests).toEqual({ list: 3_000, read: 1_000_000, write: 0 })
  expect(found.destination.requests).toEqual({ list: 1_001, read: 0, write: 1_000_000 })
  expect(found.source.cost!.egress).toBeCloseTo(0.09)
  expect(found.source.cost!.requests).toBeCloseTo(0.4 + 0.015)
  expect(found.destination.cost!.total).toBeCloseTo(4.5 + 0.0045, 3)
})

it('counts the parts of large objects, each with its begin and end', () => {
  const size = 160 * 1024 ** 2
  const found = estimate(sums(10, 10 * size, [0, 0, 0, 10, 0]), { source: aws, destination: aws })
  expect(found.destination.requests.write).toBe(10 * 10 + 10 + 2 * 10)
  expect(found.source.requests.read).toBe(10 * 10 + 10 + 2 * 10)
})

it('asks nothing of a directory, and pays for nothing there', () => {
  const found = estimate(sums(10, 10), { source: null, destination: priceLists.own })
  expect(found.source).toEqual({ requests: { list: 0, read: 0, write: 0 }, cost: null })
  expect(found.destination.cost).toEqual({ requests: 0, egress: 0, total: 0 })
})

it('takes as long as bytes or objects need, whichever is more; from what was measured where something was', () => {
  const many = estimate(sums(1_000_000, 1), { source: null, destination: null }).seconds
  expect(many).toEqual({ least: 1e6 / assumedRates.fast.objects, most: 1e6 / assumedRates.slow.objects })
  const big = estimate(sums(1, 1e12), { source: null, destination: null }).seconds
  expect(big.most).toBe(1e12 / assumedRates.slow.bytes)
  const measured = { bytes: 1e6, objects: 10 }
  const known = estimate(sums(10, 1e8), { source: null, destination: null, measured }).seconds
  expect(known.least).toBeLessThan(100)
  expect(known.most).toBeGreaterThan(100)
  const nothing = { bytes: 0, objects: 0 }
  const unknown = estimate(sums(10, 1e8), { source: null, destination: null, measured: nothing }).seconds
  expect(unknown).toEqual(estimate(sums(10, 1e8), { source: null, destination: null }).seconds)
})

it('is finite, never negative, and no less for more', () => {
  const some = fc.tuple(fc.nat(1e9), fc.nat(1e9), fc.nat(1e6), fc.nat(1e6), fc.nat(1e4))
  fc.assert(
    fc.property(some, fc.nat(1e12), fc.nat(1e6), (sizes, bytes, left) => {
      const objects = sizes.reduce((a, b) => a + b)
      const at = (more: number) => {
        const { source, destination, seconds } = estimate(
          sums(objects + more, bytes + more, [sizes[0] + more, ...sizes.slice(1)], left),
          { source: aws, destination: aws },
        )
        const figures = [...Object.values(source.requests), ...Object.values(destination.requests)]
        return [...figures, ...Object.values(source.cost!), ...Object.values(seconds)]
      }
      const [one, more] = [at(0), at(1_000_000)]
      expect(one.every((figure) => Number.isFinite(figure) && figure >= 0)).toBe(true)
      expect(more.every((figure, i) => figure >= one[i]!)).toBe(true)
    }),
  )
})

it.each([
  [null, 'Amazon'],
  ['https://s3.eu-central-1.amazonaws.com', 'Amazon'],
  ['https://abc.r2.cloudflarestorage.com', 'Cloudflare'],
  ['https://s3.us-west-004.backblazeb2.com', 'Backblaze'],
  ['https://s3.wasabisys.com/', 'Wasabi'],
  ['https://amazonaws.com.example.com', 'your own'],
  ['http://10.0.0.5:9000', 'your own'],
  ['nonsense', 'your own'],
])('knows the prices at %s as those of %s', (endpoint, name) => {
  expect(pricesOf(endpoint).name).toContain(name)
})

it('has lists that say of when they are', () => {
  for (const prices of Object.values(priceLists)) expect(pricesSchema.parse(prices)).toEqual(prices)
})
