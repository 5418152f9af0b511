import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  boundariesSchema,
  bytesIn,
  evenly,
  fromSizes,
  mostParts,
  partsIn,
  sizesOf,
} from '../../shared/boundaries.ts'
import { md5sSchema, mostPartPackets, partRanges } from '../../shared/large-object.ts'

const sizes = fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 1, maxLength: 200 })

describe('where an object is cut', () => {
  it('equal parts are two runs at most, however many there are', () => {
    expect(evenly(100, 30)).toEqual([
      [30, 3],
      [10, 1],
    ])
    expect(evenly(90, 30)).toEqual([[30, 3]])
    expect(evenly(5, 30)).toEqual([[5, 1]])
    expect(partsIn(evenly(50_000_000_000, 16_777_216))).toBe(2981)
  })

  it('keeps the sizes that it was made of', () => {
    fc.assert(
      fc.property(sizes, (each) => {
        const boundaries = fromSizes(each)
        expect(sizesOf(boundaries)).toEqual(each)
        expect(partsIn(boundaries)).toBe(each.length)
        expect(bytesIn(boundaries)).toBe(each.reduce((sum, size) => sum + size, 0))
        expect(boundariesSchema.parse(boundaries)).toEqual(boundaries)
      }),
      { numRuns: 100, seed: 1 },
    )
  })

  it.each([
    [[]],
    [[[0, 1]]],
    [[[5, 0]]],
    [[[5, mostParts + 1]]],
    [
      [
        [5, mostParts],
        [4, 1],
      ],
    ],
  ])('is never %j', (boundaries) => {
    expect(boundariesSchema.safeParse(boundaries).success).toBe(false)
  })
})

it('the packets of a large object have each of its parts once, in order, and are not too many', () => {
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 5_000 }), (each, bytes) => {
      const ranges = partRanges(fromSizes(each), bytes)
      let next = 1
      for (const { parts, bytes: sum } of ranges) {
        expect(parts.first).toBe(next)
        expect(sum).toBe(each.slice(parts.first - 1, parts.last).reduce((a, b) => a + b, 0))
        next = parts.last + 1
      }
      expect(next).toBe(each.length + 1)
    }),
    { numRuns: 100, seed: 2 },
  )
  expect(partRanges(evenly(5_000_000_000_000, 512 * 1024 * 1024), 200_000_000).length).toBeLessThanOrEqual(
    mostPartPackets,
  )
})

it('the MD5s of parts travel as one text', () => {
  expect(md5sSchema.safeParse('0123456789abcdef'.repeat(4)).success).toBe(true)
  expect(md5sSchema.safeParse('').success).toBe(true)
  expect(md5sSchema.safeParse('0123456789abcdef').success).toBe(false)
})
