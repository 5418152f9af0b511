/**
 * Runs what a person wrote under a limit of time: a regular expression may backtrack for years, and nothing in JavaScript stops it
 * but the engine itself, which does so for `vm` scripts. Costs 0.1 ms a call, so it is called for many keys at once.
 */
import { createContext, Script } from 'node:vm'

const context = createContext({ act: null as (() => void) | null })
const script = new Script('act()')

/** Of as many items as were begun together; a machine that is busy may stop us for a moment, hence the second chance. */
const firstMs = 250
/** Of one item alone. The agent does nothing else meanwhile, so it is well below what a lease lasts. */
const aloneMs = 1_000

/** Calls `act` with 0, 1, … `count - 1`. Returns null, or the index of the one that takes longer than a second; later ones are not begun. */
export function eachInTime(count: number, act: (index: number) => void): number | null {
  for (let next = 0; next < count; next++) {
    const ended = inTime(firstMs, () => {
      for (; next < count; next++) act(next)
    })
    if (ended) return null
    if (!inTime(aloneMs, () => act(next))) return next
  }
  return null
}

function inTime(timeout: number, act: () => void): boolean {
  context.act = act
  try {
    script.runInContext(context, { timeout })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return false
    throw error
  } finally {
    context.act = null
  }
}
