/**
 * Builds what is not run as it is: the Worker, bundled for workerd, the console, and for releases the command line. As a
 * script, builds all.
 */
import { existsSync } from 'node:fs'
import { copyFile, mkdir, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BuildOptions, Plugin } from 'esbuild'
import { pageHeaders } from '../shared/page-headers.ts'

/** The nearest directory upwards with a package.json: the same from the sources and from a released bundle. */
function packageRoot(): string {
  let dir = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(dir, 'package.json')) && dirname(dir) !== dir) dir = dirname(dir)
  return dir
}

/** When something in `dir` last changed (ms). A directory counts too: its time tells of a file that was removed. */
async function lastChange(dir: string): Promise<number> {
  let newest = 0
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isDirectory() && !/\.(tsx?|json|css|html)$/.test(entry.name)) continue
    const { mtimeMs } = await stat(join(entry.parentPath, entry.name)).catch(() => ({ mtimeMs: 0 }))
    newest = Math.max(newest, mtimeMs)
  }
  return newest
}

/** Whether no source has changed since `path` was made of them. */
async function isFresh(path: string, sources: readonly Source[], root: string): Promise<boolean> {
  const newest = Math.max(...(await Promise.all(sources.map((name) => lastChange(join(root, name))))))
  const built = await stat(path).catch(() => null)
  return built !== null && built.mtimeMs > newest
}

type Source = 'agent' | 'control-plane' | 'web' | 'shared'

/**
 * The path of `dist/<outfile>`, bundled again from `entry` where one of `sources` is newer. Safe to call from several processes
 * at once. A released package has no sources: there the file is taken as it is.
 */
async function bundle(
  outfile: string,
  entry: string,
  sources: Source[],
  options: BuildOptions,
  root: string,
): Promise<string> {
  const path = join(root, 'dist', outfile)
  if (!existsSync(join(root, entry))) return path

  if (await isFresh(path, sources, root)) return path
  const began = new Date()
  const { build } = await import('esbuild')
  const temporary = temporaryBeside(path)
  await mkdir(dirname(path), { recursive: true })
  try {
    await build({
      entryPoints: [join(root, entry)],
      outfile: temporary,
      bundle: true,
      format: 'esm',
      target: 'es2024',
      logLevel: 'silent',
      ...options,
    })
    // The time at which the sources were read: what changes during the build is newer than it.
    await utimes(temporary, began, began)
    await rename(temporary, path)
  } finally {
    await rm(temporary, { force: true })
  }
  return path
}

/** What is imported only when it is needed stays a file of its own: not even parsed before. */
const apart = (from: RegExp, path: string): Plugin => ({
  name: 'apart',
  setup(build) {
    build.onResolve({ filter: from }, ({ kind }) =>
      kind === 'dynamic-import' ? { path, external: true } : undefined,
    )
  },
})
/** better-auth is ten times what everything else is (docs/decisions/0020). */
const auth = apart(/\/auth\.ts$/, './auth.mjs')

const jsonSchemaNames = [
  'allProcessors',
  'createStandardJSONSchemaMethod',
  'createToJSONSchemaMethod',
  'extractDefs',
  'finalize',
  'initializeContext',
  'process',
  'processSchema',
  'toJSONSchema',
]
/** The pages check what they are sent, and write no schema down: a fifth of zod is for that. */
const withoutJsonSchema = {
  name: 'without-json-schema',
  load: (id: string) =>
    /zod\/v4\/core\/(to-json-schema|json-schema-processors)\.js$/.test(id)
      ? `const none = () => undefined\nexport { ${jsonSchemaNames.map((name) => `none as ${name}`)} }`
      : null,
}

/** What every page needs is one file: it compresses better, and stays the same from one version of Dray to the next. */
const libraries =
  /node_modules\/(react|react-dom|scheduler|use-sync-external-store|zod|@tanstack\/(?!react-virtual|virtual))/

/** The path of `worker.js`; `auth.mjs`, which it imports, is beside it. */
export async function buildWorker(root = packageRoot()): Promise<string> {
  const options = { conditions: ['workerd', 'worker', 'browser'], external: ['cloudflare:*', 'node:*'] }
  const sources: Source[] = ['control-plane', 'shared']
  const [script] = await Promise.all([
    // Names stay, for what the log says.
    bundle(
      'worker/worker.js',
      'control-plane/worker.ts',
      sources,
      { ...options, minifySyntax: true, minifyWhitespace: true, plugins: [auth] },
      root,
    ),
    bundle('worker/auth.mjs', 'control-plane/access/auth.ts', sources, { ...options, minify: true }, root),
  ])
  return script
}

