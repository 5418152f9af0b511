/** How much a browser fetches before the console's first page is there. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { buildWeb } from '../../scripts/build.ts'

/** The file and all that it imports at once. */
function withImports(directory: string, name: string, found = new Set<string>()): Set<string> {
  if (found.has(name)) return found
  found.add(name)
  const text = readFileSync(join(directory, name), 'utf8')
  // Not `import("./…")`, which waits until it is needed.
  for (const [, part] of text.matchAll(/(?:\bfrom|\bimport)\s*"\.\/([^"]+)"/g))
    withImports(directory, part!, found)
  return found
}

const compressed = (directory: string, name: string) => gzipSync(readFileSync(join(directory, name))).length

it('is under 150 KB, compressed, with the page that is shown first', async () => {
  const directory = await buildWeb()
  // Parts of earlier builds stay for a day: this one's is the newest.
  const made = (name: string) => statSync(join(directory, name)).mtimeMs
  const page = readdirSync(directory)
    .filter(
      (name) =>
        name.startsWith('part-') &&
        /(?:\bas Overview|\bOverview)\b/.test(readFileSync(join(directory, name), 'utf8')),
    )
    .sort((a, b) => made(b) - made(a))[0]
  const files = withImports(directory, page!, withImports(directory, 'main.js'))
  const total = ['index.html', 'console.css', ...files].reduce(
    (sum, name) => sum + compressed(directory, name),
    0,
  )
  expect(total).toBeLessThan(150_000)
  // The chart is not among them.
  expect([...files].every((name) => !readFileSync(join(directory, name), 'utf8').includes('uPlot'))).toBe(
    true,
  )
})
