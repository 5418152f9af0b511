/** What a real agent could do with a connection, by trying: each thing once, under a key of ours, which is gone afterwards. */
import * as z from 'zod'
import { errorCodes } from './error.ts'

/** In the order in which they are tried. What is written is read, and what is written is deleted; so a later one may need an earlier one. */
export const connectionChecks = [
  'credential', // the agent has it, or can open it
  'list',
  'write',
  'read',
  'tags',
  'conditional-writes', // a write that is to find nothing there is refused where something is
  'checksums', // a body that is not that of its Content-MD5 is refused
  'multipart',
  'delete',
  'versions', // told, not tried: whether the bucket keeps them
  'clock', // the store's and the agent's are less than a minute apart
] as const
export type ConnectionCheck = (typeof connectionChecks)[number]

export const checkResultSchema = z.strictObject({
  check: z.enum(connectionChecks),
  /** `not-tried`: one before it that it needs has failed. */
  outcome: z.enum(['yes', 'no', 'not-tried']),
  /** Of a `no`. */
  code: z.enum(errorCodes).nullable(),
  /** What was found or what went wrong, for people; may be empty. */
  message: z.string().max(500),
  hint: z.string().max(500).nullable(),
  /** Milliseconds that it took. */
  ms: z.number().nonnegative().nullable(),
})
export type CheckResult = z.infer<typeof checkResultSchema>

export const connectionTestSchema = z.strictObject({
  /** In the order of `connectionChecks`, each once. */
  checks: z.array(checkResultSchema).max(connectionChecks.length),
  /** What the store calls itself (its Server header); null where it does not say. */
  store: z.string().max(200).nullable(),
  /** Milliseconds by which the store's clock is ahead of the agent's; to the second. Null where it was not told. */
  skewMs: z.number().int().nullable(),
  /** Milliseconds that the fastest answer took. */
  latencyMs: z.number().nonnegative().nullable(),
})
export type ConnectionTest = z.infer<typeof connectionTestSchema>
