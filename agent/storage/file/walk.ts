/**
 * Lists a directory tree in the byte order of full keys. A directory sorts as its name and `/`, so that a walk in the
 * order of such names is in the order of keys: `a.txt` before what is in `a`, and that before `a0`. It holds the names of
 * the directories on the way down, each sorted, spilled where there are many; it never holds the tree, and keeps no
 * directory open while it works in another.
 */
import type { BigIntStats } from 'node:fs'
import { DrayError } from '../../../shared/error.ts'
import { displayKey, type Key } from '../../../shared/key.ts'
import { contains, isEmpty, type Range } from '../../../shared/range.ts'
import { type SortedLines, sortLines } from '../external-sort.ts'
import { throwIfAborted } from '../interrupt.ts'
import type { Entry } from '../storage.ts'
import type { Directories, Directory } from './directories.ts'
import { entryOf } from './file-entry.ts'
import { fileError } from './file-error.ts'
import { inside } from './inside.ts'
import { isTemporary, type TemporaryNames } from './names.ts'
import { namesIn, withTypes } from './names-in.ts'
import type { Calls } from './prompt.ts'
import { errnoOf, missing, type Path, unless, unlink } from './syscalls.ts'

export interface WalkOptions {
  directories: Directories
  temporary: TemporaryNames
  spillDir: string
  /** Names that one directory sorts in memory; beyond them it spills. */
  runLength: number
  /** For people. */
  name: string
  /** What to list for a link: the entry that it stands for, or null for the link itself. */
  follow: ((key: Key, link: Path) => Promise<Entry | null>) | null
  signal: AbortSignal
}

const pageLength = 1000
/** Stats at once. */
const width = 64
/** Names that all directories on the way down hold together; past that, a little each. */
const heldTotal = 100_000
const leastRun = 1_000

/** A directory on the way down. */
interface Frame {
  readonly dir: Key
  readonly prefix: string
  readonly range: Range
  readonly sorted: SortedLines
  names: string[]
  at: number
}

export async function* walk(whole: Range, options: WalkOptions): AsyncGenerator<Entry[]> {
  const { directories, signal } = options
  const op = `list ${options.name}`
  const frames: Frame[] = []
  let page: Entry[] = []
  if (isEmpty(whole)) return

  try {
    throwIfAborted(signal, op)
    await descend('' as Key, whole)
    for (let frame = frames.at(-1); frame; frame = frames.at(-1)) {
      throwIfAborted(signal, op)
      if (frame.at === frame.names.length) {
        frame.names = await frame.sorted.next()
        frame.at = 0
        if (frame.names.length === 0) await frames.pop()!.sorted.close()
        continue
      }
      const name = frame.names[frame.at]!
      if (name.endsWith('/')) {
        frame.at++
        const range = inside(frame.range, name)
        if (range) await descend((frame.prefix + name.slice(0, -1)) as Key, range)
      } else {
        await stats(frame)
      }
      if (page.length >= pageLength) {
        yield page
        page = []
      }
    }
    if (page.length > 0) yield page
  } catch (error) {
    throw fileError(error, op)
  } finally {
    await Promise.all(frames.map((frame) => frame.sorted.close()))
  }

  /** A directory that is gone, or something else, since its name was read is younger than this listing: left out. */
  async function descend(dir: Key, range: Range): Promise<void> {
    try {
      const directory = await (dir === '' ? directories.open(dir) : unless(directories.open(dir), gone, null))
      if (directory === null) return
      const prefix = dir === '' ? '' : `${dir}/`
      try {
        frames.push({ dir, prefix, range, sorted: await sortedNames(directory, range), names: [], at: 0 })
      } finally {
        directory.release()
      }
    } catch (error) {
      if (dir === '') throw fileError(error, op)
      const failure = unlistable(error, dir)
      if (failure.code !== 'access-denied') throw failure
      refuse(dir, failure)
    }
  }

  /**
   * A directory that this user may not list (`lost+found`, say) must not keep what is beside it from being listed. It stands in the
   * listing where what is in it would begin, as something that goes nowhere and has to be told.
   */
  function refuse(dir: Key, { code, message }: DrayError): void {
    const key = `${dir}/` as Key
    if (!contains(whole, key)) return
    page.push({
      key,
      kind: 'object',
      size: 0,
      mtime: 0,
      token: '',
      refused: [{ key, size: 0, code, message }],
    })
  }

  /** Names the directory: one among thousands stops the listing, and has to be found. */
  function unlistable(thrown: unknown, dir: Key): DrayError {
    const path = `${options.name}/${displayKey(dir)}`
    if (thrown instanceof DrayError) return thrown
    const { code, message, retry, hint } = fileError(thrown, path)
    return new DrayError(code, `list ${path}`, `The directory ${path} cannot be listed: ${message}`, {
      retry,
      hint,
      cause: thrown,
    })
  }

  async function sortedNames(directory: Directory, range: Range): Promise<SortedLines> {
    const held = frames.reduce((sum, frame) => sum + frame.sorted.held, 0)
    const spill = {
      runLength: Math.min(options.runLength, Math.max(leastRun, heldTotal - held)),
      dir: options.spillDir,
    }
    try {
      return await withTypes((encoding) => sortLines(namesIn(directory, range, encoding, signal, op), spill))
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error
      // Which of its files it is that is gone is not said: this is no proof of an empty directory.
      const message = 'The directory changed while its names were read.'
      throw new DrayError('io', op, message, { retry: 'now', cause: error })
    }
  }

  /** Moves the next names of `frame`, up to a directory, from there to the page. */
  async function stats(frame: Frame): Promise<void> {
    const from = frame.at
    const most = Math.min(frame.names.length, from + width, from + pageLength - page.length)
    while (frame.at < most && !frame.names[frame.at]!.endsWith('/')) frame.at++
    const names = frame.names.slice(from, frame.at)
    const directory = await unless(directories.open(frame.dir), gone, null)
    if (directory === null) return
    try {
      const { calls } = directory
      const entries = await Promise.all(names.map((name) => look(directory, calls, frame.prefix, name)))
      for (const entry of entries) if (entry) page.push(entry)
    } finally {
      directory.release()
    }
  }

  async function look(
    directory: Directory,
    { lstat }: Calls,
    prefix: string,
    name: string,
  ): Promise<Entry | null> {
    const key = (prefix + name) as Key
    try {
      const path = directory.at(name)
      const stat = await unless(lstat(path), missing, null)
      if (stat === null || stat.isDirectory()) return null
      if (stat.isFile() && isTemporary(name)) {
        await tidy(path, name, stat)
        return null
      }
      return (stat.isSymbolicLink() && (await options.follow?.(key, path))) || entryOf(key, stat)
    } catch (error) {
      throw fileError(error, `list ${options.name}/${displayKey(key)}`)
    }
  }

  /** Whoever may not remove a left-over may still list beside it. */
  async function tidy(path: Path, name: string, { ctimeMs }: BigIntStats): Promise<void> {
    if (options.temporary.isAbandoned(name, Number(ctimeMs), Date.now())) await unlink(path).catch(() => {})
  }
}

/** What a name that was just read may turn out to be: gone, a file, a link. */
const gone: readonly string[] = ['ENOENT', 'ENOTDIR', 'ELOOP']
