/**
 * Settles what `judge` could not, as cheaply as the evidence allows: by hashing one side against the other's token, by a
 * HEAD that tells the mtime an object was made with, or by reading both bodies in full. A copy takes "cannot tell" for
 * "differs" where copying again is as cheap as knowing; a verification never says "differs" without having read both.
 */
import { createHash } from 'node:crypto'
import type { Evidence } from '../shared/counts.ts'
import { DrayError, toDrayError } from '../shared/error.ts'
import type { Key } from '../shared/key.ts'
import { displayKey } from '../shared/key.ts'
import type { Depth } from '../shared/policy.ts'
import { drain } from './body.ts'
import { etagKind } from './core/etag.ts'
import { isKeptMtime, microsFromSeconds } from './core/mtime.ts'
import { defaultPartSize, partCount, partSizes } from './core/part-size.ts'
import { type Digest, partDigest, wholeDigest } from './part-digest.ts'
import { retrying, sleepOrAbort } from './storage/retry.ts'
import type { Entry, Storage } from './storage/storage.ts'

export interface ProveDeps {
  source: Storage
  destination: Storage
  /** Told of bytes that were read. */
  read?(bytes: number): void
}

/** `same: null`: they differ, or a copy had better act as if they did. */
export type Proof = { same: Evidence } | { same: null }

const differ: Proof = { same: null }
/** Guesses at where an upload was cut, hashed in one read of the file. */
const mostGuesses = 3
const attempts = 4

/**
 * For pairs that `judge` called unknown (of equal size). `depth` is the pass's: `copy` or `mtime`, or a verification's; `full` reads
 * both bodies whatever their tokens say. In a verification, throws `not-found` where the source is gone, and `changed` where it is
 * another object now; a copy is told `same: null`, since copying finds out. A destination that is gone or another is not the same.
 * `untimely`: equal times are not enough. `mtime`: they are all that is asked for.
 */
export async function prove(
  deps: ProveDeps,
  source: Entry,
  destination: Entry,
  depth: 'copy' | 'mtime' | Depth,
  signal: AbortSignal,
  untimely = false,
): Promise<Proof> {
  const from: Side = { storage: deps.source, entry: source }
  const to: Side = { storage: deps.destination, entry: destination }
  try {
    return await settle(deps, from, to, depth, signal, untimely)
  } catch (thrown) {
    const error = toDrayError(thrown, 'prove')
    if (error instanceof Moved && (depth === 'copy' || error.storage !== deps.source)) return differ
    throw error
  }
}

interface Side {
  readonly storage: Storage
  readonly entry: Entry
}

async function settle(
  deps: ProveDeps,
  from: Side,
  to: Side,
  depth: 'copy' | 'mtime' | Depth,
  signal: AbortSignal,
  untimely: boolean,
): Promise<Proof> {
  const both = async (): Promise<Proof> =>
    (await compareBodies(deps, from.entry, to.entry, signal)) ? { same: 'full-read' } : differ
  if (depth === 'full') return both()

  const mixed = isFile(from) !== isFile(to)
  if (depth === 'mtime') return (await sameRecordedMtime(from, to, signal)) ? { same: 'size+mtime' } : differ
  if (depth === 'listing' && mixed && (await sameRecordedMtime(from, to, signal)))
    return { same: 'size+mtime' }

  // A token that is an MD5 stands for its side's body, so that only the other side has to be read. Two that are and
  // are unequal leave nothing but reading both.
  const fromIsMd5 = kindOf(from).kind === 'md5'
  if (fromIsMd5 !== (kindOf(to).kind === 'md5')) {
    const [known, { storage, entry }] = fromIsMd5 ? [from, to] : [to, from]
    const [md5] = await digestsOf(storage, entry.key, () => [wholeDigest()], reading(entry, deps, signal))
    if (md5 === known.entry.token) return { same: 'hashed' }
    return depth === 'copy' ? differ : both()
  }

  if (mixed) {
    const [known, file] = isFile(to) ? [from, to] : [to, from]
    const parts = await compareParts(known, file, deps, signal)
    if (parts === 'equal') return { same: 'hashed' }
    if (depth === 'copy') {
      if (parts === 'unequal' || !(await sameRecordedMtime(from, to, signal))) return differ
      return untimely ? both() : { same: 'size+mtime' }
    }
  }
  return both()
}

const isFile = ({ storage }: Side) => storage.kind === 'file'

const kindOf = ({ storage, entry }: Side) =>
  storage.tokens === 'md5' ? etagKind(entry.token) : ({ kind: 'opaque' } as const)

/**
 * Whether a file has the multipart ETag of `known`, cut where we would have cut it or where others do. Null where that cannot
 * be told: only an object that may be our own is known not to be the file.
 */
