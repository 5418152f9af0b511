/** What an aborted signal means to a storage: `DrayError` with code `interrupted`, soon. */
import type { Readable } from 'node:stream'
import { DrayError } from '../../shared/error.ts'

export function interrupted(op: string): DrayError {
  return new DrayError('interrupted', op, 'It was interrupted.', { retry: 'later' })
}

export function throwIfAborted(signal: AbortSignal, op: string): void {
  if (signal.aborted) throw interrupted(op)
}

/**
 * Settles like `promise`, or rejects as `interrupted` as soon as `signal` aborts. What `promise` brings after that goes
 * to `discard`.
 */
export function orAbort<T>(
  promise: Promise<T>,
  signal: AbortSignal,
  op: string,
  discard?: (late: T) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      reject(interrupted(op))
      promise.then(discard, () => {})
    }
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

/** Destroys a stream that nobody will read; what it still has to say about that goes nowhere. */
export function discard(stream: Readable): void {
  stream.on('error', () => {}).destroy()
}
