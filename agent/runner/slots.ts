/**
 * What bounds an agent's work: so many objects in flight, and so many bytes of bodies admitted, over all packets of all
 * migrations together. First come, first served, so that a large object is not passed over for ever by small ones.
 */
import { DrayError } from '../../shared/error.ts'

export interface Slots {
  /** Waits until an object of `bytes` may be worked on; whoever gets the slot calls what comes back, once. */
  admit(bytes: number, signal: AbortSignal): Promise<() => void>
  readonly used: number
}

export interface SlotLimits {
  objects: number
  bytes: number
  /** The most that one object is counted for: bodies stream, so a large one is never in memory as a whole. */
  bytesEach: number
}

interface Waiter {
  bytes: number
  admitted(): void
}

export function openSlots(limits: SlotLimits): Slots {
  const queue: Waiter[] = []
  let objects = 0
  let bytes = 0

  function pump(): void {
    for (let next = queue[0]; next; next = queue[0]) {
      if (objects >= limits.objects || (bytes > 0 && bytes + next.bytes > limits.bytes)) return
      queue.shift()
      objects++
      bytes += next.bytes
      next.admitted()
    }
  }

  function once(size: number): () => void {
    let isBack = false
    return () => {
      if (isBack) return
      isBack = true
      objects--
      bytes -= size
      pump()
    }
  }

  return {
    admit(wanted, signal) {
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(interrupted())
        const size = Math.min(wanted, limits.bytesEach)
        const waiter: Waiter = {
          bytes: size,
          admitted() {
            signal.removeEventListener('abort', leave)
            resolve(once(size))
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
    },
    get used() {
      return objects
    },
  }
}

const interrupted = () => new DrayError('interrupted', 'wait for a slot', 'the packet is no longer ours')
