/**
 * What is known of a pass's pace, from the statuses that were seen of it. Pure: the caller brings the clock.
 *
 * The time left is a range: work left over the pace of the last seconds and over that of the whole time. Objects and bytes
 * are one work, or the time left would be endless while one large object takes all of the bandwidth and no small one is
 * finished. While the survey has not seen everything, the work left is not known.
 */
import type { PassStatus } from '../../shared/api/migrations.ts'

/** Milliseconds. Short enough to follow a change, long enough for a packet of large objects. */
const windowMs = 15_000

interface Sample {
  readonly at: number
  /** Objects dealt with, in whatever way. */
  readonly objects: number
  /** Bytes moved, those in flight too. */
  readonly bytes: number
}

export interface Pace {
  readonly objectsPerSecond: number
  readonly bytesPerSecond: number
  /** Seconds since anything moved. */
  readonly quiet: number
  /** Seconds, least and most; null while it cannot be said. */
  readonly left: { least: number; most: number } | null
}

export interface Tracker {
  see(status: PassStatus, now: number): Pace
}

export function trackPace(): Tracker {
  const samples: Sample[] = []
  let first: Sample | null = null
  let moved: Sample | null = null

  return {
    see(status, now) {
      const sample = sampleOf(status, now)
      first ??= sample
      if (moved?.objects !== sample.objects || moved.bytes !== sample.bytes) moved = sample
      samples.push(sample)
      while (samples.length > 2 && samples[1]!.at < now - windowMs) samples.shift()

      const recent = rates(samples[0]!, sample)
      const overall = rates(first, sample)
      return {
        objectsPerSecond: recent.objects,
        bytesPerSecond: recent.bytes,
        quiet: (now - moved.at) / 1000,
        left: timeLeft(status, recent, overall),
      }
    },
  }
}

function sampleOf(status: PassStatus, at: number): Sample {
  const { counts, inFlight } = status
  return {
    at,
    objects: counts.objects.listed + inFlight.objects,
    bytes: counts.bytes.copied + inFlight.bytes,
  }
}

function rates(from: Sample, to: Sample): { objects: number; bytes: number } {
  const seconds = Math.max((to.at - from.at) / 1000, 0.001)
  return {
    objects: Math.max(0, to.objects - from.objects) / seconds,
    bytes: Math.max(0, to.bytes - from.bytes) / seconds,
  }
}

/** What the survey expected and nobody has dealt with yet. */
export function workLeft(status: PassStatus): { objects: number; bytes: number } {
  const { counts, expected, inFlight, packets } = status
  const { copied, failed, vanished } = counts.objects
  // What was expected to be copied may have turned out equal.
  if (packets.ready + packets.leased === 0) return { objects: 0, bytes: 0 }
  return {
    objects: Math.max(0, expected.objects - copied - failed - vanished - inFlight.objects),
    bytes: Math.max(0, expected.bytes - counts.bytes.copied - inFlight.bytes),
  }
}

type Rates = ReturnType<typeof rates>

/** Bytes that take as long as the requests of an object, roughly. */
const bytesOfObject = 256 * 1024
const weigh = ({ objects, bytes }: Rates): number => objects * bytesOfObject + bytes

function timeLeft(status: PassStatus, recent: Rates, overall: Rates): Pace['left'] {
  if (status.surveying) return null
  const left = workLeft(status)
  const by = (pace: Rates) => (weigh(left) === 0 ? 0 : weigh(left) / weigh(pace))
  const times = [by(recent), by(overall)].filter(Number.isFinite)
  if (times.length === 0) return null
  return { least: Math.min(...times), most: Math.max(...times) }
}
