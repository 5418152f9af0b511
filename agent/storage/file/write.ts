/**
 * Writes a file whole or not at all: under a temporary name beside it, synced, then renamed over what was there (a link
 * is replaced, never written through). Durable when it returns: the file's bytes and times before the rename, the
 * directory after it. Writes at the same time share the directory's sync. Measured (ext4, 10 KB, 16 at once): 12,700/s
 * with no sync, 6,800/s with the file's, 6,400/s with both, 2,600/s with a directory's sync for each.
 */
import { createHash, hash } from 'node:crypto'
import { constants } from 'node:fs'
import { DrayError, toDrayError } from '../../../shared/error.ts'
import { discard, interrupted, orAbort, throwIfAborted } from '../interrupt.ts'
import type { Body, Expected, Metadata, Written } from '../storage.ts'
import type { Directory } from './directories.ts'
import { mtimeOf, tokenOf, utimeSeconds, wantedMtime } from './file-entry.ts'
import { fileError } from './file-error.ts'
import type { Passage } from './passage.ts'
import type { Calls } from './prompt.ts'
import { fsync, lstat, missing, open, type Path, rename, unless, unlink, writeFully } from './syscalls.ts'

/** Bytes that are gathered before they are written. */
const gatherBytes = 1 << 20

const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW

export interface WriteTarget {
  directory: Directory
  name: string
  temporaryName: string
  passage: Passage
  /** For people. */
  op: string
}

export async function writeFile(
  { directory, name, temporaryName, passage, op }: WriteTarget,
  body: Body,
  metadata: Metadata,
  signal: AbortSignal,
  expected?: Expected,
): Promise<Written> {
  const temporary = directory.at(temporaryName)
  const fd = await open(temporary, flags, 0o666)
  try {
    try {
      const { calls } = directory
      if (body.bytes === undefined) await fill(fd, body, passage, signal, op)
      else {
        if (!passage.isFree) await passage.pass(body.size)
        await put(fd, body, body.bytes, calls, op)
      }
      const mtime = wantedMtime(metadata)
      if (mtime !== null) await calls.futimes(fd, String(Date.now() / 1000), utimeSeconds(mtime))
      await fsync(fd)
      throwIfAborted(signal, op)
      if (expected !== undefined) await mustBe(expected, directory.at(name), op)
      await rename(temporary, directory.at(name))
    } catch (error) {
      await unlink(temporary).catch(() => {})
      throw error
    }
    await directory.sync()
    // Of the very file that was written: somebody else's may stand under its name by now.
    const stat = await directory.calls.fstat(fd)
    return { token: tokenOf(stat), mtime: mtimeOf(stat) }
  } finally {
    await directory.calls.close(fd)
  }
}

/** The kernel has no such rename: what comes between this look and the rename is written over. What is no file fails by itself. */
async function mustBe(expected: Expected, path: Path, op: string): Promise<void> {
  const stat = await unless(lstat(path), missing, null)
  if (stat === null ? expected === null : !stat.isFile() || tokenOf(stat) === expected) return
  throw new DrayError('changed', op, 'Another file stands there now.', { retry: 'later' })
}

/** A body that is in memory. */
async function put(fd: number, body: Body, bytes: Buffer, calls: Calls, op: string): Promise<void> {
  if (bytes.length !== body.size)
    throw wrongSize(bytes.length > body.size ? 'longer' : 'shorter', body.size, op)
  mustDigestTo(body.contentMd5, () => hash('md5', bytes, 'base64'), op)
  await calls.writeFully(fd, [bytes], 0).catch((error) => {
    throw fileError(error, op)
  })
}

function mustDigestTo(expected: string | undefined, digest: () => string, op: string): void {
  if (expected === undefined || digest() === expected) return
  const message = 'The bytes that arrived are not those that were sent.'
  throw new DrayError('bad-digest', op, message, { retry: 'now' })
}

async function fill(
  fd: number,
  body: Body,
  passage: Passage,
  signal: AbortSignal,
  op: string,
): Promise<void> {
  const stream = await orAbort(body.open(signal), signal, op, discard)
  const abort = () => stream.destroy(interrupted(op))
  // A stream may fail before anybody reads it; its reader hears of it all the same.
  stream.on('error', () => {})
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()

  const md5 = body.contentMd5 === undefined ? null : createHash('md5')
  let gathered: Uint8Array[] = []
  let written = 0
  let received = 0
  const flush = async () => {
    await writeFully(fd, gathered, written).catch((error) => {
      throw fileError(error, op)
    })
    written = received
    gathered = []
  }
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      received += chunk.length
      if (received > body.size) throw wrongSize('longer', body.size, op)
      md5?.update(chunk)
      if (!passage.isFree) await passage.pass(chunk.length)
      gathered.push(chunk)
      if (received - written >= gatherBytes) await flush()
    }
    if (received < body.size) throw wrongSize('shorter', body.size, op)
    mustDigestTo(body.contentMd5, () => md5!.digest('base64'), op)
    await flush()
  } catch (error) {
    // The disk's errors are classified above; this is the body's.
    throw toDrayError(error, op)
  } finally {
    signal.removeEventListener('abort', abort)
    discard(stream)
  }
}

function wrongSize(how: 'longer' | 'shorter', size: number, op: string): DrayError {
  return new DrayError('changed', op, `The body is ${how} than the ${size} bytes that it should be.`, {
    retry: 'now',
  })
}
