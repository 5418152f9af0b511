/** Which control plane a command asks, as whom, and about which workspace. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DrayError } from '../../shared/error.ts'
import { openStateDir, readHolder } from '../embed/state-dir.ts'
import { readTokens } from '../embed/tokens.ts'
import { configDir } from './config-dir.ts'
import type { Io } from './io.ts'
import { readLogin } from './logins.ts'
import { type PlaneAddress, type PlaneClient, planeClient } from './plane-client.ts'
import { parseEndpoint } from './request.ts'
import { findToken, type TokenOptions } from './token.ts'

/** Of the command line (options.ts). */
export interface AskOptions extends TokenOptions {
  controlPlane?: string
  workspace?: string
  stateDir?: string
  json: boolean
}

/** The one workspace of an embedded control plane. */
export const localWorkspace = 'local'

/** The control plane that is named, else that of `dray login`; null where there is none, or this machine's is meant. */
export function namedPlane(options: AskOptions, io: Io): PlaneAddress | null {
  const address = options.controlPlane ?? io.env.DRAY_CONTROL_PLANE
  if (address === 'local') return null
  const meansState = options.stateDir !== undefined || io.env.DRAY_STATE_DIR !== undefined
  if (address === undefined && meansState) return null
  const option = options.controlPlane === undefined ? 'DRAY_CONTROL_PLANE' : '--control-plane'
  const url = address === undefined ? undefined : new URL(parseEndpoint(option, address))
  const login = readLogin(configDir(), url)
  if (!url && !login) return null
  const workspace = options.workspace ?? io.env.DRAY_WORKSPACE ?? login?.workspace ?? localWorkspace
  const environment = io.env.DRAY_TOKEN ?? io.env.DRAY_OPERATOR_TOKEN ?? login?.token
  return {
    url: url ?? new URL(login!.url),
    token: findToken('operator', options, environment, io.cwd),
    workspace,
  }
}

/**
 * The control plane that was named, else the one that runs on the state directory, else one of our own for the moment.
 * Null where there is no state at all: looking makes none.
 */
export async function withPlane<T>(
  options: AskOptions,
  io: Io,
  ask: (plane: PlaneClient) => Promise<T>,
): Promise<T | null> {
  const named = namedPlane(options, io)
  if (named) return ask(planeClient(named, io.signal))
  if (!existsSync(join(io.stateDir, 'control-plane'))) return null
  const running = runningPlane(io)
  if (running) {
    try {
      return await ask(running)
    } catch (error) {
      // Left behind by a kill -9, and the process of that number is another one: then the lock is free.
      if (!(error instanceof DrayError) || error.code !== 'unreachable') throw error
    }
  }

  io.signal.addEventListener('abort', () => io.exitBy(4_500), { once: true })
  const state = openStateDir(io.stateDir, 'migrations')
  try {
    const { startControlPlane } = await import('../embed/control-plane.ts')
    const plane = await startControlPlane({ stateDir: state.path, calls: true })
    try {
      return await ask(planeClient(plane, io.signal))
    } finally {
      await plane.stop()
    }
  } finally {
    state.release()
  }
}

/** The same, where there must be one. */
export async function withSomePlane<T>(
  options: AskOptions,
  io: Io,
  ask: (plane: PlaneClient) => Promise<T>,
): Promise<T> {
  let asked = false
  const answer = await withPlane(options, io, (plane) => {
    asked = true
    return ask(plane)
  })
  if (asked) return answer as T
  throw new DrayError('config', 'connect', 'there is no control plane to ask', {
    hint: 'Sign in to one with dray login URL, name it with --control-plane, or start one here with dray up.',
  })
}

/** One that runs already: the one that is named, else that of the state directory. For whoever asks it for as long as it works. */
export function standingPlane(options: AskOptions, io: Io): PlaneClient {
  const named = namedPlane(options, io)
  const plane = named ? planeClient(named, io.signal) : runningPlane(io)
  if (plane) return plane
  throw new DrayError('config', 'connect', 'there is no control plane to ask', {
    hint: 'Sign in to one with dray login URL, name it with --control-plane, or keep one running here with dray up.',
  })
}

/** Of the process that has the state directory now. */
function runningPlane(io: Io): PlaneClient | null {
  const holder = readHolder(io.stateDir)
  const tokens = readTokens(io.stateDir)
  if (!holder?.url || !tokens || !isRunning(holder.pid)) return null
  return planeClient({ url: new URL(holder.url), token: tokens.operator, workspace: 'local' }, io.signal)
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
