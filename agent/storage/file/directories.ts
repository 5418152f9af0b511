/**
 * The directories under one root, held open while they are worked in. Invariant: nothing is reached outside the root.
 * Each directory is opened in its parent, never through a link, and its files are named through its descriptor
 * (`/proc/self/fd/N/name`, which is `openat` by other means), so that a directory that somebody swaps for a link meanwhile
 * leads nowhere else. Where there is no /proc (macOS), its files are named by path, after the same look at each parent.
 *
 * A handle is kept for a while after its last use, and looked at again (is this still what stands at its path?) before each.
 */
import { constants, existsSync } from 'node:fs'
import { DrayError } from '../../../shared/error.ts'
import type { Key } from '../../../shared/key.ts'
import { fileError } from './file-error.ts'
import { type Calls, isLocal, promptCalls } from './prompt.ts'
import * as pool from './syscalls.ts'
import {
  close,
  errnoOf,
  fstat,
  fsync,
  lstat,
  missing,
  mkdir,
  open,
  type Path,
  realpath,
  unless,
} from './syscalls.ts'

/** Handles that nobody uses just now: how many are kept, and for how long (milliseconds). */
const idleHandles = 64
const idleMs = 5_000

const openFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NONBLOCK
const throughDescriptors = process.platform === 'linux' && existsSync('/proc/self/fd')

/** A directory under the root, until `release`. */
export interface Directory {
  /** Its own path, to be opened for reading its names. */
  readonly self: Path
  /** Where the file or directory `name` in it is. */
  at(name: string): Path
  /** How its files are to be asked for now. */
  readonly calls: Calls
  /** Makes durable what was renamed into it before. Calls at the same time share one `fsync`. */
  sync(): Promise<void>
  release(): void
}

export interface Directories {
  /**
   * The directory with key `dir` (no slash at its end; empty is the root). Throws the system's error where there is none, and
   * a `DrayError` where the root itself is gone or another one. `create` makes what is missing.
   */
  open(dir: Key, create?: 'create'): Promise<Directory>
  /** The key of a real path (a byte string), where that is inside the root. */
  keyOf(real: string): Promise<Key | null>
  close(): Promise<void>
}

interface Identity {
  readonly dev: bigint
  readonly ino: bigint
}

class Handle implements Identity {
  users = 0
  syncing: Promise<void> | null = null
  syncNext: Promise<void> | null = null
  readonly dir: Key
  readonly fd: number
  readonly dev: bigint
  readonly ino: bigint
  /** Whether its file system answers promptly as a rule. */
  readonly local: boolean

  constructor(dir: Key, fd: number, { dev, ino }: Identity, local: boolean) {
    this.dir = dir
    this.local = local
    this.fd = fd
    this.dev = dev
    this.ino = ino
  }

  /** A sync that is under way may have begun too early for the caller: it waits for the next one, with all others. */
  sync(): Promise<void> {
    if (this.syncing === null) {
      this.syncing = fsync(this.fd).finally(() => {
        this.syncing = null
      })
      return this.syncing
    }
    this.syncNext ??= this.syncing
      .catch(() => {})
      .then(() => {
        this.syncNext = null
        return this.sync()
      })
    return this.syncNext
  }
}

const isSame = (a: Identity, b: Identity) => a.dev === b.dev && a.ino === b.ino
const parentOf = (dir: Key) => dir.slice(0, Math.max(0, dir.lastIndexOf('/'))) as Key
const lastOf = (dir: Key) => dir.slice(dir.lastIndexOf('/') + 1)

const ascii = /^[\x00-\x7f]*$/
/** A byte string as node wants a path: text where it is ASCII, else its bytes. */
const pathOf = (bytes: string): Path => (ascii.test(bytes) ? bytes : Buffer.from(bytes, 'latin1'))

