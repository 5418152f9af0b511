/** What the console says is in texts.ts and texts/, what the pages beside it say in entry/texts.ts and seal-texts.ts: nothing else holds words. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSync } from 'vite'
import { expect, it } from 'vitest'

const web = join(import.meta.dirname, '..', '..', 'web')
const all = readdirSync(web, { recursive: true, encoding: 'utf8' })
const components = all.filter((name) => /^console\/.*\.tsx$/.test(name))
const beside = all.filter((name) => /^(entry\/|seal).*\.ts$/.test(name) && !/texts\.ts$/.test(name))

/** What people read or hear of an element. */
const read = new Set([
  'aria-label',
  'title',
  'placeholder',
  'alt',
  'label',
  'hint',
  'says',
  'caption',
  'deed',
  'what',
])
const hasWord = (text: string) => /\p{L}{2}/u.test(text)

interface Node {
  type: string
  [field: string]: unknown
}
const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as Node).type === 'string'

function wordsIn(node: Node): string[] {
  if (node.type === 'JSXText') return hasWord(String(node.value)) ? [String(node.value).trim()] : []
  if (node.type === 'JSXAttribute') {
    const { name, value } = node as unknown as { name: { name: string }; value: Node | null }
    if (value?.type === 'Literal') {
      return read.has(String(name.name)) && hasWord(String(value.value)) ? [String(value.value)] : []
    }
  }
  return below(node, wordsIn)
}

/** Without JSX: a name, a class or an attribute has no capital letter beside a blank. */
function sentencesIn(node: Node): string[] {
  const text =
    node.type === 'Literal'
      ? node.value
      : node.type === 'TemplateLiteral'
        ? (node.quasis as { value: { cooked: string } }[]).map(({ value }) => value.cooked).join('…')
        : null
  const own = typeof text === 'string' && /\p{Lu}/u.test(text) && text.includes(' ') ? [text] : []
  return [...own, ...below(node, sentencesIn)]
}

const below = (node: Node, found: (child: Node) => string[]): string[] =>
  Object.values(node).flat().filter(isNode).flatMap(found)

function foundIn(name: string, found: (program: Node) => string[]): string[] {
  const { program, errors } = parseSync(name, readFileSync(join(web, name), 'utf8'))
  expect({ name, errors }).toEqual({ name, errors: [] })
  return found(program as unknown as Node).map((words) => `${name}: ${words}`)
}

it('keeps words out of components', () => {
  expect(components.length).toBeGreaterThan(20)
  expect(components.flatMap((name) => foundIn(name, wordsIn))).toEqual([])
})

it('keeps sentences out of the pages beside the console', () => {
  expect(beside.length).toBeGreaterThan(10)
  expect(beside.flatMap((name) => foundIn(name, sentencesIn))).toEqual([])
})
