/**
 * A directory as a storage: every regular file under it is an object, whose key is its path from there. What the
 * parts keep: `directories.ts` that nothing outside the root is reached, `walk.ts` the order, `write.ts` wholeness.
 * Directories themselves are nothing: made where a write needs them, left where a delete empties them (somebody made them
 * for a reason, and another write may be about to use them).
 */
import type { BigIntStats } from 'node:fs'
import { DrayError } from '../../../shared/error.ts'
import { displayKey, type Key } from '../../../shared/key.ts'
import type { FileLocation } from '../../../shared/location.ts'
import { throwIfAborted } from '../interrupt.ts'
import type { Entry, Storage } from '../storage.ts'
import { Throttle } from '../throttle.ts'
import { BufferBody } from './body.ts'
import { openDirectories } from './directories.ts'
import { entryOf, metadataOf, tokenOf } from './file-entry.ts'
import { fileError } from './file-error.ts'
import { listFolder } from './folder.ts'
import { impossibleName, temporaryNames, unsupportedName } from './names.ts'
import { inTurn, Passage, pagesInTurn } from './passage.ts'
import type { Calls } from './prompt.ts'
import { readFile } from './read.ts'
import { errnoOf, missing, type Path, realpath, unless, unlink } from './syscalls.ts'
import { walk } from './walk.ts'
import { writeFile } from './write.ts'

export interface FileStorageOptions {
  agentId: string
  /** Where names of very large directories are sorted; made when it is needed. */
  spillDir: string
  symlinks: 'skip' | 'follow'
  /** Names of one directory that are sorted in memory, 20,000 where it is not said; more of them are spilled. */
  runLength?: number
  /** What the limit of its site's directories allows; everything where absent. */
  throttle?: Throttle | undefined
}

type Act<T> = (path: Path, stat: BigIntStats, calls: Calls) => Promise<T>