async function compareParts(
  known: Side,
  file: Side,
  deps: ProveDeps,
  signal: AbortSignal,
): Promise<'equal' | 'unequal' | null> {
  const kind = kindOf(known)
  if (kind.kind !== 'multipart') return null
  const { size, token } = known.entry
  const guesses = partSizes(size, kind.parts, mostGuesses)
  const limits = known.storage.multipart?.limits
  const own = limits === undefined ? null : defaultPartSize(size, limits)
  const isOurs = own !== null && partCount(size, own) === kind.parts
  if (isOurs) guesses.unshift(own)
  if (guesses.length === 0) return null
  const cuts = [...new Set(guesses)].slice(0, mostGuesses)
  const { storage, entry } = file
  const etags = await digestsOf(storage, entry.key, () => cuts.map(partDigest), reading(entry, deps, signal))
  if (etags.includes(token)) return 'equal'
  return isOurs ? 'unequal' : null
}

/** Whether the S3 side was made from (or into) a file of the other's mtime, by what its user metadata say. A HEAD. */
async function sameRecordedMtime(from: Side, to: Side, signal: AbortSignal): Promise<boolean> {
  const [known, file] = isFile(to) ? [from, to] : [to, from]
  const head = await known.storage.head(known.entry.key, signal)
  if (head === null || head.entry.token !== known.entry.token) {
    const op = `head ${displayKey(known.entry.key)} in ${known.storage.name}`
    throw new Moved(head === null ? 'not-found' : 'changed', known.storage, op)
  }
  const recorded = microsFromSeconds(head.metadata.user.mtime ?? '')
  // A file that was made from an object which records none has its LastModified (core/carry.ts).
  const mtime = recorded ?? (file === to ? head.entry.mtime : null)
  return mtime !== null && head.entry.size === file.entry.size && isKeptMtime(mtime, file.entry.mtime)
}

/** Reads both bodies in full, at the same time. Throws `not-found` and `changed`. */
export async function compareBodies(
  deps: ProveDeps,
  source: Entry,
  destination: Entry,
  signal: AbortSignal,
): Promise<boolean> {
  const other = new AbortController()
  const either = AbortSignal.any([signal, other.signal])
  const hash = async (storage: Storage, entry: Entry) => {
    try {
      const [hex] = await digestsOf(storage, entry.key, () => [sha256()], reading(entry, deps, either))
      return hex
    } catch (error) {
      other.abort()
      throw error
    }
  }
  const [a, b] = await Promise.allSettled([hash(deps.source, source), hash(deps.destination, destination)])
  if (a.status === 'fulfilled' && b.status === 'fulfilled') return a.value === b.value
  // The first to fail interrupted the other.
  const reasons = [a, b].flatMap((each) => (each.status === 'rejected' ? [each.reason] : []))
  throw reasons.find((reason) => !isInterruption(reason)) ?? reasons[0]
}

const isInterruption = (reason: unknown) => reason instanceof DrayError && reason.code === 'interrupted'

export interface DigestOptions {
  /** Which object it must be; any where absent. */
  token?: string
  /** Which version of it; the newest where absent. */
  version?: string | undefined
  signal: AbortSignal
  /** Told of bytes that were read. */
  read?: ((bytes: number) => void) | undefined
  /** Waits between tries; the clock's where absent. */
  pause?: (ms: number, signal: AbortSignal) => Promise<void>
}

const reading = (entry: Entry, deps: ProveDeps, signal: AbortSignal): DigestOptions => ({
  token: entry.token,
  version: entry.version,
  signal,
  read: deps.read?.bind(deps),
})

/** Hex. Throws `not-found` where there is nothing, `changed` where it is not the object of `token`. */
export async function hashObject(
  storage: Storage,
  key: Key,
  algorithm: 'md5' | 'sha256',
  options: DigestOptions,
): Promise<string> {
  const [hex] = await digestsOf(storage, key, () => [algorithm === 'md5' ? wholeDigest() : sha256()], options)
  return hex!
}

/** Reads an object once for several digests, again from its beginning where the body breaks. */
export async function digestsOf(
  storage: Storage,
  key: Key,
  begin: () => Digest[],
  { token, version, signal, read, pause = sleepOrAbort }: DigestOptions,
): Promise<string[]> {
  const op = `read ${displayKey(key)} in ${storage.name}`
  return retrying(
    async () => {
      const found = await storage
        .read(key, {
          signal,
          ...(token === undefined ? {} : { token }),
          ...(version === undefined ? {} : { version }),
        })
        .catch((error) => {
          throw error instanceof DrayError && error.code === 'changed'
            ? new Moved('changed', storage, op)
            : error
        })
      if (found === null) throw new Moved('not-found', storage, op)
      const digests = begin()
      const update = (chunk: Uint8Array) => {
        for (const digest of digests) digest.update(chunk)
      }
      await drain(found.body, { size: found.entry.size, op, moved: read, digest: { update } }, signal)
      return digests.map((digest) => digest.etag())
    },
    { attempts, sleep: pause },
    signal,
  )
}

/** An object that is no longer the one that was listed. */
class Moved extends DrayError {
  readonly storage: Storage

  constructor(code: 'changed' | 'not-found', storage: Storage, op: string) {
    super(code, op, code === 'changed' ? 'It changed while it was compared.' : 'It is gone.', {
      retry: code === 'changed' ? 'later' : 'never',
    })
    this.storage = storage
  }
}

function sha256(): Digest {
  const hash = createHash('sha256')
  return { update: (chunk) => void hash.update(chunk), etag: () => hash.digest('hex') }
}
