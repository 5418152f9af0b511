/**
 * Writes that happen only where what was listed still stands: If-Match and If-None-Match, which cost no request. Not every store
 * has them, and AWS asks for a right to read besides, so a store that refuses one and takes the same write without is not
 * asked again. One that ignores them is none the wiser, and neither are we.
 */
import { DrayError, type ErrorCode } from '../../../shared/error.ts'
import type { Expected } from '../storage.ts'

export interface Conditions {
  /** Calls `act` with the headers of the condition; without them where the store turns out to have none. */
  hold<T>(expected: Expected | undefined, act: (headers: Record<string, string>) => Promise<T>): Promise<T>
}

/** `access-denied`: AWS asks who sends an If-Match for the right to read. */
const mayBeOfTheCondition: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'not-implemented',
  'invalid-request',
  'access-denied',
])

export function createConditions(): Conditions {
  let refused = false
  return {
    async hold(expected, act) {
      if (expected === undefined || refused) return act({})
      const headers: Record<string, string> =
        expected === null ? { 'if-none-match': '*' } : { 'if-match': `"${expected}"` }
      try {
        return await act(headers)
      } catch (error) {
        if (!(error instanceof DrayError)) throw error
        // What was to be there is gone: AWS says so with NoSuchKey, which a write without a condition never answers.
        if (error.code === 'not-found' && expected !== null) throw changed(error)
        if (!mayBeOfTheCondition.has(error.code)) throw error
        const done = await act({})
        refused = true
        return done
      }
    },
  }
}

const changed = (cause: DrayError) =>
  new DrayError('changed', cause.op, `The object changed meanwhile (${cause.op}).`, { retry: 'later', cause })
