import { expect, it } from 'vitest'
import { isOlder } from '../../../control-plane/core/older.ts'

it.each([
  ['0.1.0', '0.2.0', true],
  ['0.9.0', '0.10.0', true],
  ['0.2.0', '0.1.9', false],
  ['1.0.0', '1.0.0', false],
  ['1.0.0-beta.2', '1.0.0', true],
  ['1.0.0', '1.0.0-beta.2', false],
  ['test', '1.0.0', false],
])('%s comes before %s: %s', (one, other, expected) => expect(isOlder(one, other)).toBe(expected))
