import { describe, expect, it } from 'vitest'
import type { Failure } from '../../shared/api/failures.ts'
import { mostChosen, nothing, selectionOf, withThese } from '../../web/console/failures/chosen.ts'
import { placeOf, seen } from '../../web/console/failures/pages.ts'
import { failuresIn, passesIn } from '../../web/console/failures/search.ts'

const first = [{ cursor: null, rows: null }]

describe('pages of a long list', () => {
  it('follow one another as each of them says', () => {
    const one = seen(first, 0, { rows: 200, cursor: '200' })
    expect(one).toEqual([
      { cursor: null, rows: 200 },
      { cursor: '200', rows: null },
    ])
    const two = seen(one, 1, { rows: 3, cursor: null })
    expect(two.map(({ rows }) => rows)).toEqual([200, 3])
    expect(seen(two, 1, { rows: 3, cursor: null })).toBe(two)
    expect([0, 199, 200, 202, 203].map((row) => placeOf(two, row))).toEqual([
      { page: 0, at: 0 },
      { page: 0, at: 199 },
      { page: 1, at: 0 },
      { page: 1, at: 2 },
      null,
    ])
  })

  it('grow at their end while a pass runs, and keep what is known of those before', () => {
    const known = seen(seen(first, 0, { rows: 200, cursor: '200' }), 1, { rows: 3, cursor: null })
    expect(seen(known, 1, { rows: 200, cursor: '400' })).toEqual([
      { cursor: null, rows: 200 },
      { cursor: '200', rows: 200 },
      { cursor: '400', rows: null },
    ])
  })

  it('are found anew behind one that has come to hold others', () => {
    const known = seen(seen(first, 0, { rows: 200, cursor: '200' }), 1, { rows: 200, cursor: '400' })
    expect(seen(known, 0, { rows: 200, cursor: '290' })).toEqual([
      { cursor: null, rows: 200 },
      { cursor: '290', rows: null },
    ])
    expect(seen(known, 0, { rows: 7, cursor: null })).toEqual([{ cursor: null, rows: 7 }])
    expect(seen(first, 0, { rows: 0, cursor: null })).toEqual([{ cursor: null, rows: 0 }])
  })
})

describe('what is chosen', () => {
  const failure = (id: number) => ({ id, state: 'open' }) as Failure

  it('is so many at most, or all that the filter shows', () => {
    const many = Array.from({ length: mostChosen }, (_, i) => failure(i + 1))
    const all = withThese(nothing, many, true)!
    expect(selectionOf(all, {}).ids).toHaveLength(mostChosen)
    expect(withThese(all, [failure(mostChosen + 1)], true)).toBeNull()
    expect(selectionOf(withThese(all, many.slice(1), false)!, {})).toEqual({ ids: [1] })
    const filter = { cause: 3, text: 'x', state: 'open' } as const
    expect(selectionOf({ all: true }, filter)).toEqual({ cause: '3', text: 'x' })
  })
})

it('an address says what makes sense, and nothing else', () => {
  expect(failuresIn({ pass: 2, cause: 0, prefix: 12, text: '', state: 'gone', other: 1 })).toEqual({
    pass: 2,
    cause: 0,
    prefix: '12',
  })
  expect(failuresIn({ pass: -1, cause: 'x', text: ['a'], state: 'waived' })).toEqual({ state: 'waived' })
  expect(passesIn({ compare: [3, 1] })).toEqual({ compare: [1, 3] })
  for (const compare of [[1, 1], [1], 'x', [1, 'y'], [0, 1], [1, 2, 3]])
    expect(passesIn({ compare })).toEqual({})
})
