/**
 * How requests go to an S3 server: over sockets of our own (wire/), or through the HTTP proxy that the environment names (proxied-http.ts).
 *
 * It sends the path byte for byte as given, follows no redirect, decompresses nothing, and bounds every wait: for a
 * connection, for the head of the answer, between two pieces of a body. A body is over only when it is whole; one that
 * breaks off ends in an error, and a body that is destroyed gives up its connection at once.
 */
import type { Readable } from 'node:stream'
import type { Lanes } from './lanes.ts'

export interface HttpRequest {
  /** `https://host:port`. */
  readonly origin: string
  /** Whose limit counts (shared/limit.ts); the origin where absent: AWS names buckets by hosts. */
  readonly endpoint?: string
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  /** Path and query, ASCII, already escaped. */
  readonly path: string
  /** Lower-case names; values are byte strings. With a stream as body, `content-length` must be among them. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | Readable | null
  readonly signal: AbortSignal
  /** Milliseconds to wait for the head of the answer once the request is sent. */
  readonly patience: number
  /** Done twice it is not what it is done once: never sent again on another connection. */
  readonly once?: boolean | undefined
  /** Makes of whatever went wrong the error that `send` rejects with, or that the answer's body ends with. */
  readonly fault: (error: unknown) => Error
}

/** An answer's headers, looked up when somebody asks: most of them nobody ever does. Values are byte strings. */
export interface ResponseHead {
  readonly status: number
  /** By lower-case name; several of one name joined by `, `. */
  get(name: string): string | undefined
  /** Of each header, lower-case, in their order. */
  readonly names: readonly string[]
  /** Of the header at this place among `names`. */
  valueAt(place: number): string
}

export interface HttpResponse {
  readonly head: ResponseHead
  readonly status: number
  /** All of them, by lower-case name; `head` costs less where a few are wanted. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** Whoever gets it must consume or destroy it. */
  readonly body: Readable
  /** Bytes of the request's body that were on their way when the answer began. */
  readonly sent: number
}

export interface WholeResponse {
  readonly head: ResponseHead
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Buffer
  /** Nobody will look at the body any more: its memory may be another's. */
  release?(): void
  /** Bytes of the request's body that were on their way when the answer began. */
  readonly sent: number
}

export interface Http {
  send(request: HttpRequest): Promise<HttpResponse>
  /** The answer with its whole body, of at most `most` bytes: a longer one is an error where it is a success, else cut. */
  whole(request: HttpRequest, most: number): Promise<WholeResponse>
  /** Ends what is under way, with errors. */
  close(): Promise<void>
}

/** What `fault` is given where the request's signal ended it. */
export class Aborted extends Error {}

export interface HttpOptions {
  /** How many requests each endpoint gets at once, shared with others; `connections` where absent. */
  readonly lanes?: Lanes | undefined
  /** Most at once to one origin. */
  readonly connections: number
  /** Certificates to trust, in PEM; null for the usual authorities. */
  readonly authorities?: Buffer | null
  readonly bodyIdleMs?: number
}
