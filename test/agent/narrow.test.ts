import { expect, it } from 'vitest'
import { narrow } from '../../agent/core/narrow.ts'
import { keyFromText } from '../../shared/key.ts'
import { everything, type Range } from '../../shared/range.ts'

const range = (after: string | null, through: string | null): Range => ({
  after: after === null ? null : keyFromText(after),
  through: through === null ? null : keyFromText(through),
})

it('keeps a range as it is where everything can match', () => {
  expect(narrow(range('a', 'b'), [everything])).toEqual([range('a', 'b')])
})

it('leaves only what is in both', () => {
  const ranges = [range('a', 'c'), range('e', 'g'), range('x', null)]
  expect(narrow(range('b', 'f'), ranges)).toEqual([range('b', 'c'), range('e', 'f')])
  expect(narrow(everything, ranges)).toEqual(ranges)
  expect(narrow(range(null, 'z'), ranges)).toEqual([...ranges.slice(0, 2), range('x', 'z')])
})

it('leaves nothing where nothing can match', () => {
  expect(narrow(range('c', 'e'), [range('a', 'c'), range('e', 'g')])).toEqual([])
})
