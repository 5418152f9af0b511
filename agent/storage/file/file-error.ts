/** What a file system's errors mean to Dray. Nothing else classifies them. */
import { DrayError, type ErrorCode, type Retry } from '../../../shared/error.ts'
import { errnoOf } from './syscalls.ts'

type Meaning = { code: ErrorCode; retry?: Retry; message: string; hint?: string }

const meanings: Record<string, Meaning> = {
  ENOENT: { code: 'not-found', message: 'There is no such file or directory.' },
  EACCES: {
    code: 'access-denied',
    message: 'The file system does not allow it.',
    hint: 'Check the owner and the permissions, of its directories too, against the user that Dray runs as.',
  },
  EPERM: {
    code: 'access-denied',
    message: 'The file system does not permit it.',
    hint: 'It may be immutable, or owned by another user.',
  },
  ENOTDIR: { code: 'key-clash', message: 'A file stands where a directory is needed.' },
  EISDIR: { code: 'key-clash', message: 'A directory stands where the file belongs.' },
  EEXIST: { code: 'key-clash', message: 'Something else stands there already.' },
  ENOTEMPTY: { code: 'key-clash', message: 'A directory stands where the file belongs.' },
  ELOOP: {
    code: 'symlink',
    message: 'A symbolic link stands on the way; Dray does not write or read through it.',
    hint: 'Replace the link by a directory, or name what it points to as the location.',
  },
  ENOSPC: { code: 'no-space', message: 'The file system is full.', hint: 'Free space, then run it again.' },
  EDQUOT: {
    code: 'no-space',
    message: 'The disk quota is used up.',
    hint: 'Raise the quota, then run it again.',
  },
  EFBIG: { code: 'too-large', message: 'The file system does not hold files that large.' },
  EROFS: { code: 'read-only', message: 'The file system is mounted read-only.' },
  ENAMETOOLONG: { code: 'unsupported-key', message: 'The name is too long for this file system.' },
  EILSEQ: { code: 'unsupported-key', message: 'This file system does not hold such bytes in a name.' },
  EINVAL: { code: 'unsupported-key', message: 'This file system does not hold such a name.' },
  EMFILE: {
    code: 'io',
    retry: 'later',
    message: 'Too many files are open.',
    hint: 'Raise the limit (ulimit -n), or lower the concurrency.',
  },
  ENFILE: { code: 'io', retry: 'later', message: 'The whole machine has too many files open.' },
  EBUSY: { code: 'io', retry: 'later', message: 'It is in use.' },
  ESTALE: { code: 'io', retry: 'later', message: 'The file server lost track of it (stale handle).' },
  ETIMEDOUT: { code: 'timeout', retry: 'later', message: 'The file server did not answer in time.' },
  EIO: {
    code: 'io',
    retry: 'later',
    message: 'The disk or the file server failed.',
    hint: 'Look into the system log.',
  },
}

/** Any thrown value as a `DrayError`. `op`: what was done to what, for people. */
export function fileError(thrown: unknown, op: string): DrayError {
  if (thrown instanceof DrayError) return thrown
  const errno = errnoOf(thrown)
  const meaning = errno === undefined ? undefined : meanings[errno]
  if (meaning) {
    const { code, message, retry = 'never', hint = null } = meaning
    return new DrayError(code, op, `${message} (${errno})`, { retry, hint, cause: thrown })
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  const code = errno === undefined ? 'internal' : 'io'
  return new DrayError(code, op, errno === undefined ? message : `The file system failed. (${errno})`, {
    retry: 'later',
    cause: thrown,
  })
}
