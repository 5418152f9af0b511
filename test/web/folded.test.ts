/** What happened, as rows of few lines. */
import { expect, it } from 'vitest'
import type { WatchEvent } from '../../shared/api/watch.ts'
import { folded } from '../../web/console/migration/folded.ts'

const at = 1_000
/** Of events as they happened: the latest last. */
const rows = (...kinds: readonly ('came' | 'left' | 'silent' | 'resumed')[]) =>
  folded(
    kinds
      .map((is, id): WatchEvent => {
        const event = { id, at, pass: 1 }
        if (is === 'resumed') return { ...event, is }
        return is === 'silent' ? { ...event, is, agent: 'a', packets: 1 } : { ...event, is, agent: 'a' }
      })
      .toReversed(),
  ).map(({ first, event, more }) => [first, event.is, more.length])

it('tells one by one what happens now and then', () => {
  expect(rows('came', 'left', 'resumed', 'came')).toEqual([
    [3, 'came', 0],
    [2, 'resumed', 0],
    [1, 'left', 0],
    [0, 'came', 0],
  ])
})

it('folds agents that come and go under the latest, and keeps apart who fell silent', () => {
  expect(rows('came', 'left', 'came', 'silent', 'came', 'left', 'came', 'left')).toEqual([
    [4, 'left', 3],
    [3, 'silent', 0],
    [0, 'came', 2],
  ])
})

it('names a row by its earliest event, so that it stays one as it grows', () => {
  expect(rows('came', 'left', 'came')).toEqual([[0, 'came', 2]])
  expect(rows('came', 'left', 'came', 'left')).toEqual([[0, 'left', 3]])
})

it('has no rows where nothing happened', () => expect(rows()).toEqual([]))
