import { describe, expect, it } from 'vitest'
import { followedSide, toldKey, toldRanges } from '../../../control-plane/core/told-range.ts'
import { keyFromText } from '../../../shared/key.ts'
import type { Arrangement, Mapping } from '../../../shared/mapping.ts'

const key = keyFromText
const prefix = (from: string, to: string, unmatched: Mapping['unmatched'] = 'skip'): Arrangement => ({
  mapping: { kind: 'prefix', from, to, unmatched },
})
const template = (to: string, pattern: string | null = null): Arrangement => ({
  mapping: { kind: 'template', pattern, to, unmatched: 'skip' },
})
const manifest: Arrangement = {
  manifest: { place: { kind: 's3', bucket: 'b', key: 'list' }, columns: null, keys: null },
}

describe('a key that is told of', () => {
  it.each([
    ['without a mapping', {}, 'a/1', 'a/1'],
    ['with another beginning', prefix('a/', 'b/'), 'a/1', 'b/1'],
    ['with one more', prefix('', 'new/', 'fail'), 'a/1', 'new/a/1'],
    ['that does not begin so', prefix('a/', 'b/'), 'c/1', null],
    ['where others fail', prefix('a/', 'b/', 'fail'), 'a/1', null],
    ['by a template that only adds', template('new/{key}'), 'a/1', 'new/a/1'],
    ['by a template of the key alone', template('{key}'), 'a/1', 'a/1'],
    ['by a template that does more', template('{dir}{base}'), 'A', null],
    ['by a pattern', template('{x}', '(?<x>.*)'), 'a', null],
    ['of a manifest', manifest, 'a', null],
  ] as [string, Arrangement, string, string | null][])('%s', (_, arrangement, told, expected) => {
    expect(toldKey(arrangement, 'source', key(told))).toBe(expected)
  })

  it('is the destination’s own where that is followed', () => {
    expect(toldKey(prefix('a/', 'b/'), 'destination', key('b/1'))).toBe('b/1')
    expect(toldKey(manifest, 'destination', key('b/1'))).toBeNull()
    expect(followedSide({ direction: 'forward' })).toBe('source')
    expect(followedSide({ direction: 'back' })).toBe('destination')
  })

  it('becomes a range of it alone, and was changed no later than now', () => {
    const changes = [
      { key: key('b'), at: 5 },
      { key: key('c'), at: 99 },
    ]
    expect(toldRanges({}, 'source', changes, 10)).toEqual([
      { after: 'a\xff', through: 'b', told: 5 },
      { after: 'b\xff', through: 'c', told: 10 },
    ])
  })
})
