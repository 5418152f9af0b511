/** Settles what `judge` could not: by a HEAD where that is enough, else by hashing. */
import type { Evidence } from '../shared/counts.ts'
import type { Key } from '../shared/key.ts'
import type { Depth } from '../shared/policy.ts'
import type { Entry, Storage } from './storage/storage.ts'

export interface ProveDeps {
  source: Storage
  destination: Storage
  /** Told of bytes that were read. */
  read?(bytes: number): void
}

/** `same: null`: they differ, as far as anybody can tell. */
export type Proof = { same: Evidence } | { same: null }

/**
 * `depth` is the pass's: `copy`, or a verification's. `full` reads both bodies. Throws `vanished` as `not-found` and `changed`
 * where an object is no longer what was listed.
 */
export function prove(
  _deps: ProveDeps,
  _source: Entry,
  _destination: Entry,
  _depth: 'copy' | Depth,
  _signal: AbortSignal,
): Promise<Proof> {
  return Promise.reject(new Error('not yet'))
}

/** Reads both bodies in full. */
export function compareBodies(
  _deps: ProveDeps,
  _source: Entry,
  _destination: Entry,
  _signal: AbortSignal,
): Promise<boolean> {
  return Promise.reject(new Error('not yet'))
}

/** Hex. The object must be the one of `token`. */
export function hashObject(
  _storage: Storage,
  _key: Key,
  _algorithm: 'md5' | 'sha256',
  _options: { token?: string; signal: AbortSignal; read?: ((bytes: number) => void) | undefined },
): Promise<string> {
  return Promise.reject(new Error('not yet'))
}
