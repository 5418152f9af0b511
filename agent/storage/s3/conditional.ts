/**
 * Writes that happen only where what was listed still stands: If-Match and If-None-Match, which cost no request. Not every store
 * has them, and AWS asks for a right to read besides, so a store that refuses one and takes the same write without is not
 * asked again. One that ignores them is none the wiser, and neither are we.
 */
import { DrayError, type ErrorCode } from '../../../shared/error.ts'
import type { Key } from '../../../shared/key.ts'
import type { Expected, Storage } from '../storage.ts'

export interface Conditions {
  /** Calls `act` with the headers of the condition; without them where the store turns out to have none. */
  hold<T>(
    expected: Expected | undefined,
    write: { key: Key; signal: AbortSignal },
    act: (headers: Record<string, string>) => Promise<T>,
  ): Promise<T>
}

/** `access-denied`: AWS asks who sends an If-Match for the right to read. */
const mayBeOfTheCondition: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'not-implemented',
  'invalid-request',
  'access-denied',
])

export function createConditions(head: Storage['head']): Conditions {
  let refused = false
  /** Ceph's gateway compares with the quotes, which an ETag of its own has not. */
  let quote = '"'

  async function matching<T>(
    expected: string,
    { key, signal }: { key: Key; signal: AbortSignal },
    act: (headers: Record<string, string>) => Promise<T>,
  ): Promise<T> {
    const asked = (mark: string) => act({ 'if-match': `${mark}${expected}${mark}` })
    /** What the store says of a condition that it does not hold, though what it asks for is there. */
    const unlessItIsThere = async (error: unknown) => {
      if (!(error instanceof DrayError)) throw error
      // What was to be there is gone: AWS says so with NoSuchKey, which a write without a condition never answers.
      if (error.code === 'not-found') throw changed(error)
      if (error.code !== 'changed' || (await head(key, signal))?.entry.token !== expected) throw error
    }
    try {
      return await asked(quote)
    } catch (error) {
      await unlessItIsThere(error)
    }
    const other = quote === '' ? '"' : ''
    try {
      const done = await asked(other)
      quote = other
      return done
    } catch (error) {
      await unlessItIsThere(error)
    }
    // And in a bucket with versioning it compares with nothing.
    refused = true
    return act({})
  }

  return {
    hold(expected, write, act) {
      if (expected === undefined || refused) return act({})
      const held = expected === null ? act({ 'if-none-match': '*' }) : matching(expected, write, act)
      return held.catch(async (error) => {
        if (!(error instanceof DrayError) || !mayBeOfTheCondition.has(error.code)) throw error
        const done = await act({})
        refused = true
        return done
      })
    },
  }
}

const changed = (cause: DrayError) =>
  new DrayError('changed', cause.op, `The object changed meanwhile (${cause.op}).`, { retry: 'later', cause })
