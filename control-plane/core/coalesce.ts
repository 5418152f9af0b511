/**
 * Fewer ranges that hold all keys of many: how a storm of events stays bounded. Neighbours whose keys begin alike for longest are joined first,
 * since little lies between them as a rule; what does is looked at once more, and found equal.
 */
import type { Range } from '../../shared/range.ts'

/** `ranges` rise and are disjoint. Groups of neighbours, in their order, at most `most` (1 or more) of them. */
export function coalesce<T extends Range>(ranges: readonly T[], most: number): T[][] {
  const gaps = ranges.slice(1).map((range, i) => ({ at: i + 1, alike: alike(ranges[i]!, range) }))
  gaps.sort((a, b) => b.alike - a.alike || a.at - b.at)
  const joined = new Set(gaps.slice(0, Math.max(0, ranges.length - most)).map(({ at }) => at))
  const groups: T[][] = []
  for (const [i, range] of ranges.entries()) {
    if (joined.has(i)) groups.at(-1)!.push(range)
    else groups.push([range])
  }
  return groups
}

/** All of some ranges that rise, and what lies between them. */
export const spanOf = (ranges: readonly Range[]): Range => ({
  after: ranges[0]!.after,
  through: ranges.at(-1)!.through,
})

/** How many bytes their ends have in common at the beginning. */
function alike({ through: a }: Range, { through: b }: Range): number {
  if (a === null || b === null) return 0
  let n = 0
  while (n < a.length && a.charCodeAt(n) === b.charCodeAt(n)) n++
  return n
}
