import { expect, it } from 'vitest'
import { isBounded, toldAfterMs, watchStillness } from '../../agent/core/stillness.ts'

const none = { objects: 0, bytes: 0 }

it('is told of when nothing has moved for a minute, and since when', () => {
  const stillness = watchStillness(0)
  expect(stillness.look(0, none, 0, false)).toBe(null)
  expect(stillness.look(toldAfterMs - 1, none, 0, false)).toBe(null)
  expect(stillness.look(toldAfterMs, none, 0, false)).toBe(toldAfterMs)
  expect(stillness.look(3 * toldAfterMs, none, 0, false)).toBe(3 * toldAfterMs)
})

it.each([
  ['an object', { objects: 1, bytes: 0 }, 0, false],
  ['a byte', { objects: 0, bytes: 1 }, 0, false],
  ['a listing', none, 1, false],
  ['leave to wait', none, 0, true],
] as const)('ends with %s', (_, progress, seen, waits) => {
  const stillness = watchStillness(0)
  stillness.look(1, none, 0, false)
  expect(stillness.look(5 * toldAfterMs, progress, seen, waits)).toBe(null)
  expect(stillness.look(6 * toldAfterMs, progress, seen, false)).toBe(toldAfterMs)
})

it('is told of nothing that a store may be busy with for hours', () => {
  const work = (bytes: number) => ({ objects: 1, bytes })
  expect(isBounded({ work: work(800) }, 800)).toBe(true)
  expect(isBounded({ work: work(801) }, 800)).toBe(false)
  expect(isBounded({ work: work(1), upload: {} as never }, 800)).toBe(false)
})
