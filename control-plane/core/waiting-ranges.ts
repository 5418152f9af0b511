/** Disjoint ranges in the order of keys, in memory: those of which it was said that something in them has changed. */
import type { Range } from '../../shared/range.ts'

export interface Waiting extends Range {
  /** Whatever names it elsewhere. */
  readonly id: number
  /** When the oldest change in it was (ms). */
  readonly told: number
}

/** Past so many they are coalesced, to half as many. Few enough that each step may move all that lie behind it. */
export const mostWaiting = 1_000

export class WaitingRanges {
  #ranges: Waiting[] = []

  get size(): number {
    return this.#ranges.length
  }

  [Symbol.iterator](): Iterator<Waiting> {
    return this.#ranges[Symbol.iterator]()
  }

  /** When the oldest change in any of them was; null where there are none. */
  get oldest(): number | null {
    return this.#ranges.reduce<number | null>((least, { told }) => Math.min(least ?? told, told), null)
  }

  /** Those that have a part in common with `range`, in their order. */
  overlapping(range: Range): Waiting[] {
    const first = this.#firstPast(range)
    let end = first
    while (end < this.#ranges.length && beginsBefore(this.#ranges[end]!, range)) end++
    return this.#ranges.slice(first, end)
  }

  /** In place of all that it overlaps. */
  put(waiting: Waiting): void {
    const first = this.#firstPast(waiting)
    this.#ranges.splice(first, this.overlapping(waiting).length, waiting)
  }

  /** Whether there was one of that name at its place. */
  remove({ id, after, through }: Omit<Waiting, 'told'>): boolean {
    const at = this.#firstPast({ after, through })
    if (this.#ranges[at]?.id !== id) return false
    this.#ranges.splice(at, 1)
    return true
  }

  clear(): void {
    this.#ranges = []
  }

  /** The index of the first that ends past the start of `range`. */
  #firstPast({ after }: Range): number {
    let [low, high] = [0, this.#ranges.length]
    while (low < high) {
      const middle = (low + high) >> 1
      const { through } = this.#ranges[middle]!
      if (after !== null && through !== null && through <= after) low = middle + 1
      else high = middle
    }
    return low
  }
}

const beginsBefore = (a: Range, b: Range): boolean =>
  a.after === null || b.through === null || a.after < b.through

/** Whether all keys of `inner` are in `outer`. */
export const holds = (outer: Range, inner: Range): boolean =>
  (outer.after === null || (inner.after !== null && inner.after >= outer.after)) &&
  (outer.through === null || (inner.through !== null && inner.through <= outer.through))
