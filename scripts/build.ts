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

  const began = new Date()
  const newest = Math.max(...(await Promise.all(sources.map((name) => lastChange(join(root, name))))))
  const built = await stat(path).catch(() => null)
  if (built && built.mtimeMs > newest) return path

  const { build } = await import('esbuild')
  const temporary = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`
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
const chart = apart(/\/chart\.ts$/, './chart.js')

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
  const options = {
    minify: true,
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"' },
  } as const
  const script = await bundle(
    'web/main.js',
    'web/console/main.tsx',
    ['web', 'shared'],
    { ...options, plugins: [chart] },
    root,
  )
  await bundle('web/chart.js', 'web/console/chart.ts', ['web', 'shared'], { minify: true }, root)
  await bundle('web/seal.js', 'web/seal-page.ts', ['web', 'shared'], { minify: true }, root)
  await bundle('web/entry.js', 'web/entry/main.ts', ['web', 'shared'], { minify: true }, root)
  const directory = dirname(script)
  for (const name of ['index.html', 'seal.html', 'main.css', 'console.css', 'entry.css']) {
    if (existsSync(join(root, 'web', name))) await copyFile(join(root, 'web', name), join(directory, name))
  }
  const chartStyle = join(root, 'node_modules', 'uplot', 'dist', 'uPlot.min.css')
  if (existsSync(join(root, 'web', 'index.html'))) await copyFile(chartStyle, join(directory, 'chart.css'))
  // One page under the names of its paths.
  for (const name of existsSync(join(root, 'web', 'entry.html'))
    ? ['sign-in', 'setup', 'invitation', 'device']
    : []) {
    await copyFile(join(root, 'web', 'entry.html'), join(directory, `${name}.html`))
  }
  const lines = Object.entries(pageHeaders).map(([name, value]) => `  ${name}: ${value}\n`)
  await writeFile(join(directory, '_headers'), `/*\n${lines.join('')}`)
  return directory
}

/** The command line, for releases: what `bin/dray` runs where there are no sources, and its worker threads. Dependencies stay in node_modules. */
export async function buildAgent(root = packageRoot()): Promise<string> {
  const options = { platform: 'node', packages: 'external' } as const
  await bundle('agent/thread.js', 'agent/runner/thread.ts', ['agent', 'shared'], options, root)
  return bundle('agent/main.js', 'agent/main.ts', ['agent', 'shared'], options, root)
}

if (import.meta.main) {
  process.stdout.write(`${await buildWorker()}\n${await buildWeb()}\n${await buildAgent()}\n`)
}
