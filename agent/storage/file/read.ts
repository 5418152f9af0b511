/** Opens a file for reading: never a device, never through a link, never another file than the one that was listed. */
import { type BigIntStats, constants } from 'node:fs'
import type { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { DrayError } from '../../../shared/error.ts'
import type { ByteRange } from '../storage.ts'
import type { Throttle } from '../throttle.ts'
import { changedWhileRead, chunkBytes, FileBody, isUnchanged } from './body.ts'
import { Passage } from './passage.ts'
import type { Calls } from './prompt.ts'
import type { Path } from './syscalls.ts'

/**
 * A system stamps ctime by a clock that ticks every 1 to 10 ms, so that two writes within a tick leave the same token. A
 * file that changed this short ago is read only after that time, and then its token stands for what was read.
 */
const tickMs = 20

const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

export interface ReadOptions {
  /** The lstat of what is to be read. */
  readonly stat: BigIntStats
  /** Null is all of it. */
  readonly range: ByteRange | null
  readonly calls: Calls
  readonly throttle: Throttle
  readonly signal: AbortSignal
  /** For people. */
  readonly op: string
}

/** The content of the file at `path`: at once where it is small. */
export async function readFile(path: Path, options: ReadOptions): Promise<Readable | Buffer> {
  const { stat, range, calls, throttle, signal, op } = options
  const size = Number(stat.size)
  const { first, last } = range ?? { first: 0, last: size - 1 }
  if (range && (first > last || last >= size || first < 0)) {
    throw new DrayError('invalid-request', op, `Bytes ${first} to ${last} are not within its ${size} bytes.`)
  }
  if (Math.abs(Date.now() - Number(stat.ctimeMs)) < tickMs) await pause(tickMs)

  const passage = await Passage.begin(throttle, 'read', signal)
  const fd = await calls.openToRead(path, flags).catch((error) => {
    passage.close()
    throw error
  })
  let streamed: FileBody | null = null
  try {
    if (last - first >= chunkBytes) {
      if (!isUnchanged(stat, await calls.fstat(fd))) throw changedWhileRead(op)
      streamed = new FileBody({ fd, first, last, stat, passage, signal, op })
      return streamed
    }
    const bytes = Buffer.allocUnsafeSlow(last + 1 - first)
    const n = await calls.readFully(fd, bytes, first)
    if (!passage.isFree) await passage.pass(n)
    if (n < bytes.length || !isUnchanged(stat, await calls.fstat(fd))) throw changedWhileRead(op)
    return bytes
  } finally {
    if (streamed === null) {
      passage.close()
      await calls.close(fd)
    }
  }
}
