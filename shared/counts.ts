/**
 * What a packet, and so a pass, comes to. `listed` counts the source's objects that the filter lets in, and always
 * listed = same + copied + skipped + vanished + failed. `deleted` and `extra` (only at the destination, found by a
 * verify) are beside that sum: they are no objects of the source. Where all versions are moved, each version and each
 * delete marker counts as one object; `deleted` then counts the keys that got a delete marker because the source has nothing of them.
 */
import * as z from 'zod'
import { type Property, properties } from './fidelity.ts'

const count = z.number().int().nonnegative()

/**
 * How strong the proof is that two objects are equal, weakest first. `baseline`: both sides are unchanged since they
 * were made equal. `etag`: the ETags that both stores worked out by themselves are equal, be it in their listings, or because an
 * upload in the source's parts came out with it. `store-verified`: the destination itself checked the source's digest when it
 * took the body.
 */
export const evidenceClasses = [
  'size+mtime',
  'baseline',
  'etag',
  'store-verified',
  'hashed',
  'full-read',
] as const
export type Evidence = (typeof evidenceClasses)[number]

export const objectCountsSchema = z.strictObject({
  listed: count,
  same: count,
  copied: count,
  skipped: count,
  vanished: count,
  failed: count,
  deleted: count,
  extra: count,
})

export const countsSchema = z.strictObject({
  objects: objectCountsSchema,
  bytes: z.strictObject({ listed: count, copied: count }),
  /** Of the same and the copied: how many were proved how. */
  evidence: z.partialRecord(z.enum(evidenceClasses), count),
  /** Of the copied: how many had that property at the source and do not have it at the destination. */
  dropped: z.partialRecord(z.enum(properties), count).default({}),
  /** Of the same, in a verification by sample: how many were chosen for it, and so read in full. */
  sampled: count.optional(),
})
export type Counts = z.infer<typeof countsSchema>

export function zeroCounts(): Counts {
  return {
    objects: { listed: 0, same: 0, copied: 0, skipped: 0, vanished: 0, failed: 0, deleted: 0, extra: 0 },
    bytes: { listed: 0, copied: 0 },
    evidence: {},
    dropped: {},
  }
}

/** Adds `from` into `into`, which it changes and returns. */
export function addCounts(into: Counts, from: Counts): Counts {
  for (const name of Object.keys(into.objects) as (keyof Counts['objects'])[]) {
    into.objects[name] += from.objects[name]
  }
  into.bytes.listed += from.bytes.listed
  into.bytes.copied += from.bytes.copied
  for (const [name, n] of Object.entries(from.evidence) as [Evidence, number][]) {
    into.evidence[name] = (into.evidence[name] ?? 0) + n
  }
  into.dropped ??= {} // Counts that were stored before there was such a figure.
  for (const [name, n] of Object.entries(from.dropped ?? {}) as [Property, number][]) {
    into.dropped[name] = (into.dropped[name] ?? 0) + n
  }
  if (from.sampled !== undefined) into.sampled = (into.sampled ?? 0) + from.sampled
  return into
}

/** Whether the sum holds. Counts that break it are refused wherever they come in. */
export function addsUp({ objects }: Counts): boolean {
  const { listed, same, copied, skipped, vanished, failed } = objects
  return listed === same + copied + skipped + vanished + failed
}
