/**
 * SRC and DST as people write them: a path, or `s3://bucket/prefix`. Pure: nothing is looked at yet (source.ts and
 * preflight.ts do that). Everything after the bucket's `/` is a key or a prefix as it stands: no escapes are undone,
 * `//` and `..` keep their places.
 */
import { resolve } from 'node:path'
import { DrayError } from '../../shared/error.ts'

export type Role = 'SRC' | 'DST' | '--manifest' | '--against' | 'PLACE' | '--old' | '--new'

/** Directories are local: this is where those of `dray copy` are. */
export const localSite = 'local'

export type Place =
  /** `key` is what follows the bucket: empty, a prefix that ends in `/`, or what may be an object or a folder. */
  | { kind: 's3'; bucket: string; key: string }
  /** `path` is absolute; `folder` where it was written with a `/` at its end. */
  | { kind: 'file'; path: string; folder: boolean }

export function parsePlace(text: string, role: Role, cwd: string): Place {
  if (text === '') throw wrong(role, 'is empty', 'Give a path or s3://bucket/prefix.')
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase()
  if (scheme === 's3') return parseS3(text, role)
  if (scheme === 'file') {
    throw wrong(role, `is a URL: ${text}`, 'Give the path itself, without file://.')
  }
  if (scheme !== undefined) {
    throw wrong(role, `is neither a path nor s3://…: ${text}`, otherScheme(scheme))
  }
  if (/^s3:/i.test(text)) {
    throw wrong(role, `begins with "s3:" but not with "s3://": ${text}`, 'Write s3://bucket/prefix.')
  }
  const path = resolve(cwd, text)
  if (Buffer.byteLength(path) > 4096)
    throw wrong(role, 'is a path of more than 4,096 bytes', 'Give a shorter one.')
  return { kind: 'file', path, folder: /\/\.{0,2}$/.test(text) || text === '.' || text === '..' }
}

function parseS3(text: string, role: Role): Place {
  const rest = text.slice('s3://'.length)
  const slash = rest.indexOf('/')
  const bucket = slash < 0 ? rest : rest.slice(0, slash)
  const key = slash < 0 ? '' : rest.slice(slash + 1)
  if (bucket === '') throw wrong(role, `names no bucket: ${text}`, 'Write s3://bucket/prefix.')
  if (!/^[A-Za-z0-9._:-]{1,255}$/.test(bucket)) {
    throw wrong(role, `has a bucket name that S3 does not allow: ${bucket}`, 'Write s3://bucket/prefix.')
  }
  if (Buffer.byteLength(key) > 1024) {
    throw wrong(role, 'has a prefix of more than 1,024 bytes', 'S3 allows no longer keys.')
  }
  return { kind: 's3', bucket, key }
}

/** A prefix is a folder: `photos` and `photos/` are the keys below `photos/`. */
export const folderPrefix = (key: string): string => (key === '' || key.endsWith('/') ? key : `${key}/`)

/** An object's folder and its own name: `a//b` is `b` in `a//`. */
export function splitKey(key: string): { prefix: string; name: string } {
  const at = key.lastIndexOf('/') + 1
  return { prefix: key.slice(0, at), name: key.slice(at) }
}

/** The way it was meant, for messages. */
export const formatPlace = (place: Place): string =>
  place.kind === 's3' ? `s3://${place.bucket}/${place.key}` : place.path

function otherScheme(scheme: string): string {
  if (scheme === 'http' || scheme === 'https') {
    return 'Write s3://bucket/prefix, and give the server with --source-endpoint or --destination-endpoint.'
  }
  return 'Dray moves between directories and S3. Write a path or s3://bucket/prefix.'
}

function wrong(role: Role, what: string, hint: string): DrayError {
  return new DrayError('usage', 'read the arguments', `${role} ${what}`, { hint })
}
