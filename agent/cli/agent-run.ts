/** `dray agent run`: an agent that has joined works for its control plane, for as long as it is let. */
import { DrayError } from '../../shared/error.ts'
import { startAgent } from '../agent.ts'
import { readAllowList } from '../allow/allow-file.ts'
import { openStateDir } from '../embed/state-dir.ts'
import { readIdentity } from '../identity/identity-file.ts'
import { complaint } from './complain.ts'
import { endingOf, lastWords } from './ending.ts'
import { exitCodes, type Io, logLine } from './io.ts'
import { reasonOf } from './plane-client.ts'

export interface RunOptions {
  concurrency: number
  memory: number
  threads: number
}

export async function runAgent(options: RunOptions, io: Io): Promise<number> {
  const state = openStateDir(io.stateDir, 'agent run')
  const joined = Promise.withResolvers<void>()
  try {
    const identity = readIdentity(state.path)
    if (!identity?.url) throw nobody(state.path)
    const allow = readAllowList(state.path)
    const url = new URL(identity.url)
    const words = lastWords((event) => {
      logLine(io, event)
      if (event.event === 'connected') joined.resolve()
      // Before the first connection this is a mistake of whoever typed it; after it, the agent waits for better times.
      if (event.event === 'unauthorised') joined.reject(unknown(url, identity.agent))
    })
    await answers(url, io.signal)
    const agent = startAgent({
      url,
      identity,
      allow,
      stateDir: state.path,
      version: io.version,
      env: io.env,
      concurrency: options.concurrency,
      memory: options.memory,
      threads: options.threads,
      log: words.log,
    })
    try {
      const ending = endingOf(agent, io, words.why).catch((error) => {
        if (!words.isSentAway()) throw error
        io.stderr.write(complaint(error, io.debug))
        return exitCodes.sentAway
      })
      // Where the first of the two fails, the other one has nobody left to tell.
      ending.catch(() => {})
      const early = await Promise.race([joined.promise, ending])
      if (early !== undefined) return early
      io.stdout.write(`The agent ${identity.agent} of site "${identity.site}" works for ${url.href}\n`)
      if (allow.entries.length === 0) {
        io.stderr.write(`It may touch nothing yet: add what it may to ${allow.file}, and start it again.\n`)
      }
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

const nobody = (stateDir: string) =>
  new DrayError('config', 'run the agent', `no agent has joined from the state directory ${stateDir}`, {
    hint: 'Let one join first: dray agent join URL --token TOKEN. Or give its directory with --state-dir.',
  })

const unknown = (url: URL, agent: string) =>
  new DrayError(
    'bad-credentials',
    'connect',
    `the control plane at ${url.href} does not know the agent ${agent}`,
    {
      hint: 'Was its workspace deleted, or is there a proxy in between that does not pass the Host header on? Else let it join anew, with another --state-dir.',
    },
  )

/** Says at once what a session would try again and again. */
export async function answers(url: URL, signal: AbortSignal): Promise<void> {
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