/** No I/O happens here; a root that is missing, or is a file, is said by the first use. The root is never created. */
export function openFileStorage(location: FileLocation, options: FileStorageOptions): Storage {
  const root = location.path.replace(/(?<=.)\/+$/, '')
  const rootLength = Buffer.byteLength(root)
  const directories = openDirectories(root)
  const temporary = temporaryNames(options.agentId)
  const throttle = options.throttle ?? new Throttle(() => {})
  const opOf = (verb: string, key: Key) => `${verb} ${root === '/' ? '' : root}/${displayKey(key)}`

  /** What stands under `key`, while `act` works with it; null where nothing does, or a directory. */
  async function at<T>(key: Key, act: Act<T>): Promise<T | null> {
    if (impossibleName(key) !== null) return null
    const slash = key.lastIndexOf('/')
    // Under a link is nothing: listings do not go there either.
    const directory = await unless(
      directories.open(key.slice(0, Math.max(0, slash)) as Key),
      [...missing, 'ELOOP'],
      null,
    )
    if (directory === null) return null
    try {
      const path = directory.at(key.slice(slash + 1))
      const { calls } = directory
      const stat = await unless(calls.lstat(path), missing, null)
      return stat === null || stat.isDirectory() ? null : await act(path, stat, calls)
    } finally {
      directory.release()
    }
  }

  /** The regular file inside the root that a link stands for; null where it stands for anything else. */
  async function behind<T>(link: Path, act: Act<T>): Promise<T | null> {
    const real = await unless(realpath(link), [...missing, 'ELOOP', 'EACCES'], null)
    const key = real === null ? null : await directories.keyOf(real)
    return key === null
      ? null
      : at(key, async (path, stat, calls) => (stat.isFile() ? act(path, stat, calls) : null))
  }

  /** As `at`, through a link where the policy says so. */
  function found<T>(key: Key, act: Act<T>): Promise<T | null> {
    return at(key, async (path, stat, calls) => {
      if (options.symlinks === 'follow' && stat.isSymbolicLink()) {
        const through = await behind(path, async (...target) => ({ result: await act(...target) }))
        if (through) return through.result
      }
      return act(path, stat, calls)
    })
  }

  return {
    kind: 'file',
    name: root,
    tokens: 'none',
    walks: true,
    multipart: null,

    list(range, { signal }) {
      const pages = walk(range, {
        directories,
        temporary,
        spillDir: options.spillDir,
        runLength: options.runLength ?? 20_000,
        name: root,
        follow:
          options.symlinks === 'skip'
            ? null
            : (key, link) => behind(link, async (_, stat): Promise<Entry> => entryOf(key, stat)),
        signal,
      })
      return pagesInTurn(throttle, signal, pages)
    },

    folder: (options) => inTurn(throttle, options.signal, () => listFolder(directories, root, options)),

    async head(key, signal) {
      const op = opOf('look at', key)
      throwIfAborted(signal, op)
      return classified(op, () =>
        inTurn(throttle, signal, () =>
          found(key, async (_, stat) => ({ entry: entryOf(key, stat), metadata: metadataOf(key, stat) })),
        ),
      )
    },

    async read(key, { token, range, signal }) {
      const op = opOf('read', key)
      throwIfAborted(signal, op)
      return classified(op, () =>
        found(key, async (path, stat, calls) => {
          mustBeFile(stat, op)
          mustBe(token, stat, op)
          const content = await readFile(path, { stat, range: range ?? null, calls, throttle, signal, op })
          const head = { entry: entryOf(key, stat), metadata: metadataOf(key, stat) }
          if (!Buffer.isBuffer(content)) return { ...head, body: content }
          return {
            ...head,
            bytes: content,
            get body() {
              return new BufferBody(content)
            },
          }
        }),
      )
    },

    async write(key, body, metadata, signal, expected) {
      const op = opOf('write', key)
      throwIfAborted(signal, op)
      const reason = unsupportedName(key, rootLength)
      if (reason !== null) throw new DrayError('unsupported-key', op, reason)
      return classified(op, async () => {
        const slash = key.lastIndexOf('/')
        const passage = await Passage.begin(throttle, 'write', signal)
        const directory = await directories
          .open(key.slice(0, Math.max(0, slash)) as Key, 'create')
          .catch((error) => {
            passage.close()
            throw error
          })
        try {
          const name = key.slice(slash + 1)
          const target = { directory, name, temporaryName: temporary.next(), passage, op }
          return await writeFile(target, body, metadata, signal, expected)
        } catch (error) {
          if (errnoOf(error) !== 'ENOENT') throw error
          const message = 'Its directory was removed while the file was written.'
          throw new DrayError('io', op, message, { retry: 'later', cause: error })
        } finally {
          passage.close()
          directory.release()
        }
      })
    },

    async delete(key, { token, signal }) {
      const op = opOf('delete', key)
      throwIfAborted(signal, op)
      const deleted = await classified(op, () =>
        inTurn(throttle, signal, () =>
          at(key, async (path, stat) => {
            const follows = options.symlinks === 'follow' && stat.isSymbolicLink()
            // A link that stands for a file is deleted itself; what it stands for stays.
            const listed = (follows && (await behind(path, async (_, target) => target))) || stat
            mustBeFile(listed, op)
            mustBe(token, listed, op)
            await unlink(path)
            return true
          }),
        ),
      )
      return deleted ?? false
    },

    unsupported: (key) => unsupportedName(key, rootLength),

    close: () => directories.close(),
  }
}

async function classified<T>(op: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    throw fileError(error, op)
  }
}

function mustBeFile(stat: BigIntStats, op: string): void {
  if (stat.isFile()) return
  if (stat.isSymbolicLink())
    throw new DrayError('symlink', op, 'It is a symbolic link, and links are not followed here.')
  throw new DrayError('special-file', op, 'It is a device, a socket or a FIFO, which Dray does not open.')
}

function mustBe(token: string | undefined, stat: BigIntStats, op: string): void {
  if (token === undefined || token === tokenOf(stat)) return
  throw new DrayError('changed', op, 'It is not the file that was listed any more.', { retry: 'later' })
}
