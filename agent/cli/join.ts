/** `dray agent`: an agent against a given control plane, for as long as it is let. */
import { DrayError } from '../../shared/error.ts'
import { startAgent } from '../agent.ts'
import { agentIdentity, openStateDir } from '../embed/state-dir.ts'
import { endingOf } from './ending.ts'
import { type Io, logLine } from './io.ts'
import { parseEndpoint } from './request.ts'
import { findToken, type TokenOptions } from './token.ts'

export interface JoinOptions extends TokenOptions {
  controlPlane: string
  site: string
  concurrency: number
}

export async function runAgent(options: JoinOptions, io: Io): Promise<number> {
  const url = new URL(parseEndpoint('--control-plane', options.controlPlane))
  const token = findToken('agent', options, io.env.DRAY_AGENT_TOKEN, io.cwd)
  const state = openStateDir(io.stateDir, 'agent')
  try {
    await answers(url, io.signal)
    const agent = startAgent({
      url,
      token,
      id: agentIdentity(state.path),
      site: options.site,
      stateDir: state.path,
      version: io.version,
      concurrency: options.concurrency,
      log: (event) => logLine(io, event),
    })
    io.stdout.write(`The agent of site "${options.site}" works for ${url.href}\n`)
    try {
      const code = await endingOf(agent, io)
      // SIGTERM: finish what is held, take no more. A second signal ends it at once.
      if (io.signal.reason === 'SIGTERM') await agent.drain()
      return code
    } finally {
      if (io.signal.reason !== 'SIGTERM') io.exitBy(4_500)
      await agent.stop()
    }
  } finally {
    state.release()
  }
}

/** Says at once what a session would try again and again. */
async function answers(url: URL, signal: AbortSignal): Promise<void> {
  const hint = 'Check the address, and that the control plane is up.'
  let response: Response
  try {
    response = await fetch(new URL('/api/health', url), {
      signal: AbortSignal.any([signal, AbortSignal.timeout(15_000)]),
    })
  } catch (cause) {
    if (signal.aborted) throw new DrayError('interrupted', 'connect', 'interrupted')
    const why = (cause as { cause?: { code?: string } }).cause?.code ?? (cause as Error).message
    throw new DrayError('unreachable', 'connect', `no control plane answers at ${url.href} (${why})`, {
      hint,
      cause,
    })
  }
  await response.body?.cancel()
  if (response.ok) return
  throw new DrayError(
    'config',
    'connect',
    `what answers at ${url.href} is no control plane (${response.status})`,
    { hint },
  )
}
