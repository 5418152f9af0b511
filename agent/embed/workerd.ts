/**
 * workerd as a child of ours: started, listened to, started again on the same addresses when it dies, ended with us however we end. Nothing that it
 * acknowledged is lost when it is killed.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { DrayError } from '../../shared/error.ts'
import { leashed } from './workerd-leash.ts'

export interface WorkerdOptions {
  readonly program: string
  /** Path of its configuration, which has a constant `config`. */
  readonly config: string
  /** By the name in the configuration: `host:port`, with port 0 for any free one. */
  readonly sockets: Readonly<Record<string, string>>
  readonly env: Readonly<Record<string, string>>
  log?(level: 'warn' | 'error', message: string): void
}

export interface Workerd {
  /** Where each socket listens, however often workerd is started again. */
  readonly ports: Readonly<Record<string, number>>
  /** Of the process that runs now. */
  readonly pid: number | undefined
  stop(): Promise<void>
}

/** Milliseconds before it is started again, after so many starts in a row that came to nothing. */
const pauseBefore = (failures: number) => Math.min(100 * 2 ** failures, 5_000)

/** Throws where it ends before it listens. */
export async function startWorkerd(options: WorkerdOptions): Promise<Workerd> {
  let child = launch(options, options.sockets)
  let stopping = false
  let again: NodeJS.Timeout | undefined
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)

  const ports = await listening(child, Object.keys(options.sockets)).catch((error) => {
    process.off('exit', kill)
    kill()
    throw error
  })
  const same = Object.fromEntries(
    Object.entries(options.sockets).map(([name, address]) => [
      name,
      address.replace(/:\d+$/, `:${ports[name]}`),
    ]),
  )

  let failures = 0
  function watch(): void {
    child.once('exit', (status, signal) => {
      if (stopping) return
      options.log?.('warn', `workerd ended (${signal ?? status}) and is started again`)
      again = setTimeout(() => {
        failures++
        child = launch(options, same)
        listening(child, Object.keys(same)).then(
          () => (failures = 0),
          () => {},
        )
        watch()
      }, pauseBefore(failures))
    })
  }
  watch()

  return {
    ports,
    get pid() {
      return child.pid
    },
    async stop() {
      stopping = true
      clearTimeout(again)
      process.off('exit', kill)
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      kill()
      await ended
    },
  }
}

function launch(
  { program, config, env, log }: WorkerdOptions,
  sockets: WorkerdOptions['sockets'],
): ChildProcess {
  const addresses = Object.entries(sockets).map(([name, address]) => `--socket-addr=${name}=${address}`)
  // Absolute paths in a configuration are looked up below its import paths.
  const command = [
    program,
    'serve',
    '--experimental',
    '--control-fd=3',
    '-I/',
    ...addresses,
    config,
    'config',
  ]
  const [file, args] = leashed(command)
  const child = spawn(file, args, {
    // Nothing of ours: who reads another's environment finds only what is its own. The shell has a path by itself.
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  for (const stream of [child.stdout!, child.stderr!]) onLines(stream, (line) => tell(line, log))
  return child
}

/** The port of each socket, once all of them are served. */
function listening(child: ChildProcess, names: string[]): Promise<Record<string, number>> {
  const ports: Record<string, number> = {}
  return new Promise((resolve, reject) => {
    let last = ''
    onLines(child.stderr!, (line) => {
      last = line
    })
    onLines(child.stdio[3] as Readable, (line) => {
      const said = JSON.parse(line) as { event?: string; socket?: string; port?: number }
      if (said.event === 'listen' && said.socket !== undefined) ports[said.socket] = said.port!
      if (names.every((name) => ports[name] !== undefined)) resolve(ports)
    })
    const failed = (why: string, cause?: unknown) =>
      reject(
        new DrayError('config', 'start the control plane', `workerd ended: ${why}`, {
          hint: 'Is this installation of Dray whole? Install it again, or try with DRAY_DEBUG=1.',
          cause,
        }),
      )
    child.once('error', (error) => failed(error.message, error))
    child.once('close', (status, signal) => failed(last || String(signal ?? status)))
  })
}

/** What it logs comes as JSON; what it says in distress does not. */
function tell(line: string, log: WorkerdOptions['log']): void {
  let level = 'warn'
  let message = line
  try {
    const said = JSON.parse(line) as { level?: unknown; message?: unknown }
    level = String(said.level)
    message = String(said.message)
  } catch {
    // As it is.
  }
  if (level === 'warn' || level === 'error') log?.(level, message)
}

function onLines(stream: Readable, each: (line: string) => void): void {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop()!
    for (const line of lines) if (line.trim() !== '') each(line)
  })
}