/** The console's files, as a directory: `dist/web`. */
export async function buildWeb(): Promise<string> {
  const root = packageRoot()
  const directory = join(root, 'dist', 'web')
  const sources: Source[] = ['web', 'shared']
  await split(directory, 'main.js', join('web', 'console', 'main.tsx'), sources, root)
  await bundle('web/seal.js', 'web/seal-page.ts', sources, { minify: true }, root)
  await bundle('web/entry.js', 'web/entry/main.ts', sources, { minify: true }, root)
  for (const name of ['console', 'migration', 'wizard', 'entry', 'seal']) {
    await bundle(`web/${name}.css`, `web/styles/${name}.css`, sources, { minify: true }, root)
  }
  if (!existsSync(join(root, 'web', 'index.html'))) return directory
  for (const name of ['index.html', 'seal.html']) {
    await copyFile(join(root, 'web', name), join(directory, name))
  }
  await copyFile(join(root, 'node_modules', 'uplot', 'dist', 'uPlot.min.css'), join(directory, 'chart.css'))
  // One page under the names of its paths.
  for (const name of ['sign-in', 'setup', 'invitation', 'device']) {
    await copyFile(join(root, 'web', 'entry.html'), join(directory, `${name}.html`))
  }
  const lines = Object.entries(pageHeaders).map(([name, value]) => `  ${name}: ${value}\n`)
  await writeFile(join(directory, '_headers'), `/*\n${lines.join('')}`)
  return directory
}

/** Milliseconds for which a part of an earlier build stays: a page that was opened before may still ask for it. */
const partsStay = 24 * 60 * 60 * 1000

/**
 * Like `bundle`, in parts: what pages import only when they are opened are files of their own, named by their contents. The parts are
 * there before the file that names them.
 */
async function split(
  directory: string,
  name: string,
  entry: string,
  sources: Source[],
  root: string,
): Promise<void> {
  const path = join(directory, name)
  if (!existsSync(join(root, entry)) || (await isFresh(path, sources, root))) return
  const began = new Date()
  const { rolldown } = await import('rolldown')
  const bundled = await rolldown({
    input: { main: join(root, entry) },
    platform: 'browser',
    logLevel: 'silent',
    transform: {
      target: 'es2024',
      jsx: { runtime: 'automatic', development: false },
      define: { 'process.env.NODE_ENV': '"production"' },
    },
    plugins: [withoutJsonSchema],
  })
  const { output } = await bundled
    .generate({
      format: 'esm',
      minify: true,
      entryFileNames: name,
      chunkFileNames: 'part-[hash].js',
      codeSplitting: { groups: [{ name: 'libraries', test: libraries }] },
    })
    .finally(() => bundled.close())
  await mkdir(directory, { recursive: true })
  const files = output.flatMap((file) => (file.type === 'chunk' ? [file] : []))
  const parts = files.filter(({ fileName }) => fileName !== name)
  for (const { fileName, code } of parts) await replace(join(directory, fileName), code, began)
  const made = new Set(parts.map(({ fileName }) => fileName))
  for (const old of await readdir(directory)) {
    if (!old.startsWith('part-') || made.has(old)) continue
    const { mtimeMs } = await stat(join(directory, old)).catch(() => ({ mtimeMs: Date.now() }))
    if (mtimeMs < Date.now() - partsStay) await rm(join(directory, old), { force: true })
  }
  await replace(path, files.find(({ fileName }) => fileName === name)!.code, began)
}

/** Whole or not at all. */
async function replace(path: string, contents: string, time: Date): Promise<void> {
  const temporary = temporaryBeside(path)
  await writeFile(temporary, contents)
  await utimes(temporary, time, time)
  await rename(temporary, path)
}

const temporaryBeside = (path: string) => `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`

/** The command line, for releases: what `bin/dray` runs where there are no sources, and its worker threads. Dependencies stay in node_modules. */
export async function buildAgent(root = packageRoot()): Promise<string> {
  const options = { platform: 'node', packages: 'external' } as const
  await bundle('agent/thread.js', 'agent/runner/thread.ts', ['agent', 'shared'], options, root)
  return bundle('agent/main.js', 'agent/main.ts', ['agent', 'shared'], options, root)
}

if (import.meta.main) {
  process.stdout.write(`${await buildWorker()}\n${await buildWeb()}\n${await buildAgent()}\n`)
}
