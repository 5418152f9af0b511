import { expect, it } from 'vitest'
import type { MigrationView } from '../../shared/api/migrations.ts'
import { bar, known } from '../../web/console/progress.ts'

type Pass = NonNullable<MigrationView['pass']>

const pass = (state: Pass['state'], listed: number, expected: number, surveying = false): Pass =>
  ({
    state,
    surveying,
    counts: { objects: { listed, same: 0, copied: listed, skipped: 0, vanished: 0, failed: 0 } },
    expected: { objects: expected, bytes: 0 },
  }) as unknown as Pass

it('a pass that is complete is full, also where what it was to try again is gone', () => {
  expect(known(pass('complete', 0, 1))).toBe(0)
  expect(bar(pass('complete', 0, 1))).toEqual({ value: 1, max: 1 })
  expect(bar(pass('complete', 3, 3))).toEqual({ value: 3, max: 3 })
})

it('a pass that runs is not full before all is known of', () => {
  expect(bar(pass('running', 3, 3, true))).toEqual({ value: 3, max: 4 })
  expect(bar(pass('running', 3, 9))).toEqual({ value: 3, max: 9 })
})
