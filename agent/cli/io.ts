/** What a command gets of the process that runs it; entry (main.ts) is the only one that touches the process itself. */
import { DrayError } from '../../shared/error.ts'
import { visible } from '../../shared/key.ts'

export interface Io {
  /** Opened when it is asked for. */
  stdin(): NodeJS.ReadStream
  /** Results. */
  readonly stdout: NodeJS.WriteStream
  /** Progress, warnings, errors. */
  readonly stderr: NodeJS.WriteStream
  readonly cwd: string
  readonly version: string
  /** Absolute. */
  readonly stateDir: string
  /** Aborts at the first Ctrl-C or SIGTERM; its reason is the signal's name. */
  readonly signal: AbortSignal
  /** Ends the process with 130 so many milliseconds from now, whatever hangs then. */
  exitBy(ms: number): void
  /** The environment; the demonstration puts its own credentials into it. */
  readonly env: NodeJS.ProcessEnv
  /** DRAY_DEBUG=1. */
  readonly debug: boolean
}

/** `sentAway`: an agent that may not, or need not, work any more; starting it again does not help. */
export const exitCodes = { equal: 0, incomplete: 1, refused: 2, sentAway: 3, interrupted: 130 } as const

export function throwIfInterrupted(signal: AbortSignal): void {
  if (signal.aborted) throw new DrayError('interrupted', 'run', 'interrupted')
}

/** What agents and control planes tell: shown while debugging, else warnings only where nothing else shows them. */
export function logLine(io: Io, event: { level: string; event: string; [name: string]: unknown }): void {
  const { level, event: name, ...rest } = event
  const fields = Object.entries(rest).map(
    ([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  io.stderr.write(visible(`${new Date().toISOString()} ${level} ${name}${fields.join('')}\n`))
}
