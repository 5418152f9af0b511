import fc from 'fast-check'
import { expect, it } from 'vitest'
import { stringify } from 'yaml'
import { readDocument } from '../../agent/cli/apply/document.ts'
import { planOf, planText } from '../../agent/cli/apply/plan.ts'
import { sections } from '../../shared/api/apply.ts'
import { DrayError } from '../../shared/error.ts'

/** The document, or what is wrong with it. */
function read(text: string) {
  try {
    return readDocument(text, 'f.yaml')
  } catch (error) {
    if (error instanceof DrayError) return error
    throw error
  }
}

it('takes any text for a file, or says in which line it is none', () => {
  const names = fc.constantFrom(
    ...sections,
    'source',
    'destination',
    'bucket',
    'path',
    'credential',
    'cron',
    'url',
    'a',
  )
  const tree = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.jsonValue({ maxDepth: 1 }),
      fc.dictionary(names, tie('value')),
      fc.array(tie('value')),
    ),
  })).value
  const text = fc.oneof(
    fc.string(),
    tree.map((value) => stringify(value)),
    fc.array(fc.constantFrom(...'a:-{}[],&*!|>#\n  "\'')).map((all) => all.join('')),
  )
  fc.assert(
    fc.property(text, (text) => {
      const answer = read(text)
      if (!(answer instanceof DrayError)) return
      expect(answer.code).toBe('usage')
      expect(answer.message).toMatch(/^f\.yaml:\d+: /)
      expect(answer.hint).not.toBe('')
    }),
    { numRuns: 500, seed: 1 },
  )
})

it('does not follow aliases without end', () => {
  const bomb = [
    'a: &a [x, x]',
    ...[...'bcdefghij'].map((name, i) => `${name}: &${name} [${`*${'abcdefghi'[i]}, `.repeat(9)}]`),
  ]
  expect(read(bomb.join('\n'))).toMatchObject({ code: 'usage', message: expect.stringContaining('alias') })
})

it('knows names that every object has', () => {
  const { wanted } = readDocument('sites: { constructor: {} }', 'f.yaml')
  expect(planText(planOf(wanted, { sites: new Map() }, true))).toBe('+ site constructor\n')
  const item = { region: '', labels: {} }
  const state = { sites: new Map([['constructor', { item, revision: 1 }]]) }
  expect(planText(planOf({ sites: {} }, state, true))).toBe('- site constructor\n')
  expect(planText(planOf(wanted, state, true))).toBe('= site constructor\n')
})
