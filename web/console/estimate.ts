/** How fast a pass is now, and when it may end. */
import type { PassStatus } from '../../shared/api/migrations.ts'
import type { Point } from '../../shared/api/watch.ts'

export interface Rate {
  /** A second. */
  readonly objects: number
  readonly bytes: number
}

/** Over the last `ms` of what is known; null where that is less than 3 s. */
export function rateOver(points: readonly Point[], ms: number): Rate | null {
  const last = points.at(-1)
  if (!last) return null
  const first = points.find(([at]) => at >= last[0] - ms)!
  const seconds = (last[0] - first[0]) / 1000
  if (seconds < 3) return null
  const between = (i: 1 | 2) => Math.max(0, last[i] - first[i]) / seconds
  return { objects: between(1), bytes: between(2) }
}

/** What a pass has come to, as one more point. */
export const pointOf = ({ counts, inFlight }: PassStatus, at: number): Point => [
  at,
  counts.objects.listed + inFlight.objects,
  counts.bytes.copied + inFlight.bytes,
  counts.objects.failed,
]

/**
 * Ms that are left, at least and at most: by what it did in the last minute, in the last ten, and since it began, each as if it went on so.
 * Null while it is still listing, since nobody knows how much there is, and while nothing moves (for 15 s).
 */
export function left(pass: PassStatus, points: readonly Point[]): readonly [number, number] | null {
  if (pass.state !== 'running' || pass.surveying || pass.paused) return null
  const { counts, expected, inFlight } = pass
  const objects = Math.max(0, expected.objects - workedOn(counts.objects) - inFlight.objects)
  if (rateOver(points, 15_000)?.objects === 0) return null
  const guesses = [60_000, 600_000, Number.POSITIVE_INFINITY].flatMap((ms) => {
    const rate = rateOver(points, ms)
    return rate && rate.objects > 0 ? [(objects / rate.objects) * 1000] : []
  })
  if (guesses.length === 0) return null
  return [Math.min(...guesses) * 0.9, Math.max(...guesses) * 1.2]
}

/** Expected work is of packets; what the survey settled by itself was never expected. */
const workedOn = ({ copied, skipped, vanished, failed }: PassStatus['counts']['objects']) =>
  copied + skipped + vanished + failed
