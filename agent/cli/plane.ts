/** Which control plane a command asks, as whom, and about which workspace. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DrayError } from '../../shared/error.ts'
import { openStateDir, readHolder } from '../embed/state-dir.ts'
import { readTokens } from '../embed/tokens.ts'
import type { Io } from './io.ts'
import { type PlaneAddress, type PlaneClient, planeClient } from './plane-client.ts'
import { parseEndpoint } from './request.ts'
import { findToken, type TokenOptions } from './token.ts'

/** Of the command line (options.ts). */
export interface AskOptions extends TokenOptions {
  controlPlane?: string
  workspace?: string
  json: boolean
}

/** The one workspace of an embedded control plane. */
export const localWorkspace = 'local'

/** The control plane that is named; null where none is. */
export function namedPlane(options: AskOptions, io: Io): PlaneAddress | null {
  const address = options.controlPlane ?? io.env.DRAY_CONTROL_PLANE
  if (address === undefined) return null
  return {
    url: new URL(
      parseEndpoint(options.controlPlane === undefined ? 'DRAY_CONTROL_PLANE' : '--control-plane', address),
    ),
    token: findToken('operator', options, io.env.DRAY_TOKEN ?? io.env.DRAY_OPERATOR_TOKEN, io.cwd),
    workspace: options.workspace ?? io.env.DRAY_WORKSPACE ?? localWorkspace,
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
    const plane = await startControlPlane({ stateDir: state.path })
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
