/** What the console says is in texts.ts and texts/: no component holds words. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSync } from 'vite'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '..', '..', 'web', 'console')
const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.tsx'))

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
  return Object.values(node).flatMap((value) =>
    Array.isArray(value) ? value.filter(isNode).flatMap(wordsIn) : isNode(value) ? wordsIn(value) : [],
  )
}

it('keeps words out of components', () => {
  const found = files.flatMap((name) => {
    const { program, errors } = parseSync(name, readFileSync(join(root, name), 'utf8'))
    expect({ name, errors }).toEqual({ name, errors: [] })
    return wordsIn(program as unknown as Node).map((words) => `${name}: ${words}`)
  })
  expect(files.length).toBeGreaterThan(20)
  expect(found).toEqual([])
})
