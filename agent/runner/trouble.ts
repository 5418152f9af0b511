/**
 * Whose trouble is it: one object's, which then fails alone, or a whole side's, which stops the packet to be tried again
 * later, instead of failing each of its objects for the same reason?
 */
import { DrayError, type ErrorCode, toDrayError } from '../../shared/error.ts'
import { displayKey, type Key } from '../../shared/key.ts'
import { oneKey } from '../../shared/range.ts'
import type { Storage } from '../storage/storage.ts'

/** About a whole side, whichever object it was that met it. */
const ofSide: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'no-space',
  'read-only',
  'bad-credentials',
  'no-such-bucket',
  'wrong-region',
  'clock-skew',
])

/** What a side that is down says of every object, and what a side that is well may say of a broken one. */
const ofEither: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'unreachable',
  'timeout',
  'throttled',
  'server-error',
  'protocol',
])

/** Whether what one object met, whose sides answer, may be over: a store that was started anew while the object was tried, say. */
export const mayPass = ({ code, retry }: DrayError): boolean =>
  (ofEither.has(code) || code === 'not-found') && retry !== 'never'

/** A side that takes longer to say anything at all does not answer. */
const answerMs = 30_000

interface Sides {
  readonly source: Storage
  readonly destination: Storage
}

/**
 * `error` is what is left after all tries of the object. Where it can be either's trouble, both sides are asked whether
 * they answer now: an object that always breaks must not keep those beside it from being copied.
 */
export async function isSideTrouble(
  error: DrayError,
  sides: Sides,
  key: Key,
  signal: AbortSignal,
): Promise<boolean> {
  if (!ofEither.has(error.code)) return ofSide.has(error.code)
  const answered = await Promise.all(
    [sides.source, sides.destination].map((side) => answers(side, key, signal)),
  )
  return answered.includes(false)
}

async function answers(storage: Storage, key: Key, signal: AbortSignal): Promise<boolean> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(answerMs)])
  const well = (asked: Promise<unknown>) =>
    asked.then(
      () => true,
      (thrown) => {
        const error = toDrayError(thrown, 'ask')
        if (signal.aborted) throw error
        const { code } = error
        return code !== 'interrupted' && !ofEither.has(code) && !ofSide.has(code)
      },
    )
  if (await well(storage.head(key, within))) return true
  // What broke the object may break its HEAD. A listing is not about it alone, but is dear on a file system.
  return storage.kind !== 'file' && well(isListed(storage, key, within))
}

/**
 * Whether an object that could not be found is gone for good. The word of a GET or a HEAD is not enough: a bucket that was
 * removed says the same as an object that was, and a store with a damaged index lists what nobody can read. Throws where
 * the side itself is in trouble.
 */
export async function isGone(storage: Storage, key: Key, signal: AbortSignal): Promise<boolean> {
  // A directory whose file system went away has no objects either: then this throws.
  if (storage.kind === 'file') return (await storage.head(key, signal)) === null
  return !(await isListed(storage, key, signal))
}

/** Of what is listed and cannot be found: written anew meanwhile, or a store that lists what it does not have. */
export const unreadable = (key: Key): DrayError =>
  new DrayError(
    'not-found',
    `read ${displayKey(key)}`,
    'The source lists it, and says that it is not there when it is read.',
    { retry: 'later' },
  )

async function isListed(storage: Storage, key: Key, signal: AbortSignal): Promise<boolean> {
  for await (const page of storage.list(oneKey(key), { signal, fresh: true })) {
    if (page.some((entry) => entry.key === key)) return true
  }
  return false
}
