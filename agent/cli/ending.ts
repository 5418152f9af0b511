import type { startAgent } from '../agent.ts'
import { exitCodes, type Io } from './io.ts'

/**
 * Waits until the process is told to end, or the agent cannot go on (then it throws). SIGTERM is how service managers
 * end a program that did nothing wrong: 0.
 */
export async function endingOf(agent: ReturnType<typeof startAgent>, io: Io): Promise<number> {
  const told = new Promise<void>((resolve) => {
    if (io.signal.aborted) resolve()
    io.signal.addEventListener('abort', () => resolve(), { once: true })
  })
  await Promise.race([told, agent.closed])
  return io.signal.reason === 'SIGTERM' || !io.signal.aborted ? exitCodes.equal : exitCodes.interrupted
}
