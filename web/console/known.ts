/** What a page knows of a migration, from what its socket said. */
import type { PassStatus } from '../../shared/api/migrations.ts'
import type { BucketRow, Lane, Point, WatchMessage } from '../../shared/api/watch.ts'

export interface Known {
  /** How far the control plane's clock is ahead of this browser's (ms). */
  readonly ahead: number
  readonly pass: PassStatus | null
  readonly strip: readonly BucketRow[] | null
  readonly lanes: readonly Lane[]
  readonly points: readonly Point[]
}

const mostPoints = 1_500

export function applied(known: Known | null, message: WatchMessage, now: number): Known | null {
  if (message.t === 'snapshot') {
    const { pass, strip, lanes, history } = message
    const isSame = known?.pass?.number === pass?.number
    // While it is counted anew, what was known of it is shown.
    const ahead = message.now - now
    return { ahead, pass, strip: strip ?? (isSame ? (known?.strip ?? null) : null), lanes, points: history }
  }
  if (!known) return null
  let { strip } = known
  if (strip && message.strip) {
    const next = [...strip]
    for (const { at, remove, insert } of message.strip) next.splice(at, remove, ...insert)
    strip = next
  }
  const points = message.points ? [...known.points, ...message.points].slice(-mostPoints) : known.points
  return { ...known, pass: message.pass ?? known.pass, strip, lanes: message.lanes ?? known.lanes, points }
}
