/**
 * One key whose versions are all copied: appended at the destination one after the other, oldest first, none begun before
 * the one below it is there; and in the end, what became of each.
 *
 * Whether an append whose answer was lost has happened, only the destination knows; so none is ever tried again blindly.
 * After every failure the destination's chain is listed anew, and what it still lacks is appended.
 */
import type { Evidence } from '../../shared/counts.ts'
import { DrayError, toDrayError } from '../../shared/error.ts'
import type { Property } from '../../shared/fidelity.ts'
import { displayKey } from '../../shared/key.ts'
import type { BaselineRow } from '../baseline/baseline.ts'
import { copyObject } from '../copy.ts'
import { type Known, nothingKnown } from '../core/chain.ts'
import { pauseAfter, sleepOrAbort } from '../storage/retry.ts'
import type { Expected } from '../storage/storage.ts'
import type { Version } from '../storage/versions.ts'
import { mayBeArchived } from './archived.ts'
import type { ChainTodo } from './chain-plan.ts'
import type { Job } from './copy-packet.ts'
import { fitToTheEnd, hasMoved } from './fit-chains.ts'
import { chainOf, chainRow, versionsOf } from './look-chains.ts'
import { isSideTrouble, unreadable } from './trouble.ts'

export type Fittable = Extract<ChainTodo, { is: 'fitted' }>

/** Failures of one key without any progress between them. */
const patience = 4

interface Appended {
  /** As it lies at the destination. */
  readonly now: Version
  readonly bytes: number
  readonly evidence: Evidence | null
  readonly dropped: readonly Property[]
}

export class ChainCopy {
  readonly #job: Job
  readonly #todo: Fittable
  #there: Version[]
  #known: Known
  /** What the last look found to be there, and what proves it. */
  #found = new Map<Version, Evidence | null>()
  #wasAsked = false
  #failure: DrayError | null = null
  readonly #begun = new Set<Version>()
  readonly #appended = new Map<Version, Appended>()
  readonly #vanished = new Set<Version>()
  /** Left out, and why: archived, or a delete marker on top of another at a destination that lays none there, as Ceph's gateway. */
  readonly #skipped = new Map<Version, 'archived' | 'not-implemented'>()

  constructor(job: Job, todo: Fittable) {
    this.#job = job
    this.#todo = todo
    this.#there = [...(todo.destination?.versions ?? [])]
    this.#known = todo.known
  }

