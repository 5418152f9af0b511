/** What a running pass had come to, every 5 s; the older, the more thinly: at most 720 points in memory, whatever it lasts. */
import type { PassStatus } from '../shared/api/migrations.ts'
import type { Point } from '../shared/api/watch.ts'

const everyMs = 5_000
const most = 720

export class History {
  points: Point[] = []
  #times: number[] = []
  /** How many there ever were. */
  written = 0

  /** `status`: of the pass; asked for only where a point is due, as the last one always is. */
  note(now: number, status: () => PassStatus, isLast: boolean): void {
    const last = this.points.at(-1)?.[0]
    if (last !== undefined && now - last < (isLast ? 1 : everyMs)) return
    const { counts, inFlight } = status()
    const { objects, bytes } = counts
    const done = [objects.listed + inFlight.objects, bytes.copied + inFlight.bytes] as const
    this.points.push([now, ...done, objects.failed])
    this.#times.push(++this.written)
    if (this.points.length <= most) return
    // Every second one of the older half.
    const keep = (_: unknown, i: number) => i >= most / 2 || i % 2 === 0
    this.points = this.points.filter(keep)
    this.#times = this.#times.filter(keep)
  }

  /** Those that came after the `n`th. */
  since(n: number): Point[] {
    return this.points.filter((_, i) => this.#times[i]! > n)
  }

  clear(): void {
    this.points = []
    this.#times = []
  }
}
