import { describe, expect, it } from 'vitest'
import { baselineRow, missingRow } from '../../agent/baseline/row.ts'
import { decide, needsRow, workAt, workOf } from '../../agent/core/decide.ts'
import type { Entry } from '../../agent/storage/storage.ts'
import { keyFromText } from '../../shared/key.ts'
import { defaultPassOptions, type PassOptions } from '../../shared/policy.ts'

const key = keyFromText('k')
const object = (token: string, more: Partial<Entry> = {}): Entry => ({
  key,
  kind: 'object',
  size: 5,
  mtime: 0,
  token: token.repeat(32).slice(0, 32),
  ...more,
})
const a = object('a')
const link: Entry = { ...a, kind: 'symlink' }

function decided(source: Entry | null, destination: Entry | null, options: Partial<PassOptions> = {}) {
  const all = { ...defaultPassOptions, ...options }
  const sight = { options: all, source: 'md5' as const, destination: 'md5' as const }
  const decision = decide({ key, source, destination }, null, sight)
  return [decision.is, workOf(decision, all), needsRow(decision)]
}

describe('what a pass makes of a pair', () => {
  it.each([
    ['equal ETags, long ago', decided(a, object('a', { mtime: 9e9 })), ['same', null, false]],
    ['equal ETags, about as old', decided(a, a), ['same', null, true]],
    ['equal ETags, newer at the source', decided(object('a', { mtime: 9 }), a), ['touched', 0, true]],
    ['other ETags', decided(a, object('b')), ['differs', 5, true]],
    ['only at the source', decided(a, null), ['source-only', 5, false]],
    ['only at the destination', decided(null, a), ['left', null, false]],
    [
      'only at the destination, with delete',
      decided(null, a, { delete: true }),
      ['destination-only', 0, false],
    ],
    [
      'only at the destination, with a period of grace',
      decided(null, a, { delete: true, deleteAfter: 60 }),
      ['kept', null, true],
    ],
    ['a link at the source', decided(link, null), ['no-object', 0, false]],
    ['a link over an object', decided(link, a, { delete: true }), ['no-object', 0, false]],
    ['a link where the object belongs', decided(a, link), ['differs', 5, true]],
    ['a link at the destination only', decided(null, link, { delete: true }), ['left', null, false]],
  ])('in a copy: %s', (_, found, expected) => expect(found).toEqual(expected))

  const verify = { kind: 'verify', delete: false } as const
  it.each([
    ['equal ETags', decided(a, object('a', { mtime: 9e9 }), verify), ['same', null, false]],
    ['equal ETags at full depth', decided(a, a, { ...verify, depth: 'full' }), ['unknown', 5, true]],
    ['other sizes', decided(a, object('b', { size: 6 }), verify), ['differs', 5, true]],
    ['only at the source', decided(a, null, verify), ['source-only', 0, false]],
    ['only at the destination', decided(null, a, verify), ['destination-only', 0, false]],
    ['the same, one way', decided(null, a, { ...verify, oneWay: true }), ['left', null, false]],
  ])('in a verification: %s', (_, found, expected) => expect(found).toEqual(expected))
})

describe('what is only at the destination', () => {
  it.each([
    [0, undefined, 'destination-only'],
    [60, undefined, 'kept'],
    [60, 940_001, 'kept'],
    [60, 940_000, 'destination-only'],
  ] as const)('with %i s of grace, missing since %s: %s', (deleteAfter, missing, is) => {
    const options = { ...defaultPassOptions, delete: true, deleteAfter }
    const sight = { options, source: 'md5' as const, destination: 'md5' as const, startedAt: 1_000_000 }
    const row = missing === undefined ? null : missingRow(key, null, missing)
    const decision = decide({ key, source: null, destination: a }, row, sight)
    expect(decision.is).toBe(is)
    expect(workAt(decision, options)).toEqual({ deletes: is === 'kept' ? 0 : 1, found: 1 })
  })

  it('is a conflict, where others’ writes are parked, though it is remembered as missing', () => {
    const options = { ...defaultPassOptions, delete: true, deleteAfter: 60, conflicts: 'park' as const }
    const sight = { options, source: 'md5' as const, destination: 'md5' as const, startedAt: 1_000_000 }
    expect(decide({ key, source: null, destination: a }, missingRow(key, null, 0), sight).is).toBe('conflict')
    const known = missingRow(key, baselineRow(a, a, 'etag'), 0)
    expect(decide({ key, source: null, destination: a }, known, sight).is).toBe('destination-only')
  })
})