  /**
   * Appends what is missing. Gives the versions that have to be restored from an archive first, where the pass wants that and
   * `mayWait`; then it is to be called once more. Throws what is no trouble of this key alone.
   */
  async run(mayWait: boolean, signal: AbortSignal): Promise<readonly Version[]> {
    const { pass } = this.#job
    const { key } = this.#todo.source
    for (let failures = 0; failures < patience; ) {
      let missing: readonly Version[] = []
      try {
        missing = await this.#look(signal)
        if (pass.options.dryRun) return []
        const wanted = this.#wanted().length
        for (const version of missing) {
          await this.#append(version, signal)
          failures = 0
        }
        // Where one went that was to lie on top, what is on top now may be another than at the source.
        if (this.#wanted().length === wanted) return []
        this.#known = nothingKnown
      } catch (thrown) {
        const error = toDrayError(thrown, `copy ${displayKey(key)}`)
        if (signal.aborted || error.code === 'interrupted') throw error
        this.#failure = error
        const stuck = missing.find((version) => !this.#appended.has(version) && !this.#vanished.has(version))
        if (stuck && error.code === 'archived' && pass.options.archived !== 'fail') {
          if (pass.options.archived === 'restore')
            return mayWait ? missing.filter((each) => each === stuck || mayBeArchived(each)) : []
          this.#skipped.set(stuck, 'archived')
        } else if (error.code === 'config' && stuck && isRepeated(stuck, 1, [this.#there.at(-1)])) {
          this.#skipped.set(stuck, 'not-implemented')
        } else if (error.retry === 'never' && !hasMoved(error)) {
          break
        } else {
          // To wait for one's turn is no whole failure (storage/retry.ts).
          failures += error.code === 'throttled' ? 1 / 3 : 1
          await sleepOrAbort(pauseAfter(Math.ceil(failures), error, Math.random), signal)
        }
        await this.#lookAgain(hasMoved(error), signal)
      }
    }
    const failure = this.#failure
    if (failure !== null && (await isSideTrouble(failure, pass, key, signal))) throw failure
    return []
  }

  #wanted(): Version[] {
    return this.#todo.source.versions.filter((each) => !this.#vanished.has(each) && !this.#skipped.has(each))
  }

  /** What the destination lacks. */
  async #look(signal: AbortSignal): Promise<readonly Version[]> {
    let wanted = this.#wanted()
    let fit = await fitToTheEnd(this.#job, wanted, this.#there, this.#known, signal)
    const repeated = fit.missing.length === 0 ? [] : wanted.filter(isRepeated)
    if (repeated.length > 0) {
      // An earlier run may have had to leave these out: nothing that lies above them is to be appended again.
      const others = wanted.filter((each) => !repeated.includes(each))
      const without = await fitToTheEnd(this.#job, others, this.#there, nothingKnown, signal)
      if (without.missing.length < fit.missing.filter((each) => !repeated.includes(each)).length) {
        for (const each of repeated) this.#skipped.set(each, 'not-implemented')
        wanted = others
        fit = without
      }
    }
    this.#found = new Map(fit.proofs.map((proof, i) => [wanted[i]!, proof]))
    this.#wasAsked ||= fit.wasAsked
    this.#failure = null
    return fit.missing
  }

  async #lookAgain(atTheSource: boolean, signal: AbortSignal): Promise<void> {
    const { source, destination } = this.#job.pass
    const { key } = this.#todo.source
    if (atTheSource) {
      const now = (await chainOf(source, key, signal))?.versions ?? []
      for (const version of this.#wanted())
        if (!now.some((each) => isOne(each, version))) this.#vanished.add(version)
    }
    this.#there = [...((await chainOf(destination, key, signal))?.versions ?? [])]
    this.#known = nothingKnown
  }

  async #append(version: Version, signal: AbortSignal): Promise<void> {
    const { pass, tally } = this.#job
    const { source, destination, intents, fidelity, options } = pass
    const { key } = version
    this.#begun.add(version)
    if (version.kind === 'delete-marker') {
      await versionsOf(destination).remove(key, signal)
      this.#has(version, { now: version, bytes: 0, evidence: null, dropped: [] })
      return
    }
    // A delete marker is nothing, to a condition.
    const expected: Expected = this.#there.at(-1)?.token || null
    const serverSide = options.serverSideCopy !== 'never'
    const deps = { source, destination, intents, fidelity, expected, serverSide, appends: true }
    const result = await copyObject({ ...deps, moved: tally.moved }, version, signal)
    switch (result.outcome) {
      case 'copied': {
        const { bytes, evidence, row } = result
        const now = { ...version, token: row.destination.token }
        this.#has(version, { now, bytes, evidence, dropped: fidelity.lossesOf(key) })
        return
      }
      case 'vanished': {
        const chain = await chainOf(source, key, signal)
        if (chain?.versions.some((each) => isOne(each, version))) throw unreadable(key)
        this.#vanished.add(version)
        return
      }
      case 'failed':
        throw result.error
      case 'conflict':
        throw new DrayError('internal', 'append a version', 'Versions have no conflicts.')
      default:
        result satisfies never
    }
  }

  #has(version: Version, appended: Appended): void {
    this.#there.push(appended.now)
    this.#appended.set(version, appended)
  }

  /** Counts what became of each version of the source, once. The row that the two chains leave in the baseline, or null. */
  settle(): BaselineRow | null {
    const { tally, pass } = this.#job
    const { key, versions } = this.#todo.source
    const failure = this.#failure
    let stopped: Version | null = null
    for (const version of versions) {
      const written = this.#appended.get(version)
      const proof = this.#found.get(version)
      const skipped = this.#skipped.get(version)
      if (this.#vanished.has(version)) tally.vanished(version)
      else if (skipped) tally.skipped(version, skipped)
      else if (written) tally.copied(version, written.bytes, written.evidence, written.dropped)
      // It failed, as it seemed, and was there when it was looked for.
      else if (proof !== undefined && this.#begun.has(version)) tally.copied(version, version.size, proof)
      else if (proof !== undefined) tally.same(version, proof)
      else if (failure === null) tally.copied(version, version.size, null)
      else {
        tally.failed(version, stopped === null ? failure : behind(stopped, failure))
        stopped ??= version
      }
    }
    if (failure !== null || pass.options.dryRun || this.#skipped.size > 0) return null
    const isPlain =
      !this.#wasAsked && [...this.#appended].every(([{ token }, { now }]) => token === now.token)
    return isPlain ? null : chainRow(key, this.#wanted(), this.#there)
  }
}

/** A delete marker on top of another: it says nothing but its time. */
const isRepeated = ({ kind }: Version, at: number, chain: readonly (Version | undefined)[]): boolean =>
  kind === 'delete-marker' && chain[at - 1]?.kind === 'delete-marker'

export const isOne = (a: Version, b: Version) => a.version === b.version && a.token === b.token

const behind = ({ version }: Version, { code, message }: DrayError) => ({
  code,
  message: `Version ${version}, which is older, could not be copied, and versions are kept in order: ${message}`,
})
