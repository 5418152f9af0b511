/**
 * Makes the side that follows equal to the side of record, key by key, where they may differ: after a write that one side refused, or of which nobody
 * knows what became of it, and after a crash.
 *
 * A key stays dirty, and is read at the side of record, until what may still land has had its time: then it is looked at once more. Small
 * objects are copied while writes to their key wait; large ones are not, and whatever is written meanwhile makes the copy fail (it is
 * conditional), or makes the key dirty again.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { DrayError, toDrayError } from '../../shared/error.ts'
import { defaultFidelity } from '../../shared/fidelity.ts'
import type { Key } from '../../shared/key.ts'
import { copyObject } from '../copy.ts'
import { isEqualBesides } from '../core/same-metadata.ts'
import { openFidelity } from '../fidelity.ts'
import type { Head } from '../storage/storage.ts'
import type { DirtyKey, Journal } from './journal.ts'
import type { KeyLocks } from './key-locks.ts'
import type { Roles } from './roles.ts'

export interface RepairDeps {
  readonly journal: Journal
  readonly roles: Roles
  readonly locks: KeyLocks
  readonly signal: AbortSignal
  /** Of a key that could not be made equal; it is tried again. */
  failed(key: Key, error: DrayError): void
}

/** Keys at a time. */
const atOnce = 8
/** Up to this many bytes, writes to the key wait for the copy. */
const quick = 8 * 1024 * 1024
const firstPause = 250
const longestPause = 30_000

export class Repair {
  readonly #deps: RepairDeps
  readonly #busy = new Set<Key>()
  #wake: (() => void) | null = null
  #idle: (() => void)[] = []
  repaired = 0

  constructor(deps: RepairDeps) {
    this.#deps = deps
    deps.journal.onDirty = () => this.#wake?.()
  }

  /** Until the signal aborts. */
  async run(): Promise<void> {
    const { journal, signal } = this.#deps
    while (!signal.aborted) {
      const due = journal.due(4 * atOnce).filter(({ key }) => !this.#busy.has(key))
      for (const dirty of due.slice(0, atOnce - this.#busy.size)) {
        this.#busy.add(dirty.key)
        void this.#one(dirty).finally(() => {
          this.#busy.delete(dirty.key)
          this.#wake?.()
        })
      }
      if (this.#busy.size === 0 && journal.figures.dirty === 0)
        for (const tell of this.#idle.splice(0)) tell()
      await this.#pause()
    }
    while (this.#busy.size > 0) await this.#pause()
  }

  /** Resolves when no key is dirty. */
  settled(): Promise<void> {
    this.#deps.journal.hurry()
    return new Promise((resolve) => {
      this.#idle.push(resolve)
      this.#wake?.()
    })
  }

  async #pause(): Promise<void> {
    const { journal, signal } = this.#deps
    const next = journal.nextDue
    const isFull = this.#busy.size >= atOnce
    const ms = next === null || isFull ? 1_000 : Math.min(Math.max(next - Date.now(), 5), 1_000)
    const waking = new AbortController()
    this.#wake = () => waking.abort()
    const any = signal.aborted ? waking.signal : AbortSignal.any([signal, waking.signal])
    await sleep(ms, undefined, { signal: any }).catch(() => {})
    this.#wake = null
  }

  async #one(dirty: DirtyKey): Promise<void> {
    const { journal, failed } = this.#deps
    try {
      if (await this.#makeEqual(dirty)) this.repaired++
    } catch (thrown) {
      const error = toDrayError(thrown, 'repair')
      const pause = Math.min(firstPause * 2 ** Math.min(dirty.attempts, 10), longestPause)
      journal.postpone(dirty, pause * (0.5 + Math.random() / 2), error.message)
      failed(dirty.key, error)
    }
  }

  /** False where it turned out to be another's turn. */
  async #makeEqual(dirty: DirtyKey): Promise<boolean> {
    const { journal, roles, locks, signal } = this.#deps
    const { key } = dirty
    const leave = await roles.enter()
    let release = await locks.take([key])
    try {
      const source = roles.record.storage
      const destination = roles.follower.storage
      const [wanted, found] = await Promise.all([source.head(key, signal), destination.head(key, signal)])
      if (wanted === null) {
        if (found !== null) await destination.delete(key, { signal })
        await journal.repaired(dirty, true)
        return true
      }
      if (found !== null && isAlike(wanted, found)) {
        await journal.repaired(dirty, false)
        return true
      }
      const isLong = wanted.entry.size > quick
      if (isLong) release()
      const fidelity = openFidelity({ ...defaultFidelity, acl: 'drop' }, source, destination)
      const deps = {
        source,
        destination: fidelity.destination,
        fidelity,
        expected: found?.entry.token ?? null,
        moved() {},
      }
      const result = await copyObject(deps, wanted.entry, signal)
      if (result.outcome === 'failed') throw result.error
      if (isLong) {
        release = await locks.take([key])
        // What was written or deleted meanwhile was not seen by this copy, and it may not have seen this copy.
        const now = await source.head(key, signal)
        if (now?.entry.token !== wanted.entry.token || result.outcome === 'vanished') {
          await journal.soil(key)
          return false
        }
      } else if (result.outcome === 'vanished')
        throw new DrayError('changed', 'repair', 'It went meanwhile.', { retry: 'now' })
      await journal.repaired(dirty, false)
      return true
    } finally {
      release()
      leave()
    }
  }
}

/** Without reading it: the same token says the same bytes, and tags are not told by a HEAD. */
function isAlike(wanted: Head, found: Head): boolean {
  const tags = (head: Head) => head.metadata.properties?.tagCount ?? 0
  return (
    wanted.entry.token === found.entry.token &&
    wanted.entry.size === found.entry.size &&
    tags(wanted) + tags(found) === 0 &&
    isEqualBesides(wanted.metadata, found.metadata)
  )
}
