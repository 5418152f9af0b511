import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Key, keyFromText } from '../../shared/key.ts'
import {
  compareRanges,
  contains,
  everything,
  isEmpty,
  mayEndAt,
  prefixRange,
  tiles,
} from '../../shared/range.ts'

const key = fc.uint8Array({ maxLength: 4, max: 3 }).map((b) => String.fromCharCode(...b) as Key)
const boundary = fc.option(key, { nil: null })

describe('ranges', () => {
  it('hold what is after their start and through their end', () => {
    const range = { after: 'b' as Key, through: 'd' as Key }
    expect(['a', 'b', 'b\0', 'c', 'd', 'd\0'].map((k) => contains(range, k as Key))).toEqual([
      false,
      false,
      true,
      true,
      true,
      false,
    ])
    expect(contains(everything, '' as Key)).toBe(true)
    expect(contains({ after: '' as Key, through: null }, '' as Key)).toBe(false)
  })

  it('cut at any keys tile what was cut, and every key is in exactly one', () => {
    fc.assert(
      fc.property(fc.uniqueArray(key, { maxLength: 8 }), fc.array(key), (cuts, keys) => {
        const bounds = [null, ...cuts.sort(), null]
        const ranges = bounds
          .slice(1)
          .map((through, i) => ({ after: bounds[i] ?? null, through: through ?? null }))
        expect(tiles(ranges, everything)).toBe(true)
        for (const k of keys) expect(ranges.filter((r) => contains(r, k)).length).toBe(1)
        expect([...ranges].reverse().sort(compareRanges)).toEqual(ranges)
      }),
    )
  })

  it('with a gap, an overlap or an empty one do not tile', () => {
    const [a, b, c] = ['a', 'b', 'c'] as Key[]
    const to = (after: Key | null, through: Key | null) => ({ after, through })
    expect(tiles([to(null, a!), to(b!, null)], everything)).toBe(false)
    expect(tiles([to(null, b!), to(a!, null)], everything)).toBe(false)
    expect(tiles([to(null, a!), to(a!, a!), to(a!, null)], everything)).toBe(false)
    expect(tiles([to(null, null), to(c!, null)], everything)).toBe(false)
    expect(tiles([], everything)).toBe(false)
  })

  it('end only where they hold a key, or at their very end', () => {
    fc.assert(
      fc.property(boundary, boundary, boundary, (after, through, at) => {
        const range = { after, through }
        if (isEmpty(range)) return
        expect(mayEndAt(range, at)).toBe(at === null ? through === null : contains(range, at))
      }),
    )
  })

  it('of a prefix hold every key that has it', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 3 })
    fc.assert(
      fc.property(text, text, (p, rest) => {
        const prefix = keyFromText(p)
        expect(contains(prefixRange(prefix), keyFromText(p + rest))).toBe(true)
      }),
    )
    fc.assert(
      fc.property(key, key, (p, rest) => {
        expect(contains(prefixRange(p), (p + rest) as Key)).toBe(true)
      }),
    )
  })

  it('of a prefix leave out the neighbours', () => {
    const range = prefixRange('photos/' as Key)
    for (const k of ['photo', 'photos', 'photos.txt', 'photos-2/a', 'photos2', 'q']) {
      expect(contains(range, k as Key), k).toBe(false)
    }
  })
})
