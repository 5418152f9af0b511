/**
 * What the plane asks of an agent that nobody else can do, by its standing socket, and what the agent answers. An agent holds every place in
 * it to its own allow-list first; what it does not do it refuses, with the error that says why. Each answer is small: a page, sums, findings.
 */
import * as z from 'zod'
import { connectionTestSchema } from './connection-test.ts'
import { envelopeSchema } from './envelope.ts'
import { errorBodySchema } from './error.ts'
import { findingSchema } from './finding.ts'
import { certificateSchema } from './identity/certificate.ts'
import { keySchema } from './key-schema.ts'
import { uploadIdSchema } from './large-object.ts'
import { connectionName, endpointSchema, resolvedLocationSchema, resolvedS3Schema } from './location.ts'
import { arrangementShape } from './mapping.ts'
import { filterSchema, passOptionsSchema } from './policy.ts'

const count = z.number().int().nonnegative()
const name = z.string().min(1).max(200)

/** A store with all of its buckets: a connection without a place. */
export const resolvedStoreSchema = resolvedS3Schema
  .omit({ bucket: true, prefix: true, customerKey: true })
  .extend({ kind: z.literal('store') })
export type Store = z.infer<typeof resolvedStoreSchema>

/** Entries of one page of a folder, or of a store's buckets. */
export const browsedEntries = 200

/** Open uploads that are told by their keys. */
export const uploadSamples = 20
/** Uploads that are aborted by one ask. */
export const abortedUploads = 100

export const browsedEntrySchema = z.strictObject({
  kind: z.enum(['bucket', 'folder', 'object', 'symlink', 'special']),
  /** Relative to the folder; that of a folder ends in `/`. Empty: the folder's own marker. */
  name: keySchema,
  bytes: count.nullable(),
  /** Milliseconds since the epoch; of a bucket, when it was made. */
  modifiedAt: z.number().int().nullable(),
  storageClass: z.string().max(64).nullable(),
})
export type BrowsedEntry = z.infer<typeof browsedEntrySchema>

const sumSchema = z.strictObject({ objects: count, bytes: count })

export const askSchema = z.discriminatedUnion('kind', [
  /** Try what can be done there (connection-test.ts). */
  z.strictObject({ kind: z.literal('test-connection'), location: resolvedS3Schema }),
  /**
   * Seal the secret of a connection to another agent of the same site. The one that is asked does so to no key but one that its own site's root
   * certifies, and the secret is still bound to this connection and endpoint.
   */
  z.strictObject({
    kind: z.literal('reseal'),
    connection: connectionName,
    endpoint: endpointSchema.nullable(),
    /** Of the secret; another one is refused. */
    version: z.number().int().positive(),
    agent: name,
    /** Of that agent's keys. */
    certificate: certificateSchema,
  }),
  /** What stands in a folder past `after`; a store's buckets. */
  z.strictObject({
    kind: z.literal('browse'),
    at: z.discriminatedUnion('kind', [...resolvedLocationSchema.options, resolvedStoreSchema]),
    after: keySchema.nullable(),
  }),
  /** What there is past `after`, counted by a filter, for some seconds. */
  z.strictObject({
    kind: z.literal('scan'),
    location: resolvedLocationSchema,
    filter: filterSchema,
    after: keySchema.nullable(),
  }),
  /** Whether a migration would work. */
  z.strictObject({
    kind: z.literal('preflight'),
    source: resolvedLocationSchema,
    destination: resolvedLocationSchema,
    filter: filterSchema,
    ...arrangementShape,
    options: passOptionsSchema,
  }),
  /** Which multipart uploads were begun below a location and not ended, of objects that the filter lets in. */
  z.strictObject({
    kind: z.literal('open-uploads'),
    location: resolvedLocationSchema,
    filter: filterSchema,
  }),
  /** Abort uploads that a migration has begun, and that nobody will end; `upload` is null where its id was never learned. */
  z.strictObject({
    kind: z.literal('abort-uploads'),
    location: resolvedLocationSchema,
    uploads: z
      .array(z.strictObject({ key: keySchema, upload: uploadIdSchema.nullable(), begun: z.number().int() }))
      .max(abortedUploads),
  }),
])
export type Ask = z.infer<typeof askSchema>

export const answerSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('test-connection'), test: connectionTestSchema }),
  z.strictObject({ kind: z.literal('reseal'), envelope: envelopeSchema }),
  z.strictObject({
    kind: z.literal('browse'),
    /** Rising in the order of their names' bytes. */
    entries: z.array(browsedEntrySchema).max(browsedEntries),
    /** Where to go on; null: this is all. */
    next: keySchema.nullable(),
  }),
  z.strictObject({
    kind: z.literal('scan'),
    taken: sumSchema,
    left: sumSchema,
    narrowed: z.boolean(),
    others: count,
    storageClasses: z.record(z.string().max(64), sumSchema),
    archived: sumSchema,
    sizes: z.array(count).length(5),
    largest: z.strictObject({ key: keySchema, bytes: count }).nullable(),
    samples: z.strictObject({ taken: z.array(keySchema).max(20), left: z.array(keySchema).max(20) }),
    next: keySchema.nullable(),
    ms: count,
  }),
  z.strictObject({ kind: z.literal('preflight'), findings: z.array(findingSchema).max(50) }),
  z.strictObject({
    kind: z.literal('open-uploads'),
    /** Begun by this very agent, be it for another migration; what other agents have begun counts as others'. */
    ours: count,
    others: count,
    /** Whether there are others still, which were not counted. */
    more: z.boolean(),
    /** Of the others, the first in the order of keys; `begun` is when, by the store's clock (ms). */
    samples: z.array(z.strictObject({ key: keySchema, begun: z.number().int() })).max(uploadSamples),
  }),
  z.strictObject({ kind: z.literal('abort-uploads'), aborted: count }),
  z.strictObject({ kind: z.literal('refused'), error: errorBodySchema.strict() }),
])
export type Answer = z.infer<typeof answerSchema>
