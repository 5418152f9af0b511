/** Works on many objects at once, each in a slot of the agent's. */
import { setMaxListeners } from 'node:events'
import type { Key } from '../../shared/key.ts'
import type { Job } from './copy-packet.ts'
import type { SlotShare } from './slots.ts'

/**
 * Ends when all are done, or when `more` says no and those that were begun are: it is asked before each but the first. How many were
 * begun: they are the first of them. The first error aborts the signal that the others were given, and is thrown when they have
 * ended. Items are begun in their order; `bytes` is what one has in memory at most.
 */
export async function eachInSlot<T>(
  items: Iterable<T>,
  slots: Pick<SlotShare, 'admit'>,
  signal: AbortSignal,
  bytes: (item: T) => number,
  work: (item: T, signal: AbortSignal) => Promise<void>,
  more: () => boolean = always,
): Promise<number> {
  // No AbortSignal.any: each look at such a signal goes through all that it is made of.
  const stop = new AbortController()
  const abort = () => stop.abort(signal.reason)
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  setMaxListeners(0, stop.signal)
  let begun = 0
  let running = 0
  let ended = () => {}
  let failure: { error: unknown } | null = null

  function fail(error: unknown): void {
    failure ??= { error }
    stop.abort()
  }

  async function run(item: T, leave: () => void): Promise<void> {
    running++
    try {
      await work(item, stop.signal)
    } catch (error) {
      fail(error)
    } finally {
      leave()
      if (--running === 0) ended()
    }
  }

  try {
    for (const item of items) {
      const leave = await slots.admit(bytes(item), stop.signal)
      if (begun > 0 && !more()) {
        leave()
        break
      }
      begun++
      void run(item, leave)
    }
  } catch (error) {
    fail(error)
  }
  if (running > 0) {
    await new Promise<void>((resolve) => {
      ended = resolve
    })
  }
  signal.removeEventListener('abort', abort)
  if (failure) throw (failure as { error: unknown }).error
  return begun
}

const always = () => true

/** As `eachInSlot`, for what a packet has to do: no more is begun than the report takes lines of, and each that is done is progress. */
export const eachOfPacket = <T>(
  { pass, report, tally, signal }: Pick<Job, 'pass' | 'report' | 'tally' | 'signal'>,
  items: Iterable<T>,
  bytes: (item: T) => number,
  work: (item: T, signal: AbortSignal) => Promise<void>,
  more?: () => boolean,
): Promise<number> =>
  eachInSlot(
    items,
    pass.slots,
    signal,
    bytes,
    async (item, within) => {
      await report.ready()
      await work(item, within)
      tally.progress.objects++
    },
    more,
  )

/**
 * As `eachOfPacket`, for items in the order of their keys, of a packet that may be asked to end early. How far it has come: `through`,
 * or the key of the last item that was begun.
 */
export async function eachUntilYield<T>(
  job: Pick<Job, 'pass' | 'report' | 'tally' | 'signal' | 'mustYield'>,
  items: readonly T[],
  through: Key | null,
  keyOf: (item: T) => Key,
  bytes: (item: T) => number,
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<Key | null> {
  const begun = await eachOfPacket(job, items, bytes, work, () => !job.mustYield())
  return begun < items.length ? keyOf(items[begun - 1]!) : through
}

/** Bytes of what is compared: bodies are hashed as they stream, so each costs a buffer and not its size. */
export const nothingHeld = () => 0
