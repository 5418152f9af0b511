/**
 * The program: the only place that reads the arguments and the environment, listens to signals and ends the process.
 * Everything else is given what it needs.
 */
import { readFileSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { isAbsolute, join, resolve } from 'node:path'
import envPaths from 'env-paths'

// Files are read and written on libuv's pool, whose four threads are too few. It is made at its first use, so this
// comes before anything that could use it; hence the imports below are late ones.
process.env.UV_THREADPOOL_SIZE ??= '16'

// node:sqlite only holds a lock here; that it may still change is nothing to tell a user.
const emitWarning = process.emitWarning
process.emitWarning = ((warning: string | Error, ...rest: unknown[]) => {
  if (!/SQLite is an experimental feature/.test(String(warning))) {
    Reflect.apply(emitWarning, process, [warning, ...rest])
  }
}) as typeof process.emitWarning

// What is imported below is compiled, and stripped of its types, once: half of a start's time. Where the user has no such directory, each time.
enableCompileCache(process.env.NODE_COMPILE_CACHE ?? join(envPaths('dray', { suffix: '' }).cache, 'compiled'))

const debug = process.env.DRAY_DEBUG === '1'

const { complaint } = await import('./cli/complain.ts')
const { exitCodes } = await import('./cli/io.ts')
const { runProgram } = await import('./cli/program.ts')
const { defaultStateDir } = await import('./embed/state-dir.ts')
const { packageRoot } = await import('./embed/package-root.ts')

/** The first signal asks for an orderly end, a later one ends. Wrappers such as npm send the terminal's signal once more. */
const echoMs = 400
const interruption = new AbortController()
let interruptedAt = 0
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (!interruption.signal.aborted) {
      interruptedAt = performance.now()
      interruption.abort(signal)
    } else if (performance.now() - interruptedAt > echoMs) process.exit(exitCodes.interrupted)
  })
}

// Whoever reads our output may stop reading (`dray … | head`).
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    interruption.abort('EPIPE')
  })
}

for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => {
    process.stderr.write(complaint(error, debug))
    process.exit(exitCodes.incomplete)
  })
}

/** `npm start` or `npm run dray`, and not a program of its own below another script of ours, such as the tests. */
const { npm_package_json: ofPackage, npm_lifecycle_event: script = '' } = process.env
const calledByNpm = ofPackage === join(packageRoot(), 'package.json') && ['start', 'dray'].includes(script)

// Whoever kills npm means us; npm hands on what it can, but not a kill -9.
if (calledByNpm) {
  const npm = process.ppid
  setInterval(() => {
    if (process.ppid !== npm) interruption.abort('SIGHUP')
  }, 250).unref()
}

/** npm runs our scripts in the package's directory; relative paths are meant from where npm was called. */
const currentDirectory = (): string => (calledByNpm && process.env.INIT_CWD) || process.cwd()

function stateDirFor(option: string | undefined): string {
  const given = option ?? process.env.DRAY_STATE_DIR
  if (!given) return defaultStateDir()
  return isAbsolute(given) ? given : resolve(currentDirectory(), given)
}

async function main(): Promise<number> {
  try {
    return await runProgram(process.argv.slice(2), {
      stdin: () => process.stdin,
      stdout: process.stdout,
      stderr: process.stderr,
      cwd: currentDirectory(),
      version: JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')).version,
      signal: interruption.signal,
      exitBy: (ms) => void setTimeout(() => process.exit(exitCodes.interrupted), ms).unref(),
      env: process.env,
      debug,
      stateDirFor,
    })
  } catch (error) {
    if (interruption.signal.aborted) {
      process.stderr.write('dray: interrupted. Nothing is lost: the same command goes on from here.\n')
      return exitCodes.interrupted
    }
    process.stderr.write(complaint(error, debug))
    return exitCodes.refused
  }
}

/** A pipe takes what is written a bufferful at a time: whoever leaves before all is taken cuts it off. */
const taken = (stream: NodeJS.WriteStream): Promise<void> =>
  new Promise((resolve) => void stream.write('', () => resolve()))

const status = await main()
if (!interruption.signal.aborted) await Promise.all([taken(process.stdout), taken(process.stderr)])
process.exit(status)
