/**
 * Buffers for bodies that are wanted whole. Those that their readers give back are used again: memory outside of JavaScript's heap
 * that is dropped for each small object makes the collector go through all of the heap, again and again.
 */

/** Sizes are powers of two from the least to the greatest; what is larger is its reader's for good. */
const least = 1024
const greatest = 1024 * 1024
/** Bytes kept for others. */
const mostSpare = 8 * 1024 * 1024

const spare = new Map<number, ArrayBuffer[]>()
let spareBytes = 0

export function takeRoom(length: number): Buffer {
  if (length > greatest) return Buffer.allocUnsafeSlow(length)
  const size = Math.max(least, 1 << (32 - Math.clz32(length - 1)))
  const kept = spare.get(size)?.pop()
  if (kept === undefined) return Buffer.allocUnsafeSlow(size).subarray(0, length)
  spareBytes -= size
  return Buffer.from(kept, 0, length)
}

/**
 * What `takeRoom` gave, and nothing else. Nobody may look at it any more, but it may still be on its way to a server that answers before it has all of it:
 * such a connection is ended in the same turn (connection.ts), and only then is the memory another's.
 */
export function giveRoom({ buffer }: Buffer): void {
  const size = buffer.byteLength
  const fits = size >= least && size <= greatest && (size & (size - 1)) === 0
  if (!fits || spareBytes + size > mostSpare) return
  spareBytes += size
  given.push(buffer as ArrayBuffer)
  if (given.length === 1) setImmediate(keep)
}

const given: ArrayBuffer[] = []

function keep(): void {
  for (const buffer of given.splice(0)) {
    const others = spare.get(buffer.byteLength)
    if (others) others.push(buffer)
    else spare.set(buffer.byteLength, [buffer])
  }
}