export function openDirectories(root: string): Directories {
  const rootBytes = Buffer.from(root.replace(/(?<=.)\/+$/, '')).toString('latin1')
  /** In the order of their last use. */
  const handles = new Map<Key, Handle>()
  /** Handles that are being closed. */
  const endings = new Set<Promise<void>>()
  /** Of the file systems met, by device: whether they are local. */
  const locals = new Map<bigint, Promise<boolean>>()
  const prompt = promptCalls()
  let rootIdentity: Identity | null = null
  let sweep: NodeJS.Timeout | null = null
  let closed = false

  const fullPath = (dir: Key) => (dir === '' ? rootBytes : `${rootBytes === '/' ? '' : rootBytes}/${dir}`)

  function drop(handle: Handle): void {
    if (handles.get(handle.dir) === handle) handles.delete(handle.dir)
    if (handle.users > 0) return
    const ending = close(handle.fd)
      .catch(() => {})
      .finally(() => endings.delete(ending))
    endings.add(ending)
  }

  function dropIdle(keep: number): void {
    let idle = 0
    for (const handle of handles.values()) if (handle.users === 0) idle++
    for (const handle of handles.values()) {
      if (idle <= keep) return
      if (handle.users > 0) continue
      drop(handle)
      idle--
    }
  }

  function use(handle: Handle): Directory {
    handle.users++
    handles.delete(handle.dir)
    handles.set(handle.dir, handle)
    let released = false
    const base = throughDescriptors ? `/proc/self/fd/${handle.fd}` : fullPath(handle.dir)
    return {
      self: pathOf(base),
      at: (name) => pathOf(`${base}/${name}`),
      get calls() {
        return handle.local ? prompt() : pool
      },
      sync: () => handle.sync(),
      release() {
        if (released) return
        released = true
        handle.users--
        if (handle.users > 0) return
        if (closed || handles.get(handle.dir) !== handle) return drop(handle)
        dropIdle(idleHandles)
        // Directories that stay open keep a file system from being unmounted.
        sweep ??= setTimeout(() => {
          sweep = null
          dropIdle(0)
        }, idleMs).unref()
      },
    }
  }

  /** Takes `fd` over: kept under `dir`, unless somebody else was faster with the same directory. */
  async function keep(dir: Key, fd: number): Promise<Directory> {
    let handle: Handle
    try {
      const identity = await fstat(fd)
      let local = locals.get(identity.dev)
      if (local === undefined) {
        local = throughDescriptors ? isLocal(`/proc/self/fd/${fd}`) : Promise.resolve(false)
        locals.set(identity.dev, local)
      }
      handle = new Handle(dir, fd, identity, await local)
    } catch (error) {
      await close(fd)
      throw error
    }
    const other = handles.get(dir)
    if (other && isSame(other, handle)) {
      await close(fd)
      return use(other)
    }
    if (other) drop(other)
    return use(handle)
  }

  async function openRoot(): Promise<Directory> {
    const fd = await open(pathOf(rootBytes), openFlags).catch((error) => {
      throw rootError(error, root)
    })
    const directory = await keep('' as Key, fd)
    const identity = handles.get('' as Key)!
    rootIdentity ??= identity
    if (isSame(rootIdentity, identity)) return directory
    handles.delete('' as Key)
    directory.release()
    throw new DrayError(
      'not-found',
      `open ${root}`,
      `The directory ${root} is not the one that was opened first.`,
      {
        hint: 'It was replaced, or a file system was mounted or unmounted there. Look into it, then run it again.',
      },
    )
  }

  async function openIn(parent: Directory, dir: Key, create: boolean): Promise<Directory> {
    const path = parent.at(lastOf(dir))
    const flags = openFlags | constants.O_NOFOLLOW
    try {
      return await keep(dir, await open(path, flags))
    } catch (error) {
      const errno = errnoOf(error)
      if (errno === 'ENOTDIR' && (await unless(lstat(path), missing, null))?.isSymbolicLink()) {
        throw Object.assign(new Error('A link stands where a directory is needed.'), { code: 'ELOOP' })
      }
      if (errno !== 'ENOENT' || !create) throw error
    }
    await unless(mkdir(path), ['EEXIST'], undefined)
    await parent.sync()
    return keep(dir, await open(path, flags))
  }

  /** The kept handle of `dir`, where that is still what stands at its path. */
  async function kept(dir: Key): Promise<Directory | null> {
    const handle = handles.get(dir)
    if (!handle) return null
    handle.users++
    try {
      const { stat, lstat } = handle.local ? prompt() : pool
      const look = dir === '' ? stat(pathOf(rootBytes)) : lstat(pathOf(fullPath(dir)))
      const now = await unless(look, [...missing, 'ELOOP', 'EACCES', 'ENAMETOOLONG'], null)
      if (now && isSame(now, handle) && handles.get(dir) === handle) return use(handle)
      if (handles.get(dir) === handle) handles.delete(dir)
      return null
    } finally {
      handle.users--
      if (handle.users === 0 && handles.get(dir) !== handle) drop(handle)
    }
  }

  const directories: Directories = {
    async open(dir, create) {
      const known = await kept(dir)
      if (known) return known
      if (dir === '') return openRoot()
      const parent = await directories.open(parentOf(dir), create)
      try {
        return await openIn(parent, dir, create !== undefined)
      } finally {
        parent.release()
      }
    },

    async keyOf(real) {
      const realRoot = await realpath(pathOf(rootBytes))
      const prefix = realRoot === '/' ? '/' : `${realRoot}/`
      return real.startsWith(prefix) ? (real.slice(prefix.length) as Key) : null
    },

    async close() {
      closed = true
      if (sweep) clearTimeout(sweep)
      dropIdle(0)
      await Promise.all(endings)
    },
  }
  return directories
}

function rootError(error: unknown, root: string): DrayError {
  const op = `open ${root}`
  switch (errnoOf(error)) {
    case 'ENOENT':
      return new DrayError('not-found', op, `There is no directory ${root}.`, {
        hint: 'Check the path, and that its file system is mounted.',
        cause: error,
      })
    case 'ENOTDIR':
      return new DrayError('config', op, `${root} is a file, and a location is a directory.`, {
        hint: 'Name the directory that it stands in.',
        cause: error,
      })
    default:
      return fileError(error, op)
  }
}
