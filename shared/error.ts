/**
 * The one error of Dray. `code` says what happened, `retry` whether trying again can help, `hint` what a person can
 * do. A store's errors are classified in its adapter and nowhere else. Stacks and causes never cross a socket.
 */
import * as z from 'zod'

export const errorCodes = [
  'usage', // the command line or a document is wrong
  'config', // configuration or environment is wrong
  'busy', // somebody else holds what is needed (the state directory, an unfinished pass)
  'no-such-bucket',
  'not-found', // object, file, migration or pass
  'bad-credentials', // missing, unknown, expired or with a wrong signature
  'access-denied', // known, but not allowed
  'wrong-region',
  'clock-skew',
  'unreachable', // name, connection or TLS
  'timeout',
  'throttled', // 503 SlowDown, 429
  'server-error', // any other 5xx
  'invalid-request', // the store refuses what was asked
  'not-implemented', // the store does not know what was asked
  'bad-digest', // the bytes that arrived are not those that were sent
  'changed', // the object changed while it was read or written
  'conflict', // the side that follows was changed by somebody else: neither overwritten nor deleted
  'unordered', // a listing that does not rise strictly
  'out-of-range', // a listing that leaves the range that was asked for
  'unsupported-key', // the destination cannot hold this key
  'unsupported-property', // the destination cannot hold something that the object is, and nothing may be lost
  'key-clash', // a key is a file's name and a directory's at once, or two source keys are mapped to one
  'unmapped', // the mapping says nothing of this key, or nothing that can be a key
  'too-large',
  'archived', // must be restored before it can be read
  'symlink',
  'special-file', // device, socket, FIFO
  'no-space',
  'read-only',
  'io', // any other error of a disk
  'differs', // verification found other content
  'missing', // verification found nothing at the destination
  'extra', // verification found it only at the destination
  'protocol', // a message that the other side does not understand
  'stale', // of an older generation or session
  'interrupted',
  'internal', // a defect of Dray
] as const
export type ErrorCode = (typeof errorCodes)[number]

/** now: at once, on a new connection; later: after a pause that grows; never: only after somebody changed something. */
export type Retry = 'now' | 'later' | 'never'

/** Of a Retry-After, what is waited for at most: an hour. */
const longestRetryAfter = 3_600_000

export const errorBodySchema = z.object({
  code: z.enum(errorCodes),
  op: z.string().max(200),
  message: z.string().max(2000),
  retry: z.enum(['now', 'later', 'never']),
  hint: z.string().max(1000).nullable(),
  /** Milliseconds that a store asked to wait (Retry-After); absent where none did. */
  retryAfter: z.number().int().min(0).max(longestRetryAfter).optional(),
})
/** What of an error may cross a border. */
export type ErrorBody = z.infer<typeof errorBodySchema>

export class DrayError extends Error {
  readonly code: ErrorCode
  /** What was being done, in the words of whoever did it: `GET s3://bucket/key`. */
  readonly op: string
  readonly retry: Retry
  readonly hint: string | null
  /** Milliseconds that the other side asked to wait (Retry-After), where it did. */
  readonly retryAfter: number | null

  constructor(
    code: ErrorCode,
    op: string,
    message: string,
    options: { retry?: Retry; hint?: string | null; cause?: unknown; retryAfter?: number | null } = {},
  ) {
    super(message, { cause: options.cause })
    this.name = 'DrayError'
    this.code = code
    this.op = op
    this.retry = options.retry ?? 'never'
    this.hint = options.hint ?? null
    this.retryAfter = options.retryAfter ?? null
  }

  toBody(): ErrorBody {
    return {
      code: this.code,
      op: this.op.slice(0, 200),
      message: this.message.slice(0, 2000),
      retry: this.retry,
      hint: this.hint?.slice(0, 1000) ?? null,
      ...(this.retryAfter && { retryAfter: Math.min(Math.ceil(this.retryAfter), longestRetryAfter) }),
    }
  }
}

/** Any thrown value as a `DrayError`; what Dray did not foresee becomes `internal`. */
export function toDrayError(thrown: unknown, op: string): DrayError {
  if (thrown instanceof DrayError) return thrown
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return new DrayError('internal', op, message, { cause: thrown, retry: 'later' })
}
