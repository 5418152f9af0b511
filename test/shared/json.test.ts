import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseJson } from '../../shared/json.ts'

it('takes whatever JSON says, as JSON.parse does', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 4 }), fc.constantFrom(undefined, 1, '\t'), (text, space) => {
      const value: unknown = JSON.parse(text)
      const written = JSON.stringify(value, null, space)
      expect(parseJson(written)).toEqual(value)
    }),
    { numRuns: 300, seed: 4 },
  )
})

it.each([
  '{"a":1,"a":2}',
  '{"a":1,"b":{"c":1,"d":[{"e":"f","e":"f"}]}}',
  '{"a":1,"\\u0061":2}',
  '{"":1,"":1}',
  '{"__proto__":1,"__proto__":1}',
])('refuses %s, which names a member twice', (text) => {
  expect(() => parseJson(text)).toThrow('JSON that names a member twice')
})

it.each([
  '{"a":{"a":1},"b":{"a":1}}',
  '{"a:":"b:","c":"\\":","d":"\\\\"}',
  '{"__proto__":{"a":1}}',
  '[]',
  '":"',
  '0',
])('takes %s', (text) => expect(parseJson(text)).toEqual(JSON.parse(text)))

it.each(['', '{', '{"a":1,}', 'NaN', '{"token":"hunter2"'])('refuses %j without repeating it', (text) => {
  expect(() => parseJson(text)).toThrow(/^not JSON$/)
})

it('takes no stack for deep nesting', () => {
  const deep = '['.repeat(200_000) + ']'.repeat(200_000)
  expect(() => parseJson(deep)).not.toThrow(RangeError)
})
