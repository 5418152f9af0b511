/** What all operations of the mirror share. */
import type { Readable } from 'node:stream'
import type { Key } from '../../shared/key.ts'
import type { Incoming } from '../s3-server/body.ts'
import type { Journal } from './journal.ts'
import type { KeyLocks } from './key-locks.ts'
import type { Roles } from './roles.ts'
import type { Side, SideName } from './side.ts'
import type { Uploads } from './uploads.ts'

export interface World {
  readonly old: Side
  readonly new: Side
  readonly roles: Roles
  readonly journal: Journal
  readonly locks: KeyLocks
  readonly uploads: Uploads
  /** What the application calls the bucket. */
  readonly bucket: string
  readonly region: string
  /** Milliseconds that the side that follows gets once the other has answered: for a request, and for one that makes a store work. */
  readonly patience: { readonly usual: number; readonly long: number }
  /** Which side takes checksums behind a body. */
  readonly trailers: Readonly<Record<SideName, boolean>>
  /** Ends requests that nobody may wait for any longer; a write that has begun is not ended because its client has gone. */
  readonly signal: AbortSignal
}

/** A request of the application's, known to be its own. */
export interface Exchange extends Incoming {
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal
}

export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** A string is a byte string. `length` where a stream's is known. */
  readonly body?: string | Buffer | Readable | null
  readonly length?: number | undefined
}

export type Handler = (world: World, exchange: Exchange) => Promise<Answer>

export const keyOf = ({ request }: Exchange): Key => request.key!
