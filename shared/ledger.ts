/**
 * The ledger of a verification: what each range of keys was found to hold on both sides, and the signed statement over all of it.
 *
 * A *seal* says what an agent has seen in one range, and is signed by it. A *leaf* is a packet with its seal; leaves tile the key space in order.
 * The root is the hash of all leaves. Whoever has a listing of a side can work out that side's digests again, range by range.
 */
import * as z from 'zod'
import { countsSchema } from './counts.ts'
import { type Key, keyFromText } from './key.ts'
import { keySchema } from './key-schema.ts'

/** 32 bytes in hexadecimal. */
export const digestSchema = z.string().regex(/^[0-9a-f]{64}$/)

/** What a listing shows of an object, or of one version of it. */
export interface Listed {
  readonly key: Key
  /** Bytes; 0 of a delete marker. */
  readonly size: number
  /** What the listing says of its content: the ETag, without quotes; of a file its mtime, in microseconds since the epoch. */
  readonly content: string
  /** Where all versions are compared. */
  readonly version?: string
  readonly isMarker?: boolean
}

/**
 * `5:a.jpg,1024,32:9e107d9d372bb6826bd81d3542a419d6` and a line feed; where all versions are compared, before the line feed also
 * `,6:v-0001`, and `,x` of a delete marker. A number before a colon says how many bytes follow it, so no two listings have the same lines. A byte
 * string, as keys are (key.ts): what is hashed is its bytes.
 */
export function listingLine({ key, size, content, version, isMarker = false }: Listed): string {
  const token = keyFromText(content)
  const line = `${key.length}:${key},${size},${token.length}:${token}`
  if (version === undefined) return `${line}\n`
  const name = keyFromText(version)
  return `${line},${name.length}:${name}${isMarker ? ',x' : ''}\n`
}

const sumsSchema = z.strictObject({ source: digestSchema, destination: digestSchema })
export type Sums = z.infer<typeof sumsSchema>

/**
 * `source`, `destination`: SHA-256 over the listing lines of the range, in the order of keys (`listingLine` says what one is). `sums`: the
 * sum, modulo 2^256, of the SHA-256 of each line by itself, which does not depend on how the key space was cut; it tells two listings
 * of one side apart, and is no proof against somebody who chooses keys to that end. `signature`: the agent's Ed25519 signature of the
 * seal (`sealText` says of what), 64 bytes in base64url.
 */
export const sealSchema = z.strictObject({
  source: digestSchema,
  destination: digestSchema,
  sums: sumsSchema,
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

/** Which range of which verification a seal is of, and what was counted there. */
export interface Sealed extends Pick<Leaf, 'after' | 'through' | 'counts'> {
  readonly workspace: string
  readonly migration: string
  readonly pass: number
  /** Of the pass (ms): a migration of the same name may have had another pass of this number. */
  readonly startedAt: number
}

/** What an agent signs. */
export function sealText(
  { source, destination, sums }: Omit<Seal, 'signature'>,
  { workspace, migration, pass, startedAt, after, through, counts }: Sealed,
): string {
  const range = { after, through, counts }
  const text = canonicalJson({
    workspace,
    migration,
    pass,
    startedAt,
    ...range,
    source,
    destination,
    sums,
  })
  return `dray-seal-1\n${text}`
}

/** What the root is a hash of, leaf by leaf (merkle.ts). */
export const leafText = (leaf: Leaf): string => canonicalJson(leaf)

/** As RFC 8785 has it: members sorted, and no space between. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((each) => canonicalJson(each ?? null)).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value)
    .filter(([, each]) => each !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, each]) => `${JSON.stringify(name)}:${canonicalJson(each)}`)
  return `{${members.join(',')}}`
}

const modulus = 1n << 256n
export const noSums: Sums = { source: '0'.repeat(64), destination: '0'.repeat(64) }

/** Of two parts of the key space. */
export const addSums = (a: Sums, b: Sums): Sums => ({
  source: addDigests(a.source, b.source),
  destination: addDigests(a.destination, b.destination),
})

const addDigests = (a: string, b: string): string =>
  ((BigInt(`0x${a}`) + BigInt(`0x${b}`)) % modulus).toString(16).padStart(64, '0')

/** How sure a verification by sample is of its bound. */
export const sampleConfidence = 0.95

/**
 * The share of all `of` objects below which those that differ stay, with that confidence, where `read` of them, chosen at random, were read and
 * none differed: if the share were greater, so many would have been equal by chance in one of twenty samples at most.
 */
export const sampleBound = (read: number, of: number): number =>
  read >= of ? 0 : read === 0 ? 1 : 1 - (1 - sampleConfidence) ** (1 / read)

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
  sums: sumsSchema,
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

/** What the control plane signs: all of a statement but its signature. */
export function statementText({ signature: _, ...rest }: Statement): string {
  return `dray-certificate-1\n${canonicalJson(rest)}`
}
