import { expect, it } from 'vitest'
import type { Refusal } from '../../control-plane/routes/problem.ts'
import { takeTurn } from '../../control-plane/routes/rate-limit.ts'

/** How many of so many requests at once are let through, and what is said to the next. */
function turns(name: string, kind: 'caller' | 'address', wanted: number, now: number) {
  for (let taken = 0; taken < wanted; taken++) {
    try {
      takeTurn(name, kind, now)
    } catch (error) {
      return { taken, refusal: error as Refusal }
    }
  }
  return { taken: wanted, refusal: null }
}

it.each([
  ['caller', 400, 100],
  ['address', 1_000, 200],
] as const)('lets a %s make %i requests at once, and %i a second after that', (kind, burst, rate) => {
  const first = turns('somebody', kind, burst + 1, 1_000)
  expect(first.taken).toBe(burst)
  expect(first.refusal).toMatchObject({
    status: 429,
    code: 'throttled',
    headers: { 'retry-after': '1' },
    hint: 'Wait 1 s.',
  })
  expect(turns('somebody', kind, rate + 1, 2_000).taken).toBe(rate)
  expect(turns('somebody else', kind, 1, 2_000).taken).toBe(1)
  // No more than a burst is saved up; and a clock that goes back costs nothing.
  expect(turns('somebody', kind, burst * 2, 1e9).taken).toBe(burst)
  expect(turns('somebody', kind, 1, 1e9 + 1_000).taken).toBe(1)
  expect(turns('somebody', kind, 1, 1e9 - 1e6).taken).toBe(1)
})

it('knows a caller and an address of one name apart', () => {
  expect(turns('same', 'caller', 401, 0).taken).toBe(400)
  expect(turns('same', 'address', 1, 0).taken).toBe(1)
})

it('remembers a bounded number of them', () => {
  turns('forgotten', 'caller', 400, 0)
  for (let i = 0; i < 10_000; i++) takeTurn(`other ${i}`, 'caller', 0)
  expect(turns('forgotten', 'caller', 1, 0).taken).toBe(1)
})
