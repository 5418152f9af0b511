/**
 * A location is where a migration reads from or writes to. It names a credential and never holds one.
 */
import * as z from 'zod'

/** Becomes part of a file's name and of an environment variable's. */
export const customerKeyName = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/, 'letters, digits, "_" and "-", at most 64')

const site = z.string().min(1).max(100)

export const s3LocationSchema = z.strictObject({
  kind: z.literal('s3'),
  bucket: z.string().min(1).max(255),
  /** Empty, or ends in `/`: a prefix is a folder. Text, at most 1,024 bytes. */
  prefix: z
    .string()
    .max(1024)
    .refine((p) => p === '' || p.endsWith('/'), 'a prefix ends in "/"'),
  /** Null: what the profile says, else AWS itself. */
  endpoint: z.url({ protocol: /^https?$/ }).nullable(),
  region: z.string().min(1).max(100).nullable(),
  /** The name of a profile that the agents have. Null: the AWS chain's default. */
  profile: z.string().min(1).max(200).nullable(),
  /** The name of a key that the agents have, for objects encrypted with a key of the customer's (SSE-C). */
  customerKey: customerKeyName.optional(),
  /** Requests are not signed: a public bucket is read with nobody's credentials. */
  anonymous: z.literal(true).optional(),
  /** Whoever reads the bucket pays for it, and says so with each request. */
  requesterPays: z.literal(true).optional(),
  /** Null: every agent reaches it. */
  site: site.nullable(),
})

export const fileLocationSchema = z.strictObject({
  kind: z.literal('file'),
  /** An absolute path of a directory. */
  path: z.string().min(1).max(4096).startsWith('/'),
  /** Directories are local: only agents of this site see this one. */
  site,
})

export const locationSchema = z.discriminatedUnion('kind', [s3LocationSchema, fileLocationSchema])
export type S3Location = z.infer<typeof s3LocationSchema>
export type FileLocation = z.infer<typeof fileLocationSchema>
export type Location = z.infer<typeof locationSchema>

/** The way people write it: `s3://bucket/prefix/` or a path. */
export function formatLocation(location: Location): string {
  switch (location.kind) {
    case 's3':
      return `s3://${location.bucket}/${location.prefix}`
    case 'file':
      return location.path
    default:
      return location satisfies never
  }
}
