/**
 * A private control plane: the same Worker that is deployed, on the workerd that Miniflare starts, with what it stores
 * in the state directory. It listens on the loopback interface only, unless told otherwise, and contacts nobody.
 * Nothing that is stored is ever wiped here: what a killed process left is where the next one goes on.
 *
 * A workerd that dies is started again by Miniflare on the same address; agents connect again by themselves.
 */
import { existsSync, mkdirSync, rmSync, statfsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
// Not read for settings: Miniflare takes the path of workerd, and where to write for a moment, from nowhere else.
import { env } from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { DrayError, toDrayError } from '../../shared/error.ts'
import { applyMigrations } from './d1-migrations.ts'
import { packageRoot } from './package-root.ts'
import { ensureTokens } from './tokens.ts'
import { leashWorkerd } from './workerd-leash.ts'

/** Bytes: an empty control plane needs a little more. */
const leastFree = 256 * 1024

export interface ControlPlaneOptions {
  /** Its lock must be held (state-dir.ts). */
  stateDir: string
  /** 0, the default: any free one. */
  port?: number
  host?: string
  /** Whether it serves the console too. */
  console?: boolean
  /** What the Worker and workerd write. */
  log?(level: 'warn' | 'error', message: string): void
}

export interface ControlPlane {
  url: URL
  operatorToken: string
  agentToken: string
  stop(): Promise<void>
}

export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { stateDir, port = 0, host = '127.0.0.1' } = options
  const directory = join(stateDir, 'control-plane')
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  if (port !== 0) await refuseTakenPort(port, host)

  const root = packageRoot()
  const { operator, agent } = ensureTokens(stateDir)
  const [{ script, web }, leash] = await Promise.all([
    bundles(root, options.console ?? false),
    leashWorkerd(directory),
  ])
  if (leash) env.MINIFLARE_WORKERD_PATH = leash
  env.CLOUDFLARE_CF_FETCH_ENABLED = 'false'
  // Else workerd keeps some 20 KB of garbage a request, up to about 450 MB: measured with an empty Worker. It costs a quarter of the leases/s.
  env.MINIFLARE_WORKERD_V8_FLAGS ??= '--gc-global'

  const migrations = join(root, 'control-plane', 'migrations')
  // Miniflare starts a workerd that died again, but not one that died before it had started.
  const { plane, url } = await patiently(2, async () => {
    const plane = await createPlane(options, { directory, script, web, operator, agent })
    try {
      const url = await plane.ready
      await patiently(5, async () => applyMigrations(await plane.getD1Database('DB'), migrations))
      return { plane, url }
    } catch (error) {
      await plane.dispose().catch(() => {})
      throw full(directory) ?? error
    }
  })
  return { url, operatorToken: operator, agentToken: agent, stop: () => plane.dispose() }
}

/** workerd only says that its databases fail; where there is no room for them, that is why. */
function full(directory: string): DrayError | null {
  const { bavail, bsize } = statfsSync(directory)
  if (bavail * bsize > leastFree) return null
  return new DrayError('no-space', 'start', `the disk that Dray keeps its state on is full at ${directory}`, {
    hint: 'Free some space, or give another directory with --state-dir. The same command goes on.',
  })
}

