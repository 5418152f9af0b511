/** What each agent had come to, every 5 s: the older, the more thinly, at most 240 points for each of 50 agents, in memory. */
import type { Trace } from '../shared/api/watch.ts'
import type { Worker } from './watchers.ts'

const everyMs = 5_000
const mostPoints = 240
const mostAgents = 50

export class Traces {
  #traces = new Map<string, Trace>()
  #lastAt = Number.NEGATIVE_INFINITY

  /** `workers`: asked for only where a point is due. */
  note(now: number, workers: () => readonly Worker[]): void {
    if (now - this.#lastAt < everyMs) return
    this.#lastAt = now
    for (const { agent, site, objects, bytes } of workers()) {
      const points = [...(this.#traces.get(agent)?.points ?? []), [now, objects, bytes] as const]
      const thinned =
        points.length > mostPoints ? points.filter((_, i) => i >= mostPoints / 2 || i % 2 === 0) : points
      // The one that was last at work is the last.
      this.#traces.delete(agent)
      this.#traces.set(agent, { agent, site, points: thinned.map(([...point]) => point) })
    }
    const [oldest] = this.#traces.keys()
    if (this.#traces.size > mostAgents) this.#traces.delete(oldest!)
  }

  all(): Trace[] {
    return [...this.#traces.values()].sort((a, b) => (a.agent < b.agent ? -1 : 1))
  }

  /** Points that are younger than `at`. */
  since(at: number): Trace[] {
    return this.all().flatMap((trace) => {
      const points = trace.points.filter((point) => point[0] > at)
      return points.length === 0 ? [] : [{ ...trace, points }]
    })
  }

  clear(): void {
    this.#traces.clear()
  }
}
