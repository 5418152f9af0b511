/**
 * What an agent may touch, as the people at its site say. Whatever a control plane asks for is held to this list before anything is opened, and
 * nothing that it says widens it: one that is taken over can neither read files of its choice nor send data to a bucket of its own.
 *
 *   s3://bucket                                    this bucket at AWS
 *   s3://bucket/prefix/                            what is below this prefix
 *   s3://bucket/prefix/ at https://s3.example.com  the same at another endpoint
 *   https://s3.example.com/*                       every bucket of an endpoint
 *   s3://*                                         every bucket at AWS
 *   /srv/data                                      this directory, and what is below it
 *   *                                              everything
 */
import { lstatSync, realpathSync } from 'node:fs'
import { basename, dirname, isAbsolute, join, resolve } from 'node:path'
import { DrayError } from '../../shared/error.ts'
import { formatLocation, type Location } from '../../shared/location.ts'

export type Entry =
  | { readonly kind: 'all' }
  /** `endpoint`: null is AWS; `bucket`: null is every one. `prefix`: empty, or ends in `/`. */
  | {
      readonly kind: 's3'
      readonly endpoint: string | null
      readonly bucket: string | null
      readonly prefix: string
    }
  /** Absolute. */
  | { readonly kind: 'file'; readonly path: string }

export interface AllowList {
  /** Where people add to it; null where everything is allowed. */
  readonly file: string | null
  readonly entries: readonly Entry[]
}

/** Of the agent of an embedded control plane, which does what its own user asks for. */
export const allowAll: AllowList = { file: null, entries: [{ kind: 'all' }] }

/** Throws `usage`, with what is wrong with it. */
export function parseEntry(text: string): Entry {
  const entry = text.trim()
  if (entry === '*') return { kind: 'all' }
  if (isAbsolute(entry)) return { kind: 'file', path: resolve(entry) }
  const [, bucket, prefix = '', at] = /^s3:\/\/([^/\s]+)(?:\/(.*?))?(?:\s+at\s+(\S+))?$/.exec(entry) ?? []
  if (bucket !== undefined) {
    if (prefix !== '' && !prefix.endsWith('/')) {
      throw wrong(entry, 'a prefix ends in "/"', `Write s3://${bucket}/${prefix}/`)
    }
    const endpoint = at === undefined ? null : normalEndpoint(at, entry)
    if (bucket === '*' && prefix !== '') throw wrong(entry, 'every bucket has no prefix', 'Write s3://*')
    return { kind: 's3', endpoint, bucket: bucket === '*' ? null : bucket, prefix }
  }
  if (/^https?:\/\/[^\s]+\/\*$/.test(entry)) {
    return { kind: 's3', endpoint: normalEndpoint(entry.slice(0, -1), entry), bucket: null, prefix: '' }
  }
  throw wrong(
    entry,
    'this is no place that an agent could touch',
    'Write s3://bucket, s3://bucket/prefix/ at https://host:port, https://host/*, or an absolute path.',
  )
}

export function formatEntry(entry: Entry): string {
  switch (entry.kind) {
    case 'all':
      return '*'
    case 'file':
      return entry.path
    case 's3': {
      const { endpoint, bucket, prefix } = entry
      if (bucket === null) return endpoint === null ? 's3://*' : `${endpoint}/*`
      return `s3://${bucket}${prefix && `/${prefix}`}${endpoint === null ? '' : ` at ${endpoint}`}`
    }
    default:
      return entry satisfies never
  }
}

/** Throws `access-denied` where no entry has it, and names the one to add. */
export function holdToList({ file, entries }: AllowList, location: Location): void {
  if (entries.some((entry) => covers(entry, location))) return
  const entry = formatEntry(entryFor(location))
  throw new DrayError(
    'access-denied',
    `open ${formatLocation(location)}`,
    `this agent may not touch ${entry}`,
    // Another agent may be allowed to.
    { retry: 'later', hint: `If it should, whoever runs it adds this line to ${file}: ${entry}` },
  )
}

/**
 * The names of the folders that lead from `location` towards what entries allow further down, each with `/` at its end; what is there is not
 * looked at.
 */
export function waysTo({ entries }: AllowList, location: Location): string[] {
  const from = rootOf(location)
  if (from === null) return []
  const ways = entries.flatMap((entry) => {
    const to = entry.kind === 'all' ? null : rootOf(entry)
    if (to?.store !== from.store || !to.path.startsWith(from.path) || to.path === from.path) return []
    return [to.path.slice(from.path.length, to.path.indexOf('/', from.path.length) + 1)]
  })
  return [...new Set(ways)]
}

