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

it('lets shared import zod and nothing of ours, and what seals and what reads cron their libraries', () => {
  const libraries: Record<string, string> = { 'shared/seal.ts': '@hpke/core', 'shared/cron.ts': 'croner' }
  const allowed = (file: string) => ['zod', libraries[file]]
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

/** What the pattern's group is, wherever in the control plane it matches. */
const found = (pattern: RegExp): { file: string; text: string }[] =>
  files
    .filter((file) => file.startsWith('control-plane/'))
    .flatMap((file) =>
      [...sourceOf(file).matchAll(pattern)].map(([, text = '']) => ({
        file,
        text: text.replaceAll('$', ''),
      })),
    )
const each = (texts: readonly string[]) => [...new Set(texts)].sort()

/** The way into a workspace is `admit` (routes/serve.ts). Each other one knows by itself that the caller has a part in it. */
it('opens no workspace to a route but the one that the caller was admitted to', () => {
  const opened = found(/new Scope\(\s*[\w.#]+,\s*([^,]+),/g).filter(({ file }) => file.includes('/routes/'))
  expect(each(opened.map(({ file, text }) => `${file}: ${text}`))).toEqual([
    // That an invitation or the set-up link is to, whose secret the caller has.
    'control-plane/routes/entry.ts: localWorkspace',
    'control-plane/routes/entry.ts: workspaceId',
    // That the join token names, which is then looked for in there.
    'control-plane/routes/joining.ts: workspace',
    // Of which the caller is a member.
    'control-plane/routes/me.ts: params.workspace',
    'control-plane/routes/serve.ts: workspace',
    // Where the log has what is about no workspace.
    'control-plane/routes/workspace-deletion.ts: everywhere',
    // That the caller makes.
    'control-plane/routes/workspaces.ts: body.id',
  ])
})

/** No name of a workspace or of what is in it holds `/` (idSchema), so that no two of them make one name. */
it('names objects by the workspace of whoever calls, and objects name others by their own', () => {
  expect(each(found(/\.getByName\(([^)]+)\)/g).map(({ text }) => text))).toEqual([
    '`{name}/{id}`',
    '`{workspace}/{id}`',
    'definition.workspace',
    'next.event.workspace',
    'scope.workspace',
    'workspace',
    'workspace.id',
  ])
  expect(
    each(found(/\bobjectOf\(\s*(?:this\.)?env,\s*(?:this\.#)?([^,]+),/g).map(({ text }) => text)),
  ).toEqual(['scope.workspace'])
  expect(found(/(\bidFromName|\bidFromString|\bnewUniqueId)\(/g)).toEqual([])
})

it('touches what is stored in one place, by names that begin with the workspace', () => {
  expect(each(found(/\b((?:REPORTS|bucket)\.\w+)\(/g).map(({ file, text }) => `${file}: ${text}`))).toEqual([
    // By `reportName`.
    'control-plane/routes/agents.ts: REPORTS.put',
    'control-plane/routes/report-stream.ts: bucket.delete',
    'control-plane/routes/report-stream.ts: bucket.get',
    'control-plane/routes/report-stream.ts: bucket.list',
  ])
  const prefixes = found(/\b(?:deleteReports|deleteStored)\(([^)]*)\)/g).map(({ text }) => text)
  for (const text of prefixes) expect(text).toMatch(/R2Bucket|scope\.workspace|\{workspace(\.id)?\}\//)
})
