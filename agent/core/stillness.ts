/**
 * Which work stands still: nothing of it has moved for long, though it waits for nothing. The agent only says so; the control plane takes it
 * back (control-plane/core/stuck.ts). Told of work that is bounded: of an object of many packets' size, a store may be busy for hours.
 */
import type { LeasedPacket, Work } from '../../shared/protocol.ts'

/** Milliseconds under which nothing is said. */
export const toldAfterMs = 60_000

export interface Stillness {
  /** Milliseconds since it moved last; null where nobody is to hear of it. `waits`: it may not go on. `seen`: of a listing. */
  look(now: number, progress: Work, seen: number, waits: boolean): number | null
}

/** `largest`: bytes of an object that one packet may hold. */
export const isBounded = (
  { work, upload }: Pick<LeasedPacket, 'work' | 'upload'>,
  largest: number,
): boolean => upload === undefined && work.bytes <= largest

export function watchStillness(now: number): Stillness {
  let since = now
  let mark = ''
  return {
    look(now, { objects, bytes }, seen, waits) {
      const is = `${objects} ${bytes} ${seen}`
      if (waits || is !== mark) since = now
      mark = is
      return now - since >= toldAfterMs ? now - since : null
    },
  }
}
