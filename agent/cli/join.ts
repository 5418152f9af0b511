/** `dray agent`: an agent against a given control plane, for as long as it is let. */
import { DrayError } from '../../shared/error.ts'
import { startAgent } from '../agent.ts'
import { agentIdentity, openStateDir } from '../embed/state-dir.ts'
import { endingOf, lastWords } from './ending.ts'
import { type Io, logLine } from './io.ts'
import { reasonOf } from './plane-client.ts'
import { parseEndpoint } from './request.ts'
import { findToken, type TokenOptions } from './token.ts'

export interface JoinOptions extends TokenOptions {
  controlPlane: string
  site: string
  concurrency: number
  memory: number
  threads: number
}

export async function runAgent(options: JoinOptions, io: Io): Promise<number> {
  const url = new URL(parseEndpoint('--control-plane', options.controlPlane))
  const token = findToken('agent', options, io.env.DRAY_AGENT_TOKEN, io.cwd)
  const state = openStateDir(io.stateDir, 'agent')
  const joined = Promise.withResolvers<void>()
  const words = lastWords((event) => {
    logLine(io, event)
    if (event.event === 'connected') joined.resolve()
    // Before the first connection this is a mistake of whoever typed it; after it, the agent waits for better times.
    if (event.event === 'unauthorised') joined.reject(wrongToken(url))
  })
  try {
    await answers(url, io.signal)
    const agent = startAgent({
      url,
      token,
      id: agentIdentity(state.path),
      site: options.site,
      stateDir: state.path,
      version: io.version,
      env: io.env,
      concurrency: options.concurrency,
      memory: options.memory,
      threads: options.threads,
      log: words.log,
    })
    try {
      const ending = endingOf(agent, io, words.why)
      // Where the first of the two fails, the other one has nobody left to tell.
      ending.catch(() => {})
      await Promise.race([joined.promise, ending])
      io.stdout.write(`The agent of site "${options.site}" works for ${url.href}\n`)
      const code = await ending
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

const wrongToken = (url: URL) =>
  new DrayError(
    'bad-credentials',
    'connect',
    `the control plane at ${url.href} does not know this agent token`,
    {
      hint: 'Give its agent token, which is not its operator token, with --token-file or DRAY_AGENT_TOKEN.',
    },
  )

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
    const why = reasonOf(cause)
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
