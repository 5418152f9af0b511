/**
 * When to stop waiting for a pass: nothing has moved for a while, and errors say why. Each packet is tried several
 * times, so with thousands of them and a store that is gone the pass itself would end only after hours. Pure.
 */
import type { PassStatus } from '../../shared/api/migrations.ts'
import type { ErrorBody } from '../../shared/error.ts'

/** Without any movement (ms). Longer than a packet's own attempts take, and a store's restart. */
const patience = 120_000

export interface StallWatch {
  /** The error to give up with, or null while there is hope. `now`: ms of a clock that only rises. */
  see(status: PassStatus, now: number): ErrorBody | null
}

export function stallWatch(): StallWatch {
  let last = ''
  let since = 0
  return {
    see(status, now) {
      const { counts, expected, inFlight, packets } = status
      const mark = JSON.stringify([
        counts,
        expected,
        inFlight.bytes,
        inFlight.objects,
        packets.done,
        packets.parked,
      ])
      if (mark !== last) {
        last = mark
        since = now
      }
      const worst = status.errors.toSorted((a, b) => b.packets - a.packets)[0]
      return worst && now - since >= patience ? worst.error : null
    },
  }
}
