import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { coalesce, spanOf } from '../../../control-plane/core/coalesce.ts'
import { holds, WaitingRanges } from '../../../control-plane/core/waiting-ranges.ts'
import { type Key, keyFromText } from '../../../shared/key.ts'
import { contains, isEmpty, oneKey, type Range } from '../../../shared/range.ts'

const bytes = fc.string({
  unit: fc.constantFrom('a', 'b', 'c', '/', '\x00', '\xff'),
  maxLength: 6,
}) as fc.Arbitrary<Key>

/** As they wait: rising, and disjoint. */
function waitingOf(keys: readonly Key[]): WaitingRanges {
  const ranges = new WaitingRanges()
  for (const [id, key] of keys.entries()) {
    if (ranges.overlapping(oneKey(key)).length === 0) ranges.put({ id, told: id, ...oneKey(key) })
  }
  return ranges
}

describe('coalescing', () => {
  it('joins those that begin alike for longest', () => {
    const ranges = ['a/1', 'a/2', 'b/1', 'c/17', 'c/18'].map((text) => oneKey(keyFromText(text)))
    const ends = (most: number) =>
      coalesce(ranges, most).map((group) => group.map(({ through }) => through).join(' '))
    expect(ends(4)).toEqual(['a/1', 'a/2', 'b/1', 'c/17 c/18'])
    expect(ends(3)).toEqual(['a/1 a/2', 'b/1', 'c/17 c/18'])
    expect(ends(1)).toEqual(['a/1 a/2 b/1 c/17 c/18'])
    expect(ends(9)).toHaveLength(5)
  })

  it('covers every key in few ranges, which rise and are disjoint', () => {
    const property = fc.property(
      fc.uniqueArray(bytes, { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 20 }),
      (keys, most) => {
        const waiting = [...waitingOf(keys)]
        const groups = coalesce(waiting, most)
        expect(groups.flat()).toEqual(waiting)
        expect(groups.length).toBe(Math.min(most, waiting.length))
        const spans = groups.map(spanOf)
        for (const { through } of waiting) expect(spans.some((span) => contains(span, through!))).toBe(true)
        for (const [i, span] of spans.entries()) {
          expect(isEmpty(span)).toBe(false)
          const before = spans[i - 1]
          if (before) expect(span.after! >= before.through!).toBe(true)
        }
      },
    )
    fc.assert(property)
  })
})

describe('ranges that wait', () => {
  it('are found where they overlap, and go where they are taken out', () => {
    const range = fc
      .tuple(fc.option(bytes), fc.option(bytes))
      .map(([after, through]): Range => ({ after, through }))
      .filter((each) => !isEmpty(each) && each.through !== '')
    const meets = (a: Range, b: Range) =>
      (a.through === null || b.after === null || a.through > b.after) &&
      (b.through === null || a.after === null || b.through > a.after)
    const property = fc.property(fc.array(range, { maxLength: 30 }), range, (put, asked) => {
      const ranges = new WaitingRanges()
      let model: (Range & { id: number; told: number })[] = []
      for (const [id, each] of put.entries()) {
        const waiting = { id, told: id, ...each }
        model = [...model.filter((other) => !meets(other, each)), waiting]
        ranges.put(waiting)
      }
      const byStart = (a: Range, b: Range) =>
        a.after === null ? -1 : b.after === null ? 1 : a.after < b.after ? -1 : 1
      model.sort(byStart)
      expect([...ranges]).toEqual(model)
      expect(ranges.overlapping(asked)).toEqual(model.filter((other) => meets(other, asked)))
      expect(ranges.oldest).toBe(model.length === 0 ? null : Math.min(...model.map(({ told }) => told)))
      for (const each of model) {
        expect(ranges.remove({ ...each, id: -1 })).toBe(false)
        expect(ranges.remove(each)).toBe(true)
      }
      expect(ranges.size).toBe(0)
    })
    fc.assert(property)
  })

  it('hold a range where they hold all of its keys', () => {
    const [a, b, c] = ['a', 'b', 'c'].map(keyFromText) as [Key, Key, Key]
    expect(holds({ after: null, through: null }, { after: null, through: null })).toBe(true)
    expect(holds({ after: a, through: c }, { after: b, through: c })).toBe(true)
    expect(holds({ after: b, through: c }, { after: a, through: c })).toBe(false)
    expect(holds({ after: a, through: b }, { after: a, through: null })).toBe(false)
    expect(holds({ after: a, through: b }, { after: null, through: b })).toBe(false)
  })
})
