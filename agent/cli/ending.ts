import { DrayError } from '../../shared/error.ts'
import type { Agent, AgentOptions } from '../agent.ts'
import { exitCodes, type Io } from './io.ts'

const hints: Record<string, string> = {
  superseded:
    'Each agent has a state directory of its own: let another one join (dray agent join), and copy no state directory.',
  revoked: 'To let this machine work again, let it join anew: dray agent join, with another --state-dir.',
}

type Event = Parameters<AgentOptions['log']>[0]

/** Remembers what an agent last called an error, which is why it leaves when it leaves by itself. */
export function lastWords(log: (event: Event) => void): {
  log(event: Event): void
  why(): DrayError
  /** Superseded, or revoked. */
  isSentAway(): boolean
} {
  let last: Event | null = null
  return {
    log(event) {
      if (event.level === 'error') last = event
      log(event)
    },
    isSentAway: () => last !== null && last.event in hints,
    why() {
      const { event, message }: Event = last ?? { level: 'error', event: 'for no known reason' }
      return new DrayError(
        event === 'superseded' ? 'stale' : event === 'revoked' ? 'access-denied' : 'config',
        'run the agent',
        `the agent has left: ${typeof message === 'string' ? message : event}`,
        { hint: hints[event] ?? null },
      )
    },
  }
}

/**
 * Waits until the process is told to end; throws where the agent ends by itself before. SIGTERM is how service managers
 * end a program that did nothing wrong: 0.
 */
export async function endingOf(agent: Agent, io: Io, why: () => DrayError): Promise<number> {
  const told = new Promise<void>((resolve) => {
    if (io.signal.aborted) resolve()
    io.signal.addEventListener('abort', () => resolve(), { once: true })
  })
  const ended = await Promise.race([told, agent.closed])
  if (ended === 'drained') return exitCodes.equal
  if (!io.signal.aborted) throw why()
  return io.signal.reason === 'SIGTERM' ? exitCodes.equal : exitCodes.interrupted
}
