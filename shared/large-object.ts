/** An object that is copied in parts by several agents, through one multipart upload that the control plane remembers. */
import * as z from 'zod'
import { type Boundaries, boundariesSchema, bytesIn, mostParts, sizesOf } from './boundaries.ts'

/** Of which object an upload is to become a copy: by this it is told whether its parts are of any use still. */
export const pinnedSchema = z.strictObject({
  token: z.string().max(1024),
  /** Bytes. */
  size: z.number().int().nonnegative(),
  /** Microseconds, as its HEAD says. */
  mtime: z.number().int(),
  version: z.string().max(1024).nullable(),
})
export type Pinned = z.infer<typeof pinnedSchema>

export const samePinned = (a: Pinned, b: Pinned): boolean =>
  a.token === b.token && a.size === b.size && a.mtime === b.mtime && a.version === b.version

/** What an upload is to be, stored before it is created. */
export const plannedUploadSchema = z
  .strictObject({
    source: pinnedSchema,
    boundaries: boundariesSchema,
    /** A digest of what it is created with, which cannot be changed afterwards. */
    metadata: z.string().max(100),
    /** Whether the source's ETag should come out of these parts. */
    asSource: z.boolean(),
    /** Whether the agents hash what they send, because nothing else will prove it. */
    hashing: z.boolean(),
    /** About how many of its bytes go into one packet. */
    packetBytes: z.number().int().positive(),
  })
  .refine(({ source, boundaries }) => bytesIn(boundaries) === source.size, 'the parts are not the object')
export type PlannedUpload = z.infer<typeof plannedUploadSchema>

const number = z.number().int().positive().max(mostParts)

/** Part numbers, both included. */
export const partRangeSchema = z.strictObject({ first: number, last: number })
export type PartRange = z.infer<typeof partRangeSchema>

/** S3's are far shorter. */
export const uploadIdSchema = z.string().min(1).max(4096)

/** The MD5s of some parts in their order, 32 hex digits each, without anything between: what the agents read from the source. */
export const md5sSchema = z
  .string()
  .max(mostParts * 32)
  .regex(/^(?:[0-9a-f]{32})*$/)

/** Most `parts` packets of one object. */
export const mostPartPackets = 512

/** Cuts an object's parts into packets of about `bytes`, each of whole parts. */
export function partRanges(boundaries: Boundaries, bytes: number): { parts: PartRange; bytes: number }[] {
  const sizes = sizesOf(boundaries)
  const total = sizes.reduce((sum, size) => sum + size, 0)
  const wanted = Math.max(bytes, Math.ceil(total / mostPartPackets))
  const ranges: { parts: PartRange; bytes: number }[] = []
  let first = 1
  let sum = 0
  for (const [i, size] of sizes.entries()) {
    sum += size
    if (sum < wanted && i < sizes.length - 1) continue
    ranges.push({ parts: { first, last: i + 1 }, bytes: sum })
    first = i + 2
    sum = 0
  }
  return ranges
}
