/**
 * A location is where a migration reads from or writes to. It names a credential and never holds one.
 */
import * as z from 'zod'
import { idSchema } from './id.ts'

/** Becomes part of a file's name and of an environment variable's. */
export const customerKeyName = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/, 'letters, digits, "_" and "-", at most 64')

export const siteName = z.string().min(1).max(100)

/** Of a connection: what locations call it by. */
export const connectionName = idSchema

/** The address of a server, and no more: what is stored in the clear must not hold a password. */
export const endpointSchema = z
  .url({ protocol: /^https?$/ })
  .max(2_000)
  .refine((text) => {
    // What is no address is told already.
    if (!URL.canParse(text)) return true
    const { username, password, search, hash } = new URL(text)
    return username + password + search + hash === ''
  }, 'an endpoint holds no name, password, query or fragment')

const s3Shape = {
  kind: z.literal('s3'),
  bucket: z.string().min(1).max(255),
  /** Empty, or ends in `/`: a prefix is a folder. Text, at most 1,024 bytes. */
  prefix: z
    .string()
    .max(1024)
    .refine((p) => p === '' || p.endsWith('/'), 'a prefix ends in "/"'),
  /** Null: what the profile says, else AWS itself. */
  endpoint: endpointSchema.nullable(),
  region: z.string().min(1).max(100).nullable(),
  /** The name of a profile that the agents have. Null: the AWS chain's default. */
  profile: z.string().min(1).max(200).nullable(),
  /** The name of a key that the agents have, for objects encrypted with a key of the customer's (SSE-C). */
  customerKey: customerKeyName.optional(),
  /** Requests are not signed: a public bucket is read with nobody's credentials. */
  anonymous: z.literal(true).optional(),
  /** Whoever reads the bucket pays for it, and says so with each request. */
  requesterPays: z.literal(true).optional(),
  /** The bucket is named by the path, or by the host; absent: by the path where there is an endpoint. */
  pathStyle: z.boolean().optional(),
  /** Says where it is and how to get its credential, in place of endpoint, region, profile and terms here, which are null and absent then. */
  connection: connectionName.optional(),
  /** Null: every agent reaches it. */
  site: siteName.nullable(),
}

export const s3LocationSchema = z
  .strictObject(s3Shape)
  .refine(
    ({ connection, endpoint, region, profile, anonymous, requesterPays, pathStyle }) =>
      connection === undefined ||
      (endpoint ?? region ?? profile ?? anonymous ?? requesterPays ?? pathStyle ?? null) === null,
    'a location with a connection has no endpoint, region, profile or terms of its own',
  )

export const fileLocationSchema = z.strictObject({
  kind: z.literal('file'),
  /** An absolute path of a directory. */
  path: z.string().min(1).max(4096).startsWith('/'),
  /** Directories are local: only agents of this site see this one. */
  site: siteName,
})

/** As people give it. */
export const locationSchema = z.discriminatedUnion('kind', [s3LocationSchema, fileLocationSchema])

/** As agents get it: what its connection says stands in its place. */
export const resolvedS3Schema = z.strictObject({
  ...s3Shape,
  /** The credential is a secret of the connection's, which each agent has under its own key. */
  sealed: z.literal(true).optional(),
  /** Those from which it can be reached; absent: all. */
  sites: z.array(siteName).min(1).max(100).optional(),
})
export const resolvedLocationSchema = z.discriminatedUnion('kind', [resolvedS3Schema, fileLocationSchema])

export type S3Location = z.infer<typeof resolvedS3Schema>
export type FileLocation = z.infer<typeof fileLocationSchema>
/** Resolved, or without a connection. */
export type Location = S3Location | FileLocation

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
