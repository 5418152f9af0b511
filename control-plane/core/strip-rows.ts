/** The strip as others are told of it, and as it is kept with its pass. */
import type { BucketRow, Edit } from '../../shared/api/watch.ts'
import { escapeKey, type Key, unescapeKey } from '../../shared/key.ts'
import { type Bucket, Strip, type Tally, tallied } from './strip.ts'

/** `last`: the end of the last bucket, where that is not the end of all keys. */
export const rowsOf = (strip: Strip, last: Key | null = null): BucketRow[] =>
  strip.buckets.map((bucket) => rowOf(bucket, last))

export function rowOf({ through, tally }: Bucket, last: Key | null = null): BucketRow {
  const end = through ?? last
  return [end === null ? null : escapeKey(end), ...tallied.map((name) => tally[name])] as BucketRow
}

/** Of `rowsOf`, as it was stored. */
export function stripOf(rows: readonly BucketRow[]): Strip {
  const buckets = rows.map(([through, ...figures]) => ({
    through: through === null ? null : unescapeKey(through),
    tally: Object.fromEntries(tallied.map((name, i) => [name, figures[i]])) as unknown as Tally,
  }))
  return Strip.of(buckets)
}

/** From what was told to what is: what did not change since stands in both, in the same order. */
export function editsOf(
  told: { readonly buckets: readonly Bucket[]; readonly revision: number },
  strip: Strip,
): Edit[] {
  const edits: Edit[] = []
  let old = 0
  let insert: Edit['insert'] = []
  const close = (at: number, until: number) => {
    if (until > old || insert.length > 0) edits.push({ at: at - insert.length, remove: until - old, insert })
    insert = []
    old = until + 1
  }
  for (const [i, bucket] of strip.buckets.entries()) {
    if (bucket.changed > told.revision) insert.push(rowOf(bucket))
    else close(i, told.buckets.indexOf(bucket, old))
  }
  close(strip.buckets.length, told.buckets.length)
  return edits
}
