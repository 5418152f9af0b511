/** Asks a person at a terminal; where there is none, nobody has agreed. */
import { createInterface } from 'node:readline/promises'
import { DrayError } from '../../shared/error.ts'
import type { Io } from './io.ts'

export const isAsked = (io: Io): boolean => io.stdin().isTTY === true && io.stderr.isTTY === true

/** False unless the answer is yes: Ctrl-C and Ctrl-D say no. */
export async function confirm(question: string, io: Io): Promise<boolean> {
  const asking = createInterface({ input: io.stdin(), output: io.stderr })
  try {
    const answer = await asking.question(`${question} [y/N] `, { signal: io.signal })
    return /^y(es)?$/i.test(answer.trim())
  } catch (cause) {
    if (io.signal.aborted) throw new DrayError('interrupted', 'ask', 'interrupted', { cause })
    if ((cause as Error).name !== 'AbortError') throw cause
    io.stderr.write('\n')
    return false
  } finally {
    asking.close()
  }
}
