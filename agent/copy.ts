/**
 * Copies one object, told once from top to bottom:
 *
 *   can the destination hold it? → how is it to move (core/copy-plan.ts)? → read exactly the object that was listed → write it
 *   → prove that what was written is what was read → the baseline's row
 *
 * and what to do when it fails: an object that changed is copied as it is now, one that is gone is `vanished`, a digest
 * that does not match is looked into, and everything else is tried again as its error says.
 *
 * The proof is the cheapest that the two stores allow. A store is told the MD5 that the source's token says, unhashed here, and
 * must answer with it as its own token; one whose tokens are no MD5s must have refused a wrong one (`store-verified`). Bytes are
 * hashed on their way where nobody gave an MD5 (`hashed`); where a store does neither, what it holds is read once
 * (`full-read`). Between two directories the kernel is believed (`size+mtime`).
 *
 * A source that gives other bytes than its token says is thus found out by the destination: it refuses them (BadDigest), and
 * `lessonOf` looks whether it is the token or the bytes that is wrong; or it takes them, its token differs, and it is never believed again.
 */
import { hash } from 'node:crypto'
import type { Evidence } from '../shared/counts.ts'
import { DrayError, toDrayError } from '../shared/error.ts'
import { type BaselineRow, sideOf } from './baseline/baseline.ts'
import { BytesBody } from './body.ts'
import { type Copied, type CopyDeps, CopyJob } from './copy-job.ts'
import { copyParts } from './copy-parts.ts'
import { copyWithin, isWithin } from './copy-within.ts'
import { planCopy } from './core/copy-plan.ts'
import { etagKind } from './core/etag.ts'
import { suggestPartSize } from './core/part-size.ts'
import { lookAgain } from './look-again.ts'
import { partDigest, restarting, wholeDigest } from './part-digest.ts'
import { planParts } from './parts-plan.ts'
import { digestsOf, hashObject } from './prove.ts'
import { discard } from './storage/interrupt.ts'
import { pauseAfter, pauseOrThrow, sleepOrAbort } from './storage/retry.ts'
import type { Entry, Storage } from './storage/storage.ts'

export type { CopyDeps } from './copy-job.ts'

export type CopyOutcome =
  | { outcome: 'copied'; bytes: number; evidence: Evidence; row: BaselineRow }
  | { outcome: 'vanished' }
  /** `deps.parks`: what was found at the destination, and the source as it is. */
  | { outcome: 'conflict'; entry: Entry; destination: Entry | null }
  | { outcome: 'failed'; error: DrayError }

/** Tries of one object, the first included. */
const attempts = 4

/**
 * `listed` is the source's listing line. Tries up to 4 times by itself; throws nothing but `interrupted`. What it told
 * `deps.moved` adds up to the object's size when it was copied, and to nothing when it was not.
 */
export async function copyObject(given: CopyDeps, listed: Entry, signal: AbortSignal): Promise<CopyOutcome> {
  const pause = given.pause ?? sleepOrAbort
  let deps = given
  let entry = listed
  let contradiction: string | null = null
  for (let tries = 1; ; tries++) {
    const refusal = refuse(deps.destination, entry)
    if (refusal !== null) return { outcome: 'failed', error: refusal }
    const job = new CopyJob(deps, entry, contradiction, signal)
    try {
      const copied = await copyOnce(job)
      return { outcome: 'copied', bytes: copied.read.size, evidence: copied.evidence, row: rowOf(copied) }
    } catch (thrown) {
      job.takeBack()
      const error = job.fact ?? toDrayError(thrown, job.op)
      if (signal.aborted) throw interrupted(job)
      if (job.fact?.code === 'not-found') return { outcome: 'vanished' }
      // A version does not change: what is there under its name now is another.
      if (job.fact?.code === 'changed' && entry.version !== undefined) return { outcome: 'vanished' }
      if (error.code === 'changed' && deps.appends) return { outcome: 'failed', error }
      try {
        if (error.code === 'changed' && tries < attempts) {
          // The newest content wins. Whoever is writing it gets a little time from the second try on.
          await pause(pauseAfter(tries, { retry: 'now', retryAfter: null }, Math.random), signal)
          const now = await lookAgain(deps, entry, signal)
          if (now.is === 'vanished') return { outcome: 'vanished' }
          if (now.is === 'conflict')
            return { outcome: 'conflict', entry: now.entry, destination: now.destination }
          if (now.is === 'equal') {
            const { row } = now
            deps.moved(row.source.size)
            return { outcome: 'copied', bytes: row.source.size, evidence: row.evidence, row }
          }
          entry = now.entry
          if (now.expected !== undefined) deps = { ...deps, expected: now.expected }
          continue
        }
        contradiction = await lessonOf(job, error)
        if (error.code === 'bad-digest' && tries < attempts) continue
        await pauseOrThrow(error, tries, { attempts, sleep: pause }, signal)
      } catch (last) {
        if (signal.aborted) throw interrupted(job)
        return { outcome: 'failed', error: toDrayError(last, job.op) }
      }
    }
  }
}

