import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { buildWorker } from '../../scripts/build.ts'

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'dray-build-'))
  for (const dir of ['control-plane', 'shared']) await mkdir(join(root, dir))
  await writeFile(join(root, 'shared', 'word.ts'), 'export const word: string = "first"')
  await writeFile(
    join(root, 'control-plane', 'worker.ts'),
    `import { DurableObject } from 'cloudflare:workers'
     import { word } from '../shared/word.ts'
     export class Thing extends DurableObject {}
     export default { fetch: () => new Response(word) }`,
  )
})
afterAll(() => rm(root, { recursive: true }))

it('bundles the Worker, also for two at a time, and leaves nothing else behind', async () => {
  const [one, two] = await Promise.all([buildWorker(root), buildWorker(root)])
  expect([one, two]).toEqual(Array(2).fill(join(root, 'dist', 'worker', 'worker.js')))
  expect(await readFile(one, 'utf8')).toContain('first')
  expect(await readdir(join(root, 'dist', 'worker'))).toEqual(['worker.js'])
})

it('builds again only when a source is newer', async () => {
  const path = await buildWorker(root)
  const { mtimeMs } = await stat(path)
  await buildWorker(root)
  expect((await stat(path)).mtimeMs).toBe(mtimeMs)
  const source = join(root, 'shared', 'word.ts')
  await writeFile(source, 'export const word: string = "second"')
  await utimes(source, new Date(), new Date(mtimeMs + 1_000))
  expect(await readFile(await buildWorker(root), 'utf8')).toContain('second')
})

it('takes the file as it is where there are no sources', async () => {
  await rm(join(root, 'control-plane'), { recursive: true })
  expect(await readFile(await buildWorker(root), 'utf8')).toContain('second')
})
