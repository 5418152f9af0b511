/** Who may import whom: shared ← control-plane, agent, web, which never import one another; core/ has no I/O, clock or randomness. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
const rooms = ['shared', 'control-plane', 'agent', 'web'] as const
const files = rooms.flatMap((room) =>
  readdirSync(join(root, room), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => join(room, name)),
)
const sourceOf = (file: string) => readFileSync(join(root, file), 'utf8')

const statement = /^(?:import|export)\s(?:[^'"]*?\sfrom\s)?['"]([^'"]+)['"]|\bimport\(['"]([^'"]+)['"]\)/gm

function imports(file: string): string[] {
  return [...sourceOf(file).matchAll(statement)]
    .map((m) => (m[1] ?? m[2])!)
    .map((name) => (name.startsWith('.') ? relative(root, normalize(join(root, dirname(file), name))) : name))
}

it('finds the sources', () => expect(files.length).toBeGreaterThan(8))

it('lets no room import another but shared', () => {
  const wrong = files.flatMap((file) => {
    const room = file.split('/')[0]
    return imports(file)
      .filter(
        (name) =>
          rooms.some((r) => name.startsWith(`${r}/`) && r !== room && r !== 'shared') ||
          name.startsWith('test/'),
      )
      .map((name) => `${file} imports ${name}`)
  })
  expect(wrong).toEqual([])
})

it('lets shared import zod and nothing of ours, and what seals the library for it', () => {
  const allowed = (file: string) => (file === 'shared/seal.ts' ? ['zod', '@hpke/core'] : ['zod'])
  const wrong = files
    .filter((file) => file.startsWith('shared/'))
    .flatMap((file) =>
      imports(file).filter((name) => !allowed(file).includes(name) && !name.startsWith('shared/')),
    )
  expect(wrong).toEqual([])
})

it('keeps I/O, clock and randomness out of core', () => {
  const wrong = files
    .filter((file) => file.includes('/core/'))
    .flatMap((file) => [
      ...imports(file)
        .filter((name) => /^(node:(?!buffer$)|ws$|undici$|cloudflare:|@aws-sdk)/.test(name))
        .map((name) => `${file} imports ${name}`),
      ...(
        sourceOf(file).match(/Date\.now\(|Math\.random\(|performance\.now\(|setTimeout\(|crypto\.random/g) ??
        []
      ).map((what) => `${file} uses ${what}`),
    ])
  expect(wrong).toEqual([])
})

it('reads the environment only in entry files', () => {
  const entries = new Set(['agent/main.ts', 'agent/runner/thread.ts', 'agent/s3-server/main.ts'])
  const wrong = files.filter((file) => !entries.has(file) && /process\.env\b/.test(sourceOf(file)))
  expect(wrong).toEqual([])
})

/** Who somebody is must be known before what is theirs. */
it('opens the database for one workspace alone, but to find out who calls', () => {
  const wrong = files.filter(
    (file) =>
      file !== 'control-plane/store/scope.ts' &&
      !file.startsWith('control-plane/access/') &&
      (imports(file).includes('drizzle-orm/d1') || /\.DB\.(?:prepare|batch|exec)\(/.test(sourceOf(file))),
  )
  expect(wrong).toEqual([])
})
