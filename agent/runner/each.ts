/** Works on many objects at once, each in a slot of the agent's. */
import { setMaxListeners } from 'node:events'
import type { Slots } from './slots.ts'

/**
 * Ends when all are done. The first error aborts the signal that the others were given, and is thrown when they have
 * ended. Items are begun in their order; `bytes` is what one has in memory at most.
 */
export async function eachInSlot<T>(
  items: Iterable<T>,
  slots: Slots,
  signal: AbortSignal,
  bytes: (item: T) => number,
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const own = new AbortController()
  const both = AbortSignal.any([signal, own.signal])
  setMaxListeners(0, both)
  const running = new Set<Promise<void>>()
  let failure: { error: unknown } | null = null

  function fail(error: unknown): void {
    failure ??= { error }
    own.abort()
  }

  try {
    for (const item of items) {
      const leave = await slots.admit(bytes(item), both)
      const task = work(item, both)
        .catch(fail)
        .finally(() => {
          leave()
          running.delete(task)
        })
      running.add(task)
    }
  } catch (error) {
    fail(error)
  }
  await Promise.all(running)
  if (failure) throw (failure as { error: unknown }).error
}