/** What must not be tried at all. */
function refuse(destination: Storage, { key, kind }: Entry): DrayError | null {
  const reason = destination.unsupported(key)
  if (kind === 'object' && reason === null) return null
  const op = `copy to ${destination.name}`
  if (kind === 'symlink')
    return new DrayError('symlink', op, 'It is a symbolic link, and links are not copied.')
  if (kind === 'special') return new DrayError('special-file', op, 'It is a device, a socket or a pipe.')
  return reason === null ? null : new DrayError('unsupported-key', op, reason)
}

function copyOnce(job: CopyJob): Promise<Copied> {
  const { source, destination } = job.deps
  const isSmall = planCopy(job.entry, source.tokens, destination.multipart).how === 'at-once'
  return isSmall && !isWithin(job) ? copyAtOnce(job) : copyAsPlanned(job)
}

async function copyAsPlanned(job: CopyJob): Promise<Copied> {
  const within = await copyWithin(job)
  if (within) return within
  const plan = await planParts(job)
  if (!('how' in plan)) return copyParts(job, job.deps.destination.multipart!, plan)
  return plan.how === 'at-once' ? copyAtOnce(job) : copyStream(job)
}

/** A small object: one read, one write, no stream between. What needs hashing is hashed before the write begins. */
async function copyAtOnce(job: CopyJob): Promise<Copied> {
  const { source, destination } = job.deps
  const reading = await job.readAtOnce()
  const { entry: read, bytes } = reading
  const metadata = await job.carried(reading)
  const token = md5Of(source, read)
  const isFile = destination.kind === 'file'
  if (token !== null && (isFile || gullible.has(destination))) job.believe(hash('md5', bytes), token)
  const promised = isFile ? null : (job.contradiction ?? token ?? hash('md5', bytes))

  const body = new BytesBody(bytes, promised === null ? null : base64(promised))
  const written = await destination.write(read.key, body, metadata, job.signal, job.deps.expected)
  job.count(read.size)
  reading.release?.()
  if (promised === null) return { read, written, evidence: token === null ? 'size+mtime' : 'hashed' }
  const isProven = written.token === promised
  const evidence = isProven ? 'store-verified' : await proven(job, written.token, promised, 'store-verified')
  if (promised === token) job.agreed()
  return { read, written, evidence }
}

