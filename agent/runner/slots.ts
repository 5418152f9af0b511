/**
 * What bounds an agent's work, over all packets of all migrations together: the objects in flight, as many as the endpoints take
 * (storage/s3/lanes.ts) and no more than `objects`; and what they hold in memory. Migrations share the slots by weight (core/share.ts);
 * within one it is first come, first served, so that a large object is not passed over for ever by small ones. A large object waits for
 * its other parts as others wait for theirs.
 */

import { DrayError } from '../../shared/error.ts'
import { heldBy } from '../core/budget.ts'
import { atOnceBytes } from '../core/copy-plan.ts'
import { type Flow, Shares } from '../core/share.ts'

/** One migration's. */
export interface SlotShare {
  /** Waits until an object or a part of `size` bytes may be worked on; whoever gets the slot calls what comes back, once. */
  admit(size: number, signal: AbortSignal): Promise<() => void>
  /** Of its weight, from now on. */
  weigh(weight: number): void
}

export interface Slots {
  /** For a migration of that weight (above 0; only ratios count). What it does not use is the others'. */
  share(weight: number): SlotShare
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
  admitted(leave: () => void): void
}

interface Queue extends Flow {
  readonly waiters: Waiter[]
}

/** `now`: milliseconds of a clock that only goes forward. */
export function openSlots(limits: SlotLimits, now = () => performance.now()): Slots {
  const shares = new Shares()
  /** Those in which somebody waits. */
  const waiting = new Set<Queue>()
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
    for (let queue = shares.next(waiting); queue; queue = shares.next(waiting)) {
      const next = queue.waiters[0]!
      if (!fits(next)) return
      remove(queue, 0)
      enter(queue, next)
    }
  }

  function remove(queue: Queue, at: number): void {
    if (at === 0) queue.waiters.shift()
    else queue.waiters.splice(at, 1)
    if (queue.waiters.length === 0) waiting.delete(queue)
  }

  function enter(queue: Queue, waiter: Waiter): void {
    objects++
    bytes += waiter.bytes
    requests += waiter.requests
    const charge = shares.begin(queue, waiter.requests)
    const since = now()
    let isBack = false
    waiter.admitted(() => {
      if (isBack) return
      isBack = true
      objects--
      bytes -= waiter.bytes
      requests -= waiter.requests
      shares.end(queue, waiter.requests, charge, now() - since)
      pump()
    })
  }

  function wait(queue: Queue, size: number, signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(interrupted())
      const waiter: Waiter = {
        bytes: heldBy(size),
        requests: size > atOnceBytes ? 2 : 1,
        admitted(leave) {
          signal.removeEventListener('abort', giveUp)
          resolve(leave)
        },
      }
      function giveUp(): void {
        const at = queue.waiters.indexOf(waiter)
        if (at >= 0) remove(queue, at)
        reject(interrupted())
        pump()
      }
      signal.addEventListener('abort', giveUp, { once: true })
      if (queue.waiters.push(waiter) === 1) {
        waiting.add(queue)
        shares.wait(queue)
      }
      pump()
    })
  }

  return {
    share(weight) {
      const queue: Queue = Object.assign(shares.add(weight), { waiters: [] })
      return {
        admit: (size, signal) => wait(queue, size, signal),
        weigh(weight) {
          queue.weight = weight
        },
      }
    },
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