function createPlane(
  { port = 0, host = '127.0.0.1', log }: ControlPlaneOptions,
  at: { directory: string; script: string; web: string | null; operator: string; agent: string },
) {
  // Its six megabytes of CommonJS are loaded a quarter of a second sooner by require than by import.
  const miniflare = createRequire(import.meta.url)('miniflare') as typeof import('miniflare')
  const { Miniflare, Log, LogLevel, convertV4MiniflareOptions } = miniflare
  class Quiet extends Log {
    override log(message: string) {
      log?.('warn', message)
    }
  }
  const restore = [listenersBefore(), temporaryFilesIn(join(at.directory, 'tmp'))]
  const plane = new Miniflare(
    convertV4MiniflareOptions({
      name: 'dray',
      host,
      port,
      cf: false,
      log: new Quiet(LogLevel.WARN),
      handleStructuredLogs: ({ level, message }) => {
        if (level === 'error' || level === 'warn') log?.(level, message)
      },
      modules: true,
      // Modules are named from here; a name that climbs out of the current directory is one that workerd refuses.
      modulesRoot: dirname(at.script),
      scriptPath: at.script,
      compatibilityDate: '2026-10-20',
      compatibilityFlags: ['nodejs_compat'],
      bindings: { DRAY_OPERATOR_TOKEN: at.operator, DRAY_AGENT_TOKEN: at.agent },
      durableObjects: {
        MIGRATION: { className: 'Migration', useSQLite: true },
        FLEET: { className: 'Fleet', useSQLite: true },
      },
      d1Databases: { DB: 'dray' },
      r2Buckets: { REPORTS: 'dray-reports' },
      cacheAPI: false,
      ...(at.web === null ? {} : { assets: assets(at.web) }),
      resourcePersistencePath: at.directory,
    }),
  )
  for (const undo of restore) undo()
  return plane
}

/** Whatever workerd was asked in its first moments can be asked again. */
async function patiently<T>(attempts: number, ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask()
    } catch (error) {
      if (error instanceof DrayError || attempt === attempts)
        throw toDrayError(error, 'start the control plane')
      await sleep(attempt * 200)
    }
  }
}

interface Build {
  buildWorker(): Promise<string>
  buildWeb(): Promise<string>
}

/** A release brings both bundled; a checkout builds them when a source is newer. */
async function bundles(root: string, console: boolean): Promise<{ script: string; web: string | null }> {
  const sources = join(root, 'scripts', 'build.ts')
  if (existsSync(sources)) {
    const build = (await import(pathToFileURL(sources).href)) as Build
    const [script, web] = await Promise.all([build.buildWorker(), console ? build.buildWeb() : null])
    return { script, web }
  }
  const script = join(root, 'dist', 'worker', 'worker.js')
  const web = join(root, 'dist', 'web')
  if (existsSync(script)) return { script, web: console && existsSync(web) ? web : null }
  throw new DrayError('config', 'start', `${script} is missing`, {
    hint: 'This installation of Dray is not whole: install it again.',
  })
}

const assets = (directory: string) => ({
  directory,
  binding: 'ASSETS',
  routerConfig: { has_user_worker: true, static_routing: { user_worker: ['/api/*', '/agent/*'] } },
  assetConfig: { not_found_handling: 'single-page-application' as const },
})

/**
 * Miniflare answers SIGINT, SIGTERM and SIGHUP by ending the process at once, before an agent could give back what it
 * holds. Our entry files listen to signals; its listeners are taken off again (the one on `exit` stays: it kills workerd).
 */
function listenersBefore(): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  const before = signals.map((signal) => process.listeners(signal))
  return () => {
    for (const [i, signal] of signals.entries()) {
      for (const listener of process.listeners(signal)) {
        if (!before[i]?.includes(listener)) process.off(signal, listener)
      }
    }
  }
}

/** Miniflare's scratch directory would stay behind after a kill -9; so it is made where the next start empties it. */
function temporaryFilesIn(directory: string): () => void {
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory)
  const before = env.TMPDIR
  env.TMPDIR = directory
  return () => {
    if (before === undefined) delete env.TMPDIR
    else env.TMPDIR = before
  }
}

/** Miniflare would say it in its own words, after half a second, with a stack. */
function refuseTakenPort(port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (cause: NodeJS.ErrnoException) => {
      const [why, hint] =
        cause.code === 'EADDRINUSE'
          ? ['something else listens there', 'Give another --port, or 0 for any free one.']
          : cause.code === 'EACCES'
            ? ['permission denied', 'Ports below 1024 need special rights: give another --port.']
            : [cause.message, 'Give an address of this machine with --host.']
      reject(new DrayError('config', 'listen', `cannot listen on ${host}:${port}: ${why}`, { hint, cause }))
    })
    probe.listen(port, host, () => probe.close(() => resolve()))
  })
}
