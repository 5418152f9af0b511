/**
 * The file system's calls that this adapter makes, as promises over plain descriptors: a `FileHandle` a file costs more
 * than the whole rest of reading a small one. A stat is in bigint, since microseconds and inodes need it.
 */
import fs, { type BigIntStats } from 'node:fs'
import { promisify } from 'node:util'
import { inTime, patience } from './in-time.ts'

/** A path whose last bytes may not be UTF-8. */
export type Path = string | Buffer

export const open: (path: Path, flags: number, mode?: number) => Promise<number> = inTime(
  promisify(fs.open) as (path: Path, flags: number, mode?: number) => Promise<number>,
  patience.usual,
  (fd) => fs.close(fd, () => {}),
)
/** What is opened only to be read, and never made by it. */
export const openToRead = (path: Path, flags: number): Promise<number> => open(path, flags)
export const close: (fd: number) => Promise<void> = inTime(promisify(fs.close))
export const fsync: (fd: number) => Promise<void> = inTime(promisify(fs.fsync), patience.sync)
export const rename: (from: Path, to: Path) => Promise<void> = inTime(promisify(fs.rename))
export const unlink: (path: Path) => Promise<void> = inTime(promisify(fs.unlink))
export const mkdir = inTime(promisify((path: Path, done: fs.NoParamCallback) => fs.mkdir(path, 0o777, done)))

type StatDone = (error: NodeJS.ErrnoException | null, stat: BigIntStats) => void
export const lstat = inTime(promisify((path: Path, done: StatDone) => fs.lstat(path, { bigint: true }, done)))
export const stat = inTime(promisify((path: Path, done: StatDone) => fs.stat(path, { bigint: true }, done)))
export const fstat = inTime(promisify((fd: number, done: StatDone) => fs.fstat(fd, { bigint: true }, done)))
/** The path without any link, as a byte string. */
export const realpath = inTime(
  promisify((path: Path, done: (error: NodeJS.ErrnoException | null, real: string) => void) =>
    fs.realpath.native(path, 'latin1' as never, done as never),
  ),
)
/** Sets both times, in seconds; a string, since node takes a negative number for "now". */
export const futimes: (fd: number, atime: string, mtime: string) => Promise<void> = inTime(
  promisify(fs.futimes),
)

/** Fills `buffer` from `position` as far as the file goes; how many bytes that was. */
export async function readFully(fd: number, buffer: Uint8Array, position: number): Promise<number> {
  let filled = 0
  while (filled < buffer.length) {
    const n = await readSome(fd, buffer, filled, position + filled)
    if (n === 0) break
    filled += n
  }
  return filled
}

const readSome = inTime(
  promisify(
    (
      fd: number,
      buffer: Uint8Array,
      offset: number,
      position: number,
      done: (error: NodeJS.ErrnoException | null, bytes: number) => void,
    ) => fs.read(fd, buffer, offset, buffer.length - offset, position, done),
  ),
)

const writevSome = inTime(
  promisify(
    (
      fd: number,
      buffers: readonly Uint8Array[],
      position: number,
      done: (error: NodeJS.ErrnoException | null, bytes: number) => void,
    ) => fs.writev(fd, buffers, position, done),
  ),
)

/** Writes all of `buffers` at `position`, however few bytes the system takes at a time. */
export async function writeFully(
  fd: number,
  buffers: readonly Uint8Array[],
  position: number,
): Promise<void> {
  let rest = buffers.filter((buffer) => buffer.length > 0)
  let at = position
  while (rest.length > 0) {
    let n = await writevSome(fd, rest, at)
    at += n
    while (rest.length > 0 && n >= rest[0]!.length) n -= rest.shift()!.length
    if (rest.length > 0 && n > 0) rest = [rest[0]!.subarray(n), ...rest.slice(1)]
  }
}

export const errnoOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined

/** `promise`, or `fallback` where it fails with one of these. */
export async function unless<T, F>(
  promise: Promise<T>,
  errnos: readonly string[],
  fallback: F,
): Promise<T | F> {
  try {
    return await promise
  } catch (error) {
    if (errnos.includes(errnoOf(error) ?? '')) return fallback
    throw error
  }
}

/** Nothing stands under that name, or something that is no directory stands on the way to it. */
export const missing = ['ENOENT', 'ENOTDIR'] as const
