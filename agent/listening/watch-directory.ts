/**
 * Watches a directory and all below it, by one watch of the kernel's a directory; node's own recursive watch takes one a file, and knows names only as text.
 * Names are bytes. What is missed (a directory that was filled before it was watched, a queue of the kernel that ran over) is told of as its folder, or is
 * found by the next pass.
 */
import { type FSWatcher, watch } from 'node:fs'
import { lstat, opendir } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { DrayError } from '../../shared/error.ts'
import { type Key, keyFromBytes, keyFromText, keyToBytes } from '../../shared/key.ts'
import { holdToList } from '../allow/allow-list.ts'
import { Gathered, quietMs } from './gathered.ts'
import type { ListeningOptions, Side } from './listening.ts'

/** Directories. The kernel has a bound of its own, which is often lower (fs.inotify.max_user_watches). */
const mostWatched = 500_000

/** Until `signal` aborts. Throws where it cannot be watched, or not all of it. */
export async function watchDirectory(
  path: string,
  side: Side,
  options: ListeningOptions,
  signal: AbortSignal,
): Promise<void> {
  holdToList(options.allow, { kind: 'file', path, site: 'here' })
  const gathered = new Gathered()
  const tree = new Tree(path.endsWith('/') ? path : `${path}/`, gathered)
  const close = () => tree.close()
  signal.addEventListener('abort', close, { once: true })
  try {
    await Promise.all([tree.watch('' as Key, false), tellAll(gathered, side, options, tree, signal)])
  } finally {
    signal.removeEventListener('abort', close)
    close()
  }
}

async function tellAll(
  gathered: Gathered,
  side: Side,
  { tell }: ListeningOptions,
  tree: Tree,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    tree.failIfBroken()
    const changes = gathered.take(Date.now())
    if (changes.length > 0) await tell(side, changes)
    else await sleep(quietMs / 2, undefined, { signal, ref: false }).catch(() => {})
  }
}

class Tree {
  readonly #root: Buffer
  readonly #gathered: Gathered
  /** By the folder's key, which ends in `/` or is empty. */
  readonly #watchers = new Map<Key, FSWatcher>()
  #broken: unknown = null
  #isClosed = false

  /** `root` ends in `/`. */
  constructor(root: string, gathered: Gathered) {
    this.#root = Buffer.from(keyToBytes(keyFromText(root)))
    this.#gathered = gathered
  }

  /** Throws what the kernel says where it watches no more of it. */
  failIfBroken(): void {
    if (this.#broken) throw this.#broken
  }

  /** A folder and those in it. `isNew`: what is in it already nobody has told of. */
  async watch(folder: Key, isNew: boolean): Promise<void> {
    if (this.#isClosed || this.#watchers.has(folder)) return
    if (!this.#add(folder)) return
    if (isNew) this.#gathered.addFolder(folder, Date.now())
    let directory: Awaited<ReturnType<typeof opendir>>
    try {
      directory = await opendir(this.#pathOf(folder), { encoding: 'buffer' as BufferEncoding })
    } catch {
      // It is gone again, or none of ours.
      return
    }
    const below: Key[] = []
    for await (const entry of directory) {
      const name = entry.name as unknown as Buffer
      if (entry.isDirectory()) below.push(`${folder}${keyFromBytes(name)}/` as Key)
    }
    for (const each of below) await this.watch(each, isNew)
  }

  #add(folder: Key): boolean {
    if (this.#watchers.size >= mostWatched) {
      this.#broken ??= tooMany(`more than ${mostWatched} directories`)
      return false
    }
    try {
      const watcher = watch(this.#pathOf(folder), { encoding: 'buffer', persistent: false }, (event, name) =>
        this.#heard(folder, event, name),
      )
      watcher.on('error', () => this.#forget(folder))
      this.#watchers.set(folder, watcher)
      return true
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (folder === '' || code === 'ENOSPC' || code === 'EMFILE') this.#broken ??= tooMany(message)
      return false
    }
  }

  #heard(folder: Key, event: string, name: Buffer | null): void {
    const now = Date.now()
    if (name === null) {
      this.#gathered.addFolder(folder, now)
      return
    }
    const key = `${folder}${keyFromBytes(name)}` as Key
    if (event !== 'rename') this.#gathered.add(key, now)
    else void this.#cameOrWent(key, now)
  }

  async #cameOrWent(key: Key, now: number): Promise<void> {
    const below = `${key}/` as Key
    const stat = await lstat(this.#pathOf(key)).catch(() => null)
    if (stat?.isDirectory()) {
      await this.watch(below, true)
      return
    }
    if (this.#watchers.has(below)) {
      this.#forget(below)
      this.#gathered.addFolder(below, now)
    }
    this.#gathered.add(key, now)
  }

  /** It is no directory any more, nor is what was in it. */
  #forget(folder: Key): void {
    for (const [each, watcher] of this.#watchers) {
      if (!each.startsWith(folder)) continue
      watcher.close()
      this.#watchers.delete(each)
    }
  }

  #pathOf(key: Key): Buffer {
    return Buffer.concat([this.#root, keyToBytes(key)])
  }

  close(): void {
    this.#isClosed = true
    this.#forget('' as Key)
  }
}

const tooMany = (why: string) =>
  new DrayError('config', 'watch a directory', `Not all of it can be watched: ${why}`, {
    retry: 'never',
    hint: 'On Linux raise fs.inotify.max_user_watches (sysctl). Passes find what events do not tell of.',
  })
