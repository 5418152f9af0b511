/**
 * The ledger of a verification: what each range of keys was found to hold on both sides, and the signed statement over all of it.
 *
 * A *seal* says what an agent has seen in one range, and is signed by it. A *leaf* is a packet with its seal; leaves tile the key space in order.
 * The root is the hash of all leaves. Whoever has a listing of a side can work out that side's digests again, range by range.
 */
import * as z from 'zod'
import { countsSchema } from './counts.ts'
import { keySchema } from './key-schema.ts'

/** 32 bytes in hexadecimal. */
export const digestSchema = z.string().regex(/^[0-9a-f]{64}$/)

/**
 * `source`, `destination`: SHA-256 over the listing lines of the range, in the order of keys (`listingLine` says what one is). `sums`: the
 * sum, modulo 2^256, of the SHA-256 of each line by itself, which does not depend on how the key space was cut; it tells two listings
 * of one side apart, and is no proof against somebody who chooses keys to that end. `signature`: the agent's Ed25519 signature of the
 * seal (`sealText` says of what), 64 bytes in base64url.
 */
export const sealSchema = z.strictObject({
  source: digestSchema,
  destination: digestSchema,
  sums: z.strictObject({ source: digestSchema, destination: digestSchema }),
  signature: z.string().regex(/^[A-Za-z0-9_-]{86}$/),
})
export type Seal = z.infer<typeof sealSchema>

export const leafSchema = z.strictObject({
  after: keySchema.nullable(),
  through: keySchema.nullable(),
  counts: countsSchema,
  seal: sealSchema,
  /** Who has sealed it. */
  agent: z.string().min(1).max(200),
})
export type Leaf = z.infer<typeof leafSchema>

/** What a certificate says. Signed by the control plane's key; its agents' keys sign the leaves. */
export const statementSchema = z.object({
  version: z.literal(1),
  workspace: z.string(),
  migration: z.string(),
  pass: z.number(),
  /** As people write them. */
  source: z.string(),
  destination: z.string(),
  /** The filter, the mapping and the options of the pass. */
  policy: z.unknown(),
  /** Of the verification (ms). */
  startedAt: z.number(),
  endedAt: z.number(),
  issuedAt: z.number(),
  /** Among them, how many were proved how (`evidence`). */
  counts: countsSchema,
  leaves: z.number(),
  root: digestSchema,
  /** Of all leaves: the same in two listings of a side that nobody has changed, however they were cut. */
  sums: z.object({ source: digestSchema, destination: digestSchema }),
  /** Of a verification by sample: so many of so many were read in full, and, with this confidence, fewer than `below` of all differ. */
  sample: z
    .object({ read: z.number(), of: z.number(), confidence: z.number(), below: z.number() })
    .nullable(),
  /** What is not equal and was waived, by name. At most 1,000 are named; `left` more are. */
  exceptions: z.object({
    named: z.array(
      z.object({
        key: z.string(),
        code: z.string(),
        message: z.string(),
        waivedBy: z.string(),
        reason: z.string(),
      }),
    ),
    left: z.number(),
  }),
  /** Public keys, Ed25519 in base64url, of those that have sealed leaves. */
  agents: z.array(z.object({ agent: z.string(), key: z.string(), leaves: z.number() })),
  /** The control plane's public key, and its signature of all of the above. */
  key: z.string(),
  signature: z.string(),
})
export type Statement = z.infer<typeof statementSchema>
