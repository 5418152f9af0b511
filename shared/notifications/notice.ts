/** What a store, or a service beside it, tells of: said the same way whoever says it. */
import type { Key } from '../key.ts'

export interface Changed {
  /** Null: whichever is meant. */
  readonly bucket: string | null
  /** Of the bucket, whole; not yet known to be text that anybody wrote. */
  readonly key: Key
  /** When (ms); null where it is not said. */
  readonly at: number | null
}

export type Notice =
  /** Empty for what tells of no change: a test message, or that an object was read. */
  | { readonly is: 'changes'; readonly changes: readonly Changed[] }
  /** Somebody wants this subscription, and the service asks whether it is wanted here (sns.ts). */
  | { readonly is: 'subscription'; readonly topic: string; readonly url: string }

export const nothing: Notice = { is: 'changes', changes: [] }

/** Null where it is none. */
export function timeOf(text: string | undefined): number | null {
  const ms = text === undefined ? Number.NaN : Date.parse(text)
  return Number.isNaN(ms) ? null : ms
}
