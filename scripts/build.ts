/**
 * Builds what is not run as it is: the Worker, bundled for workerd. As a script, builds everything.
 */
import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

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
    if (!entry.isDirectory() && !/\.(ts|json)$/.test(entry.name)) continue
    const { mtimeMs } = await stat(join(entry.parentPath, entry.name)).catch(() => ({ mtimeMs: 0 }))
    newest = Math.max(newest, mtimeMs)
  }
  return newest
}

/**
 * The path of `dist/worker/worker.js`, built again where a source is newer. Safe to call from several processes at once.
 * A released package has no sources: there the file is taken as it is.
 */
export async function buildWorker(): Promise<string> {
  const root = packageRoot()
  const outfile = join(root, 'dist', 'worker', 'worker.js')
  const entry = join(root, 'control-plane', 'worker.ts')
  if (!existsSync(entry)) return outfile

  const began = new Date()
  const sources = [join(root, 'control-plane'), join(root, 'shared')]
  const newest = Math.max(...(await Promise.all(sources.map(lastChange))))
  const built = await stat(outfile).catch(() => null)
  if (built && built.mtimeMs > newest) return outfile

  const { build } = await import('esbuild')
  const temporary = `${outfile}.${process.pid}.${Math.random().toString(36).slice(2)}`
  await mkdir(dirname(outfile), { recursive: true })
  try {
    await build({
      entryPoints: [entry],
      outfile: temporary,
      bundle: true,
      format: 'esm',
      target: 'es2024',
      conditions: ['workerd', 'worker', 'browser'],
      external: ['cloudflare:*', 'node:*'],
      logLevel: 'silent',
    })
    // The time at which the sources were read: what changes during the build is newer than it.
    await utimes(temporary, began, began)
    await rename(temporary, outfile)
  } finally {
    await rm(temporary, { force: true })
  }
  return outfile
}

if (import.meta.main) {
  // The deployed Worker's static files; `wrangler deploy` wants the directory even while there is no console.
  await mkdir(join(packageRoot(), 'dist', 'web'), { recursive: true })
  process.stdout.write(`${await buildWorker()}\n`)
}
