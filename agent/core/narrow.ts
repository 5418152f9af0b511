/** The parts of a range where a filter can match at all. */
import { isEmpty, type Range } from '../../shared/range.ts'

/** `ranges` sorted and disjoint; so is what comes back, which is empty where nothing of `range` can match. */
export function narrow(range: Range, ranges: readonly Range[]): Range[] {
  return ranges.map((other) => intersect(range, other)).filter((part) => !isEmpty(part))
}

function intersect(a: Range, b: Range): Range {
  const after = a.after === null ? b.after : b.after === null || a.after > b.after ? a.after : b.after
  const through =
    a.through === null ? b.through : b.through === null || a.through < b.through ? a.through : b.through
  return { after, through }
}
