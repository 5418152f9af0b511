/**
 * A storage whose requests are tried again, as their errors say: `now` at once the first time and like `later` after that,
 * `later` after a pause of full jitter that grows, `never` not at all.
 *
 * - A listing goes on after the last key that it delivered, so a long one survives a bad hour of its store.
 * - A read is tried until it begins. A body that breaks midway is its reader's to begin again (copy.ts, prove.ts).
 * - A write opens its body anew each time. A delete marker is laid once.
 * - `throttled` is tried three times as often as other errors.
 * - `changed` is never retried: the same token would be refused again. `interrupted` and aborts end everything at once.
 *
 * What comes out in the end has been retried enough: `isSpent` says so, that loops outside do not multiply the attempts.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { type DrayError, toDrayError } from '../../shared/error.ts'
import type { Key } from '../../shared/key.ts'
import { isEmpty, type Range } from '../../shared/range.ts'
import type { Archive } from './archive.ts'
import type { CopyFrom } from './copy-from.ts'
import { interrupted, throwIfAborted } from './interrupt.ts'
import type { Entry, Multipart, Part, Storage } from './storage.ts'
import type { Versions } from './versions.ts'

export interface RetryOptions {
  /** In all, the first included. */
  attempts: number
  /** 0 to 1. */
  random?: () => number
  sleep?: (ms: number, signal: AbortSignal) => Promise<void>
  /** Where each write makes a version: one whose answer was lost may have made one, so only who looks can try again. */
  writeOnce?: boolean
}

const firstPause = 200
const longestPause = 20_000
/** A store that asks for more patience than this gets an error in the end, not a packet that hangs. */
const longestRetryAfter = 60_000

const spent = new WeakSet<DrayError>()

/** Whether all attempts that the error deserves have been made. */
export const isSpent = (error: DrayError): boolean => spent.has(error)

/** Milliseconds before the attempt after `failures` failed ones (1 or more). */
export function pauseAfter(
  failures: number,
  error: Pick<DrayError, 'retry' | 'retryAfter'>,
  random: () => number,
): number {
  const asked = Math.min(error.retryAfter ?? 0, longestRetryAfter)
  if (error.retry === 'now' && failures === 1) return asked
  return Math.max(random() * Math.min(firstPause * 2 ** (failures - 1), longestPause), asked)
}

/** As `setTimeout`, but an abort ends it at once, as `interrupted`. */
export async function sleepOrAbort(ms: number, signal: AbortSignal): Promise<void> {
  if (ms === 0) return throwIfAborted(signal, 'wait')
  await delay(ms, undefined, { signal }).catch(() => {
    throw interrupted('wait')
  })
}

/** A store that wants less gets less from then on (s3/lanes.ts): to wait for its turn is no failure of a request. */
const throttledShare = 3
const triesOf = (error: DrayError, { attempts }: RetryOptions) =>
  error.code === 'throttled' ? attempts * throttledShare : attempts

/** Waits before another attempt, or throws where none is due. */
export async function pauseOrThrow(
  thrown: unknown,
  failures: number,
  options: RetryOptions,
  signal: AbortSignal,
): Promise<void> {
  const error = toDrayError(thrown, 'request')
  if (signal.aborted) throw interrupted(error.op)
  if (error.code === 'interrupted' || error.code === 'changed') throw error
  if (error.retry === 'never' || isSpent(error) || failures >= triesOf(error, options)) {
    spent.add(error)
    throw error
  }
  await (options.sleep ?? sleepOrAbort)(pauseAfter(failures, error, options.random ?? Math.random), signal)
}

export function retrying<T>(
  act: (attempt: number) => Promise<T>,
  options: RetryOptions,
  signal: AbortSignal,
): Promise<T> {
  // Nearly always the first attempt is the last: then this costs one promise.
  let begun: Promise<T>
  try {
    begun = act(1)
  } catch (error) {
    begun = Promise.reject(error)
  }
  return begun.catch(async (first: unknown) => {
    let thrown = first
    for (let attempt = 1; ; ) {
      await pauseOrThrow(thrown, attempt, options, signal)
      try {
        return await act(++attempt)
      } catch (again) {
        thrown = again
      }
    }
  })
}

