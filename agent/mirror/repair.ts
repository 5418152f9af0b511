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
import { isGone } from '../runner/trouble.ts'
import type { Head } from '../storage/storage.ts'
import type { DirtyKey, Journal } from './journal.ts'
import type { KeyLocks } from './key-locks.ts'
import type { Roles } from './roles.ts'

export interface RepairDeps {
  readonly journal: Journal
  readonly roles: Roles
  readonly locks: KeyLocks
  readonly signal: AbortSignal
  /** Longest that a key is held for a repair. */
  readonly patienceMs: number
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
    const { journal, roles, signal } = this.#deps
    while (!signal.aborted) {
      const isReady = roles.follower.presence.isReady
      const due = (isReady ? journal.due(4 * atOnce) : []).filter(({ key }) => !this.#busy.has(key))
      for (const dirty of due.slice(0, atOnce - this.#busy.size)) {
        this.#busy.add(dirty.key)
        void this.#one(dirty).finally(() => {
          this.#busy.delete(dirty.key)
          this.#wake?.()
        })
      }
      if (this.#busy.size === 0 && journal.figures.dirty === 0)
        for (const tell of this.#idle.splice(0)) tell()
      await this.#pause(isReady)
    }
    while (this.#busy.size > 0) await this.#pause(false)
  }

  /** Resolves when no key is dirty. */
  settled(): Promise<void> {
    this.#deps.journal.hurry()
    return new Promise((resolve) => {
      this.#idle.push(resolve)
      this.#wake?.()
    })
  }

  async #pause(isReady: boolean): Promise<void> {
    const { journal, signal } = this.#deps
    const next = journal.nextDue
    const isFull = this.#busy.size >= atOnce
    const ms = next === null || isFull || !isReady ? 500 : Math.min(Math.max(next - Date.now(), 5), 500)
    const waking = new AbortController()
    this.#wake = () => waking.abort()
    const any = signal.aborted ? waking.signal : AbortSignal.any([signal, waking.signal])
    await sleep(ms, undefined, { signal: any }).catch(() => {})
    this.#wake = null
  }

  async #one(dirty: DirtyKey): Promise<void> {
    const { journal, roles, failed } = this.#deps
    const { presence } = roles.follower
    if (!presence.mayBeAsked()) return
    const job: Job = { dirty, hasBegun: false, stop: new AbortController() }
    try {
      if (await this.#makeEqual(job)) this.repaired++
      presence.met()
    } catch (thrown) {
      const error = toDrayError(thrown, 'repair')
      if (['unreachable', 'timeout', 'interrupted'].includes(error.code)) presence.missed()
      else presence.leftOpen()
      const pause = Math.min(firstPause * 2 ** Math.min(dirty.attempts, 10), longestPause)
      await journal.postpone(dirty, pause * (0.5 + Math.random() / 2), error.message, job.hasBegun)
      failed(dirty.key, error)
    }
  }

  /** False where it is to be looked at again. */
  async #makeEqual(job: Job): Promise<boolean> {
    const { roles, locks, signal, patienceMs } = this.#deps
    const { key } = job.dirty
    const leave = await roles.enter()
    const stop = () => job.stop.abort()
    // Who writes to it does not wait for long, and may make it equal by that.
    const timer = setTimeout(stop, patienceMs)
    signal.addEventListener('abort', stop, { once: true })
    let release = await locks.take([key], stop)
    const letGo = () => {
      clearTimeout(timer)
      release()
      release = () => {}
    }
    try {
      const long = await this.#copyShort(job)
      if (typeof long === 'boolean') return long
      letGo()
      await this.#copy({ ...job, stop: new AbortController() }, long.wanted, long.found)
      release = await locks.take([key])
      return await this.#isStill(job.dirty, long.wanted)
    } finally {
      letGo()
      signal.removeEventListener('abort', stop)
      leave()
    }
  }

  /** While writes to the key wait; gives the two objects where that would be for too long. */
  async #copyShort(job: Job): Promise<boolean | { wanted: Head; found: Head | null }> {
    const { journal, roles } = this.#deps
    const { dirty, stop } = job
    const { key } = dirty
    const source = roles.record.storage
    const destination = roles.follower.storage
    const [wanted, found] = await Promise.all([
      source.head(key, stop.signal),
      destination.head(key, stop.signal),
    ])
    if (wanted === null) {
      if (found !== null) {
        // A HEAD does not tell a bucket that is gone from an object that is.
        if (!(await isGone(source, key, stop.signal))) throw again()
        job.hasBegun = true
        await destination.delete(key, { token: found.entry.token, signal: stop.signal })
      }
      await journal.repaired(dirty, true)
      return true
    }
    if (found === null || !isAlike(wanted, found)) {
      if (wanted.entry.size > quick) return { wanted, found }
      if (!(await this.#copy(job, wanted, found))) {
        // Whoever took it away from the side of record did so past this mirror.
        await journal.soil(key)
        return false
      }
    }
    await journal.repaired(dirty, false)
    return true
  }

  /** False where the object went meanwhile. */
  async #copy(job: Job, wanted: Head, found: Head | null): Promise<boolean> {
    const source = this.#deps.roles.record.storage
    const fidelity = openFidelity(defaultFidelity, source, this.#deps.roles.follower.storage)
    const { destination } = fidelity
    const expected = found?.entry.token ?? null
    job.hasBegun = true
    const deps = { source, destination, fidelity, expected, moved() {} }
    const result = await copyObject(deps, wanted.entry, job.stop.signal)
    if (result.outcome === 'failed') throw result.error
    return result.outcome === 'copied'
  }

  /** What was written or deleted while it was copied was not seen by the copy, and may not have seen it. */
  async #isStill(dirty: DirtyKey, wanted: Head): Promise<boolean> {
    const { journal, roles, signal } = this.#deps
    const now = await roles.record.storage.head(dirty.key, signal)
    const isStill = now?.entry.token === wanted.entry.token
    if (isStill) await journal.repaired(dirty, false)
    else await journal.soil(dirty.key)
    return isStill
  }
}

interface Job {
  readonly dirty: DirtyKey
  /** Whether a write may have gone out. */
  hasBegun: boolean
  readonly stop: AbortController
}

const again = () => new DrayError('changed', 'repair', 'It changes while it is looked at.', { retry: 'now' })

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