/** One write, as the bytes come, and the cheapest way to know that they arrived. */
async function copyStream(job: CopyJob): Promise<Copied> {
  const { source, destination } = job.deps
  const first = await job.read()
  try {
    const { entry: read } = first
    const metadata = await job.carried(first)
    const write = (body: Pick<Parameters<CopyJob['body']>[0], 'contentMd5' | 'begin'>) =>
      destination.write(
        read.key,
        job.body({ ...body, size: read.size, first }),
        metadata,
        job.signal,
        job.deps.expected,
      )
    // Only now: what the source's tokens are worth may have come with its answer.
    const token = md5Of(source, read)

    if (destination.kind !== 'file') {
      const promised = job.contradiction ?? token
      if (promised !== null) {
        const written = await write({ contentMd5: base64(promised), begin: () => ({}) })
        const evidence = await proven(job, written.token, promised, 'store-verified')
        if (promised === token) job.agreed()
        return { read, written, evidence }
      }
      const hashing = restarting(wholeDigest)
      const written = await write({ begin: hashing.begin })
      return { read, written, evidence: await proven(job, written.token, hashing.etag(), 'hashed') }
    }

    if (token !== null) {
      // A file that fails at its very end is never put in place.
      const begin = () => {
        const digest = wholeDigest()
        return { digest, ended: () => job.believe(digest.etag(), token) }
      }
      return { read, written: await write({ begin }), evidence: 'hashed' }
    }
    const cut = source.tokens === 'md5' ? cutOf(read) : null
    const hashing = cut === null ? null : restarting(() => partDigest(cut))
    const written = await write({ begin: hashing?.begin ?? (() => ({})) })
    return { read, written, evidence: hashing?.etag() === read.token ? 'hashed' : 'size+mtime' }
  } finally {
    discard(first.body)
  }
}

/** The MD5 that an object's token says, or null. */
const md5Of = ({ tokens }: Storage, { token }: Entry): string | null =>
  tokens === 'md5' && etagKind(token).kind === 'md5' ? token : null

/** The part size by which a multipart token can be recomputed, if that guess is right. */
function cutOf({ token, size }: Entry): number | null {
  const kind = etagKind(token)
  return kind.kind === 'multipart' ? suggestPartSize(size, kind.parts) : null
}

/** Stores that took bytes other than those of their Content-MD5: what goes there is hashed before it does, where it can be. */
const gullible = new WeakSet<Storage>()

/**
 * The evidence where the destination's token is the MD5 that it should be. Where its tokens are no MD5s, it is taken at its word if
 * it was given an MD5 and refuses wrong ones; else what it holds is read and hashed.
 */
async function proven(job: CopyJob, token: string, md5: string, evidence: Evidence): Promise<Evidence> {
  if (token === md5) return evidence
  const { destination } = job.deps
  const wasTold = evidence === 'store-verified'
  if (wasTold && (await destination.refusesWrongMd5?.(job.signal))) {
    // A token of no form that S3 knows may come from something that answers for the store, and stores nothing.
    if (etagKind(token).kind === 'md5' || (await stands(job, token))) return evidence
    throw job.badDigest('The destination says that it took the object, and does not have it.')
  }
  const options = { token, signal: job.signal }
  const [found] = await digestsOf(destination, job.entry.key, () => [wholeDigest()], options)
  if (found === md5) return 'full-read'
  if (wasTold) gullible.add(destination)
  throw job.badDigest('The destination holds other bytes than were sent.')
}

async function stands({ deps: { destination }, entry, signal }: CopyJob, token: string): Promise<boolean> {
  const found = await destination.head(entry.key, signal)
  return found !== null && found.entry.token === token && found.entry.size === entry.size
}

/**
 * What the next try is to know of the source's MD5. The store refused a body by the source's own token: either the wire
 * changed it, or the token is no MD5. One more read tells which.
 */
async function lessonOf(job: CopyJob, error: DrayError): Promise<string | null> {
  const { source } = job.deps
  if (error.code !== 'bad-digest' || job.tokensAreMd5s || job.lesson !== null) return job.lesson
  const { key, version } = job.entry
  const token = md5Of(source, job.entry)
  return token === null ? null : hashObject(source, key, 'md5', { token, version, signal: job.signal })
}

function rowOf({ read, written, evidence }: Copied): BaselineRow {
  const destination = { token: written.token, size: read.size, mtime: written.mtime }
  return { key: read.key, source: sideOf(read), destination, evidence }
}

const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64')

const interrupted = ({ op }: CopyJob) =>
  new DrayError('interrupted', op, 'It was interrupted.', { retry: 'later' })
