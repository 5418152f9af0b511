/**
 * Calls that are made at once instead of through libuv's pool. The five calls that read a small file cost 8 µs of CPU when they are made
 * directly and 53 through the pool, which wakes a thread and the main one for each. But whoever calls directly stands still until the disk
 * answers, and for ever where a mount is dead. So only local kinds of file systems are called directly, only what is answered from memory as a
 * rule (never a sync, never what makes or renames a file), and only as long as it is prompt: after a slow answer the next calls go by the pool.
 */
import fs, { type BigIntStats } from 'node:fs'
import { promisify } from 'node:util'
import type { Path } from './syscalls.ts'
import * as pool from './syscalls.ts'

/** Each as in syscalls.ts. */
export type Calls = Pick<
  typeof pool,
  'lstat' | 'stat' | 'fstat' | 'openToRead' | 'close' | 'readFully' | 'writeFully' | 'futimes'
>

/** Milliseconds: an answer that took longer came from no memory. */
const slowMs = 2
/** Calls that then go by the pool. */
const rest = 200
/** Bytes: more than that is copied by a thread of the pool. */
const most = 256 * 1024

/** The numbers by which Linux knows ext2 to 4, XFS, Btrfs, tmpfs, overlay, ZFS, F2FS and bcachefs. Elsewhere the pool serves. */
const localTypes = new Set([
  0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0x2fc12fc1, 0xf2f52010, 0xca451a4e,
])

const statfs: (path: Path) => Promise<{ type: number }> = promisify(fs.statfs)

/** Whether the file system of `path` is one that answers without a network or another process. */
export async function isLocal(path: Path): Promise<boolean> {
  if (process.platform !== 'linux') return false
  const found = await statfs(path).catch(() => null)
  return found !== null && localTypes.has(found.type)
}

/** One for each location: what is slow there is left to the pool for a while. */
export function promptCalls(now: () => number = () => performance.now()): () => Calls {
  let resting = 0

  async function timed<T>(act: () => T): Promise<T> {
    const began = now()
    try {
      return act()
    } finally {
      if (now() - began > slowMs) resting = rest
    }
  }

  const calls: Calls = {
    lstat: (path) => timed((): BigIntStats => fs.lstatSync(path, { bigint: true })),
    stat: (path) => timed((): BigIntStats => fs.statSync(path, { bigint: true })),
    fstat: (fd) => timed((): BigIntStats => fs.fstatSync(fd, { bigint: true })),
    openToRead: (path, flags) => timed(() => fs.openSync(path, flags)),
    close: (fd) => timed(() => fs.closeSync(fd)),
    futimes: (fd, atime, mtime) => timed(() => fs.futimesSync(fd, atime, mtime)),
    readFully: (fd, buffer, position) =>
      buffer.length > most
        ? pool.readFully(fd, buffer, position)
        : timed(() => {
            let filled = 0
            while (filled < buffer.length) {
              const n = fs.readSync(fd, buffer, filled, buffer.length - filled, position + filled)
              if (n === 0) break
              filled += n
            }
            return filled
          }),
    writeFully: (fd, buffers, position) => {
      const [only] = buffers
      if (only === undefined || buffers.length > 1 || only.length > most)
        return pool.writeFully(fd, buffers, position)
      return timed(() => {
        for (let at = 0; at < only.length; ) at += fs.writeSync(fd, only, at, only.length - at, position + at)
      })
    },
  }
  return () => {
    if (resting === 0) return calls
    resting--
    return pool
  }
}
