/** Tries a store's requests again, as their errors say. */
import type { Storage } from './storage.ts'

export interface RetryOptions {
  /** In all, the first included. */
  attempts: number
  random?: () => number
  sleep?: (ms: number, signal: AbortSignal) => Promise<void>
}

export function withRetry(_storage: Storage, _options: RetryOptions): Storage {
  throw new Error('not yet')
}
