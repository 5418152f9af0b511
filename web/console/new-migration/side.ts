/** A place as it is typed: how it is reached, and which bucket and folder, or which directory. */
import * as z from 'zod'
import { fileLocationSchema, type locationSchema, s3LocationSchema } from '../../../shared/location.ts'

type Place = z.infer<typeof locationSchema>

export const sideSchema = z.object({
  /** Nothing yet; a connection; a directory of a site; or as the place of the migration that this one is like. */
  by: z.enum(['', 'connection', 'site', 'like']),
  /** The connection's or the site's. */
  name: z.string(),
  bucket: z.string(),
  /** As typed: the `/` at its end may be missing. */
  prefix: z.string(),
  path: z.string(),
  /** Of a bucket: the site from which it is reached; empty: any. */
  site: z.string(),
  /** Of `like`: endpoint, profile and terms. */
  like: s3LocationSchema.nullable(),
  /** Of a bucket: the name of the customer's key. */
  customerKey: z.string(),
})
export type Side = z.infer<typeof sideSchema>
export const emptySide: Side = {
  ...{ by: '', name: '', bucket: '', prefix: '', path: '', site: '', customerKey: '' },
  like: null,
}
export function sideLike(location: Place): Side {
  if (location.kind === 'file') return { ...emptySide, by: 'site', name: location.site, path: location.path }
  const { bucket, prefix, connection, customerKey = '' } = location
  const side = { ...emptySide, bucket, prefix, customerKey, site: location.site ?? '' }
  if (connection !== undefined) return { ...side, by: 'connection', name: connection }
  return { ...side, by: 'like', like: location }
}

export const folder = (prefix: string) => (prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`)

/** Null where it is not said yet, or wrong. */
export function locationOf(side: Side): Place | null {
  const parsed = parsedSide(side)
  return parsed?.success ? parsed.data : null
}

/** Null: nothing was chosen yet. */
function parsedSide(side: Side) {
  if (side.by === '') return null
  if (side.by === 'site')
    return fileLocationSchema.safeParse({ kind: 'file', path: side.path.trim(), site: side.name })
  const own = { endpoint: null, region: null, profile: null, ...(side.by === 'like' && side.like) }
  const { customerKey: _, ...terms } = own as { customerKey?: string }
  return s3LocationSchema.safeParse({
    ...terms,
    kind: 's3',
    bucket: side.bucket.trim(),
    prefix: folder(side.prefix),
    site: side.site === '' ? null : side.site,
    ...(side.by === 'connection' && { connection: side.name }),
    ...(side.customerKey !== '' && { customerKey: side.customerKey }),
  })
}
