/**
 * The memory that sockets are read into. A slab is filled from its beginning on; what has been read stays where it is for
 * as long as anybody holds it, and the next read goes behind it.
 *
 * - The connection that reads into it holds it; each write that still has to take bytes from it holds it too.
 * - With nobody else holding it, it is filled from its beginning again; let go of by all, it serves another connection.
 * - What is given away to a stream is its reader's for good: such a slab is never used again, and the collector gets it.
 */
export interface Slab {
  readonly bytes: Buffer
  /** Up to here its bytes are held by somebody. */
  used: number
  holders: number
}

/** A read of less than this is not worth its call. */
export const leastRoom = 16 * 1024
/**
 * Bytes kept for others. Over TLS, pumps hold more and less of them all the time, and each that is dropped is memory that the
 * collector has to hear of: with too few kept, it marked the whole heap every 100 ms.
 */
const mostSpare = 32 * 1024 * 1024

const spare = new Map<number, Slab[]>()
let spareBytes = 0

export function takeSlab(size: number): Slab {
  const slab = spare.get(size)?.pop()
  if (!slab) return { bytes: Buffer.allocUnsafeSlow(size), used: 0, holders: 1 }
  spareBytes -= size
  slab.used = 0
  slab.holders = 1
  return slab
}

export function hold(slab: Slab): void {
  slab.holders++
}

export function letGo(slab: Slab): void {
  if (--slab.holders > 0) return
  const size = slab.bytes.length
  if (spareBytes + size > mostSpare) return
  spareBytes += size
  const others = spare.get(size)
  if (others) others.push(slab)
  else spare.set(size, [slab])
}

/** Its bytes belong to somebody who tells nobody when he needs them no more. */
export function giveAway(slab: Slab): void {
  slab.holders = Number.POSITIVE_INFINITY
}
