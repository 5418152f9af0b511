/** Reads the names of one directory as bytes, batch by batch, each with what it is. */
import { type Dir, type Dirent, opendir as openDir } from 'node:fs'
import { promisify } from 'node:util'
import type { Range } from '../../../shared/range.ts'
import { throwIfAborted } from '../interrupt.ts'
import type { Directory } from './directories.ts'
import { inTime } from './in-time.ts'
import { inside } from './inside.ts'
import { errnoOf, type Path } from './syscalls.ts'

/** The names in a directory that can matter to `range`, in no order; a directory's with `/` at its end. To be read by `withTypes`. */
export async function* namesIn(
  directory: Directory,
  { after, through }: Range,
  encoding: NameEncoding,
  signal: AbortSignal,
  op: string,
): AsyncGenerator<string[]> {
  const stream: AsyncIterable<unknown> = await opendir(directory.self, encoding)
  let batch: string[] = []
  for await (const entry of stream as AsyncIterable<Dirent<string> | Dirent<Buffer>>) {
    const name = typeof entry.name === 'string' ? entry.name : entry.name.toString('latin1')
    if (entry.isDirectory()) {
      const sorted = `${name}/`
      if (inside({ after, through }, sorted)) batch.push(sorted)
    } else if ((after === null || name > after) && (through === null || name <= through)) {
      batch.push(name)
    }
    if (batch.length < 1000) continue
    throwIfAborted(signal, op)
    yield batch
    batch = []
  }
  yield batch
}

/**
 * Opens a directory for reading its names as bytes. Strings of bytes cost a fifth of buffers; but where a file system does not tell
 * a name's type along with it, node looks it up by a path made of both, and only buffers make that the right path. A path that is a
 * buffer beside names that are strings makes node refuse at the first such name.
 */
const opendir = inTime(
  promisify(
    (path: Path, encoding: NameEncoding, done: (error: NodeJS.ErrnoException | null, dir: Dir) => void) =>
      openDir(Buffer.from(path), { encoding: encoding as 'latin1', bufferSize: 1000 }, done),
  ),
)
type NameEncoding = 'latin1' | 'buffer'
const untyped = 'ERR_INVALID_ARG_TYPE'

/** `read`, by strings where the file system tells types, else by buffers. */
export async function withTypes<T>(read: (encoding: NameEncoding) => Promise<T>): Promise<T> {
  try {
    return await read('latin1')
  } catch (error) {
    if (errnoOf(error) !== untyped) throw error
    return read('buffer')
  }
}