export function withRetry(storage: Storage, options: RetryOptions): Storage {
  const again = <T>(signal: AbortSignal, act: (attempt: number) => Promise<T>) =>
    retrying(act, options, signal)
  return {
    kind: storage.kind,
    name: storage.name,
    // A store may find out while it is used.
    get tokens() {
      return storage.tokens
    },
    walks: storage.walks,
    list: (range, listing) =>
      listAgain((rest) => storage.list(rest, listing), range, listing.signal, options),
    head: (key, signal, version) => again(signal, () => storage.head(key, signal, version)),
    ...(storage.headPart && {
      headPart: (entry, number, signal) => again(signal, () => storage.headPart!(entry, number, signal)),
    }),
    read: (key, reading) => again(reading.signal, () => storage.read(key, reading)),
    write: (key, body, metadata, signal, expected) =>
      retrying(() => storage.write(key, body, metadata, signal, expected), writing(options), signal),
    // Where an attempt failed on the way, it may have deleted; nothing there afterwards is then its doing.
    delete: (key, deletion) =>
      again(deletion.signal, async (attempt) => (await storage.delete(key, deletion)) || attempt > 1),
    multipart: storage.multipart && multipartAgain(storage.multipart, options),
    ...(storage.archive && { archive: archiveAgain(storage.archive, options) }),
    ...(storage.place && { place: storage.place }),
    ...(storage.copyFrom && { copyFrom: copyAgain(storage.copyFrom, options) }),
    versions: storage.versions ? versionsAgain(storage.versions, options) : null,
    ...(storage.describe && {
      describe: (head, wanted, signal) => again(signal, () => storage.describe!(head, wanted, signal)),
    }),
    ...(storage.holds && { holds: (signal) => again(signal, () => storage.holds!(signal)) }),
    ...(storage.amend && {
      amend: (key, properties, signal) => again(signal, () => storage.amend!(key, properties, signal)),
    }),
    unsupported: (key) => storage.unsupported(key),
    ...(storage.refusesWrongMd5 && { refusesWrongMd5: (signal) => storage.refusesWrongMd5!(signal) }),
    close: () => storage.close(),
  }
}

const archiveAgain = (archive: Archive, options: RetryOptions): Archive => ({
  standing: (entry, signal) => retrying(() => archive.standing(entry, signal), options, signal),
  restore: (entry, how, signal) => retrying(() => archive.restore(entry, how, signal), options, signal),
})

/** Where a write is made once, it is not tried again even if it was throttled. */
const writing = (options: RetryOptions): RetryOptions =>
  options.writeOnce ? { ...options, attempts: 0 } : options

function copyAgain(copyFrom: CopyFrom, options: RetryOptions): CopyFrom {
  const once = writing(options)
  return {
    most: copyFrom.most,
    whole: (origin, key, metadata, signal, expected) =>
      retrying(() => copyFrom.whole(origin, key, metadata, signal, expected), once, signal),
    part: (origin, range, key, upload, number, signal) =>
      retrying(() => copyFrom.part(origin, range, key, upload, number, signal), options, signal),
  }
}

function multipartAgain(multipart: Multipart, options: RetryOptions): Multipart {
  const again = <T>(signal: AbortSignal, act: () => Promise<T>) => retrying(act, options, signal)
  return {
    limits: multipart.limits,
    // Its answer may be lost, and then there is an upload that nobody knows: whoever remembers what was intended tries again.
    create: (key, metadata, signal) => multipart.create(key, metadata, signal),
    part: (key, upload, number, body, signal) =>
      again(signal, () => multipart.part(key, upload, number, body, signal)),
    list: (key, upload, signal, after = 0) => partsAgain(multipart, key, upload, signal, after, options),
    // Asked for when something went wrong before, or for the sake of a warning: begun again by whoever asks.
    uploads: (prefix, signal) => multipart.uploads(prefix, signal),
    complete: (key, upload, parts, signal, expected) =>
      again(signal, () => multipart.complete(key, upload, parts, signal, expected)),
    abort: (key, upload, signal) => again(signal, () => multipart.abort(key, upload, signal)),
  }
}

function versionsAgain(versions: Versions, options: RetryOptions): Versions {
  return {
    state: (signal) => retrying(() => versions.state(signal), options, signal),
    list: (range, signal) => listAgain((rest) => versions.list(rest, signal), range, signal, options),
    remove: (key, signal) => versions.remove(key, signal),
  }
}

/** Attempts count anew from each page that brought something. */
async function* listAgain<Row extends { readonly key: Key }>(
  list: (rest: Range) => AsyncIterable<Row[]>,
  range: Range,
  signal: AbortSignal,
  options: RetryOptions,
): AsyncGenerator<Row[]> {
  let rest = range
  for (let failures = 0; !isEmpty(rest); ) {
    try {
      for await (const page of list(rest)) {
        const last = page.at(-1)
        if (last !== undefined) {
          rest = { after: last.key, through: range.through }
          failures = 0
        }
        yield page
      }
      return
    } catch (thrown) {
      await pauseOrThrow(thrown, ++failures, options, signal)
    }
  }
}

async function* partsAgain(
  multipart: Multipart,
  key: Entry['key'],
  upload: string,
  signal: AbortSignal,
  after: number,
  options: RetryOptions,
): AsyncGenerator<Part[]> {
  let last = after
  for (let failures = 0; ; ) {
    try {
      for await (const page of multipart.list(key, upload, signal, last)) {
        const fresh = page.filter((part) => part.number > last)
        if (fresh.length === 0) continue
        last = fresh.at(-1)!.number
        failures = 0
        yield fresh
      }
      return
    } catch (thrown) {
      await pauseOrThrow(thrown, ++failures, options, signal)
    }
  }
}