/** Paths end in `/`, or are empty. Null for what has no way. */
function rootOf(place: Location | Exclude<Entry, { kind: 'all' }>): { store: string; path: string } | null {
  if (place.kind === 'file') {
    if (hasDirections(place.path)) return null
    return { store: 'file', path: place.path.replace(/\/*$/, '/') }
  }
  const { endpoint, bucket, prefix } = place
  const origin = endpoint === null ? null : normalEndpoint(endpoint, endpoint)
  return bucket === null ? null : { store: JSON.stringify([origin, bucket]), path: prefix }
}

/** Throws `access-denied` where no entry is about this endpoint (null: AWS). */
export function holdStoreToList({ file, entries }: AllowList, endpoint: string | null): void {
  const origin = endpoint === null ? null : normalEndpoint(endpoint, endpoint)
  if (entries.some((entry) => entry.kind === 'all' || (entry.kind === 's3' && entry.endpoint === origin)))
    return
  const line = formatEntry({ kind: 's3', endpoint: origin, bucket: null, prefix: '' })
  throw new DrayError('access-denied', 'list buckets', `this agent may touch nothing at ${origin ?? 'AWS'}`, {
    retry: 'later',
    hint: `If it should, whoever runs it adds this line to ${file}, or one for each bucket: ${line}`,
  })
}

/** Whether an entry is about this bucket, or something in it. */
export function seesBucket({ entries }: AllowList, endpoint: string | null, bucket: string): boolean {
  const origin = endpoint === null ? null : normalEndpoint(endpoint, endpoint)
  return entries.some(
    (entry) =>
      entry.kind === 'all' ||
      (entry.kind === 's3' && entry.endpoint === origin && (entry.bucket ?? bucket) === bucket),
  )
}

/** The narrowest one that has the whole location. Where links lead is nothing to tell whoever asks. */
function entryFor(location: Location): Entry {
  if (location.kind === 'file') return { kind: 'file', path: location.path }
  const { bucket, prefix, endpoint } = location
  return {
    kind: 's3',
    bucket,
    prefix,
    endpoint: endpoint === null ? null : normalEndpoint(endpoint, endpoint),
  }
}

/** A part of a path that is a direction and no name. */
const hasDirections = (path: string) => /(^|\/)\.\.?(\/|$)/.test(path)

function covers(entry: Entry, location: Location): boolean {
  if (entry.kind === 'all') return true
  if (location.kind === 'file') {
    if (entry.kind !== 'file' || hasDirections(location.path)) return false
    const [path, directory] = [realPath(location.path), realPath(entry.path)]
    return path !== null && directory !== null && isBelow(path, directory)
  }
  // The region becomes part of a host's name.
  if (location.region !== null && !/^[A-Za-z0-9-]+$/.test(location.region)) return false
  const { bucket, prefix, endpoint } = location
  const origin = endpoint === null ? null : normalEndpoint(endpoint, endpoint)
  if (entry.kind !== 's3' || entry.endpoint !== origin) return false
  if (entry.bucket === null) return true
  // To S3 `..` is a name like any other, but there are proxies that take it for a direction.
  const isBeneath = prefix.startsWith(entry.prefix) && (entry.prefix === '' || !hasDirections(prefix))
  return entry.bucket === bucket && isBeneath
}

const isBelow = (path: string, directory: string) =>
  path === directory || path.startsWith(directory.endsWith('/') ? directory : `${directory}/`)

/** Without links, for as much of it as exists: what is made below is made there. Null where nobody can tell. */
function realPath(path: string): string | null {
  try {
    return realpathSync(path)
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT' && path !== dirname(path)
    // A link that leads nowhere would be followed when something is made there.
    if (!isMissing || lstatSync(path, { throwIfNoEntry: false })) return null
    const parent = realPath(dirname(path))
    return parent && join(parent, basename(path))
  }
}

/** Scheme, host and port (the usual one left out), and the path without `/` at its end. */
function normalEndpoint(text: string, entry: string): string {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw wrong(entry, `${text} is no address`, 'Write https://host or https://host:port.')
  }
  if (!/^https?:$/.test(url.protocol))
    throw wrong(entry, `${text} is no address of a server`, 'Write https://host:port.')
  const host = url.hostname.replace(/\.$/, '')
  return `${url.protocol}//${host}${url.port && `:${url.port}`}${url.pathname.replace(/\/+$/, '')}`
}

const wrong = (entry: string, message: string, hint: string) =>
  new DrayError('usage', 'read the allow-list', `${entry}: ${message}`, { hint })
