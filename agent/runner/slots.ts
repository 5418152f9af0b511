/**
 * What bounds an agent's work, over all packets of all migrations together: the objects in flight, as many as the endpoints take
 * (storage/s3/lanes.ts) and no more than `objects`; and what they hold in memory. First come, first served, so that a large
 * object is not passed over for ever by small ones. A large object waits for its other parts as others wait for theirs.
 */

import { DrayError } from '../../shared/error.ts'
import { heldBy } from '../core/budget.ts'
import { atOnceBytes } from '../core/copy-plan.ts'

export interface Slots {
  /** Waits until an object or a part of `size` bytes may be worked on; whoever gets the slot calls what comes back, once. */
  admit(size: number, signal: AbortSignal): Promise<() => void>
  /** The endpoints take another number of objects now. */
  changed(): void
  readonly used: number
  /** Bytes that what is in may hold. */
  readonly held: number
}

export interface SlotLimits {
  /** Most in flight. */
  objects: number
  /** Bytes that all of them hold. An object that needs more is let in when nothing else is. */
  bytes: number
  /** Requests that the endpoints in use take at once, or null while there is none; any number where absent. */
  room?(): number | null
}

/** Before the first endpoint has told, and between directories. */
const usualRoom = 32
/** Beyond what the endpoints take, so that the next is ready when one ends. */
const little = 8

interface Waiter {
  bytes: number
  /** Requests that go at once: a small object is read and then written, a large one is written while it is read. */
  requests: number
  admitted(): void
}

export function openSlots(limits: SlotLimits): Slots {
  const queue: Waiter[] = []
  let objects = 0
  let bytes = 0
  let requests = 0

  const room = () => {
    if (limits.room === undefined) return Number.POSITIVE_INFINITY
    return (limits.room() ?? usualRoom) + little
  }
  const fits = (next: Waiter) =>
    objects === 0 || (objects < limits.objects && requests < room() && bytes + next.bytes <= limits.bytes)

  function pump(): void {
    for (let next = queue[0]; next; next = queue[0]) {
      if (!fits(next)) return
      queue.shift()
      enter(next)
    }
  }

  function enter(waiter: Waiter): void {
    objects++
    bytes += waiter.bytes
    requests += waiter.requests
    waiter.admitted()
  }

  function once(waiter: Waiter): () => void {
    let isBack = false
    return () => {
      if (isBack) return
      isBack = true
      objects--
      bytes -= waiter.bytes
      requests -= waiter.requests
      pump()
    }
  }

  function wait(size: number, signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(interrupted())
      const waiter: Waiter = {
        bytes: heldBy(size),
        requests: size > atOnceBytes ? 2 : 1,
        admitted() {
          signal.removeEventListener('abort', leave)
          resolve(once(waiter))
        },
      }
      function leave(): void {
        const at = queue.indexOf(waiter)
        if (at >= 0) queue.splice(at, 1)
        reject(interrupted())
        pump()
      }
      signal.addEventListener('abort', leave, { once: true })
      queue.push(waiter)
      pump()
    })
  }

  return {
    admit: wait,
    changed: pump,
    get used() {
      return objects
    },
    get held() {
      return bytes
    },
  }
}

const interrupted = () => new DrayError('interrupted', 'wait for a slot', 'the packet is no longer ours')
