import { expect, it } from 'vitest'
import { addCounts, addsUp, countsSchema, zeroCounts } from '../../shared/counts.ts'

it('adds every figure, evidence by class', () => {
  const a = zeroCounts()
  a.objects.listed = 2
  a.objects.same = 1
  a.objects.failed = 1
  a.evidence.etag = 1
  const b = zeroCounts()
  b.objects.listed = 1
  b.objects.copied = 1
  b.bytes = { listed: 10, copied: 10 }
  b.evidence = { etag: 2, hashed: 1 }
  const sum = addCounts(a, b)
  expect(sum.objects).toMatchObject({ listed: 3, same: 1, copied: 1, failed: 1 })
  expect(sum.bytes).toEqual({ listed: 10, copied: 10 })
  expect(sum.evidence).toEqual({ etag: 3, hashed: 1 })
  expect(addsUp(sum)).toBe(true)
})

it('says when the sum does not hold', () => {
  const counts = zeroCounts()
  counts.objects.listed = 1
  expect(addsUp(counts)).toBe(false)
})

it('takes no negative, broken or unknown figure', () => {
  expect(countsSchema.safeParse(zeroCounts()).success).toBe(true)
  for (const listed of [-1, 0.5, Number.NaN, '1'])
    expect(
      countsSchema.safeParse({ ...zeroCounts(), objects: { ...zeroCounts().objects, listed } }).success,
    ).toBe(false)
  expect(countsSchema.safeParse({ ...zeroCounts(), more: 1 }).success).toBe(false)
})
