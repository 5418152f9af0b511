/**
 * Faults that a test asks for. A hook sees each request before anything is done and may say what goes wrong; it may
 * also be asynchronous, and so hold a request until something else has happened.
 */
import type { Key } from '../../shared/key.ts'
import type { Operation } from './operation.ts'

export interface RequestInfo {
  readonly operation: Operation
  /** From 1: how many requests of this operation there have been, this one included. */
  readonly nth: number
  readonly method: string
  readonly bucket: string | null
  readonly key: Key | null
  readonly query: ReadonlyMap<string, string>
  readonly headers: ReadonlyMap<string, string>
}

export interface ListedObject {
  readonly key: Key
  readonly size: number
  readonly etag: string
  /** Milliseconds. */
  readonly modified: number
  readonly storageClass: string
}

export type Fault =
  /** The connection is reset; nothing is done. */
  | 'drop'
  /** The request is carried out, and the connection is reset instead of the answer. */
  | 'drop-answer'
  /** Nothing is done and nothing is answered, until the client gives up or the server stops. */
  | 'stall'
  /** Refused, nothing is done: `{ status: 503, code: 'SlowDown' }`. */
  | { status: number; code: string; message?: string; headers?: Record<string, string> }
  /** Carried out after a pause. */
  | { delayMs: number }
  /** The connection is reset after so many bytes of the answer's body. */
  | { truncateAfter: number }
  /** No byte of the answer's body follows after so many, and the connection stays open. */
  | { stallAfter: number }
  /** One bit of the answer's body is wrong, at this offset. */
  | { corruptAt: number }
  /** Nothing is done, and an answer of status 200 holds an error, as CompleteMultipartUpload and CopyObject do. */
  | { insideOk: string }
  /** The answer's document is this instead. */
  | { document(xml: string): string }
  /** A listing shows these objects instead. */
  | { listing(objects: ListedObject[]): ListedObject[] }

export interface Hooks {
  beforeRequest?(info: RequestInfo): Fault | null | undefined | Promise<Fault | null | undefined>
}
