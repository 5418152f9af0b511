/**
 * One copy packet where all versions are moved. A key is one piece of work: its versions are appended at the destination one
 * after the other, oldest first, and none is begun before the one below it is there.
 *
 * Whether an append whose answer was lost has happened, only the destination knows; so none is ever tried again blindly.
 * After every failure the destination's chain is listed anew, and what it still lacks is appended. For the same reason a
 * packet that is done again, after a crash or by another agent, appends only the rest.
 */
import type { Evidence } from '../../shared/counts.ts'
import { DrayError, toDrayError } from '../../shared/error.ts'
import type { Property } from '../../shared/fidelity.ts'
import { displayKey, type Key } from '../../shared/key.ts'
import type { BaselineRow } from '../baseline/baseline.ts'
import { copyObject } from '../copy.ts'
import { heldBy } from '../core/budget.ts'
import { type Known, nothingKnown } from '../core/chain.ts'
import { isAlive } from '../core/chain-decision.ts'
import { pauseAfter, sleepOrAbort } from '../storage/retry.ts'
import type { Expected } from '../storage/storage.ts'
import { mostVersions, type Version } from '../storage/versions.ts'
import { type ChainTodo, planChains } from './chain-plan.ts'
import { type Job, remember } from './copy-packet.ts'
import { eachInSlot } from './each.ts'
import { fitToTheEnd, hasMoved } from './fit-chains.ts'
import { chainOf, chainRow, versionsOf } from './look-chains.ts'
import { isSideTrouble, unreadable } from './trouble.ts'

type Fittable = Extract<ChainTodo, { is: 'fitted' }>
type OnlyThere = Extract<ChainTodo, { is: 'destination-only' }>

/** Failures of one key without any progress between them. */
const patience = 4

/** How far the packet has come, in key order. Throws where it could not be worked on as a whole. */
export async function copyChains(job: Job): Promise<Key | null> {
  const { pass, packet, tally, report, signal } = job
  const plan = await planChains(pass, packet, tally, signal)
  await eachInSlot(plan.todo, pass.slots, signal, heldByChain, async (todo, within) => {
    await report.ready()
    switch (todo.is) {
      case 'too-long':
        tally.failed(todo.source.versions.at(-1)!, tooLong(todo.count))
        break
      case 'destination-only':
        await removeOne(job, todo, within)
        break
      case 'fitted': {
        const row = await copyChain(job, todo, within)
        if (row) plan.rows.push(row)
        break
      }
      default:
        todo satisfies never
    }
    tally.progress.objects++
  })
  if (!pass.options.dryRun) await remember(job, plan.through, plan.began, plan.rows)
  return plan.through
}

const heldByChain = (todo: ChainTodo): number =>
  todo.is === 'fitted' ? heldBy(todo.source.versions.reduce((most, { size }) => Math.max(most, size), 0)) : 0

export const tooLong = (count: number) => ({
  code: 'too-large' as const,
  message: `It has ${count} versions on one side; keys of up to ${mostVersions} can be moved with all of them.`,
})

interface Appended {
  /** As it lies at the destination. */
  readonly now: Version
  readonly bytes: number
  readonly evidence: Evidence | null
  readonly dropped: readonly Property[]
}

/** The row that the two chains leave in the baseline, or null. Each version of the source is counted, once, at the end. */
async function copyChain(job: Job, todo: Fittable, signal: AbortSignal): Promise<BaselineRow | null> {
  const { pass } = job
  const { key } = todo.source
  const appended = new Map<Version, Appended>()
  const begun = new Set<Version>()
  const vanished = new Set<Version>()
  /** What the last look found to be there, and what proves it. */
  let found = new Map<Version, Evidence | null>()
  let there = [...(todo.destination?.versions ?? [])]
  let known: Known = todo.known
  let wasAsked = false
  let failure: DrayError | null = null

  for (let failures = 0; failures < patience; ) {
    const wanted = todo.source.versions.filter((version) => !vanished.has(version))
    try {
      const fit = await fitToTheEnd(job, wanted, there, known, signal)
      found = new Map(fit.proofs.map((proof, i) => [wanted[i]!, proof]))
      wasAsked ||= fit.wasAsked
      failure = null
      if (pass.options.dryRun) break
      const had = vanished.size
      for (const version of fit.missing) {
        begun.add(version)
        const written = await append(job, version, expectedUnder(there), signal)
        failures = 0
        if (written === null) {
          vanished.add(version)
          continue
        }
        there.push(written.now)
        appended.set(version, written)
      }
      // Where one went that was to lie on top, what is on top now may be another than at the source.
      if (vanished.size === had) break
      known = nothingKnown
    } catch (thrown) {
      failure = toDrayError(thrown, `copy ${displayKey(key)}`)
      if (signal.aborted || failure.code === 'interrupted') throw failure
      failures++
      if (failure.retry === 'never' && !hasMoved(failure)) break
      await sleepOrAbort(pauseAfter(failures, failure, Math.random), signal)
      if (hasMoved(failure)) {
        const now = (await chainOf(pass.source, key, signal))?.versions ?? []
        for (const version of wanted) if (!now.some((each) => isOne(each, version))) vanished.add(version)
      }
      there = [...((await chainOf(pass.destination, key, signal))?.versions ?? [])]
      known = nothingKnown
    }
  }
  if (failure !== null && (await isSideTrouble(failure, pass, key, signal))) throw failure
  settle(job, todo, { found, failure, appended, begun, vanished })
  if (failure !== null || pass.options.dryRun) return null
  const isPlain = !wasAsked && [...appended].every(([{ token }, { now }]) => token === now.token)
  const wanted = todo.source.versions.filter((version) => !vanished.has(version))
  return isPlain ? null : chainRow(key, wanted, there)
}

/** What a version became at the destination; null where it has vanished from the source. */
async function append(
  { pass, tally }: Job,
  version: Version,
  expected: Expected,
  signal: AbortSignal,
): Promise<Appended | null> {
  const { source, destination, intents, fidelity } = pass
  if (version.kind === 'delete-marker') {
    await versionsOf(destination).remove(version.key, signal)
    return { now: version, bytes: 0, evidence: null, dropped: [] }
  }
  const deps = { source, destination, intents, fidelity, expected, appends: true, moved: tally.moved }
  const result = await copyObject(deps, version, signal)
  switch (result.outcome) {
    case 'copied': {
      const { bytes, evidence, row } = result
      const now = { ...version, token: row.destination.token }
      return { now, bytes, evidence, dropped: fidelity.lossesOf(version.key) }
    }
    case 'vanished': {
      const chain = await chainOf(source, version.key, signal)
      if (chain?.versions.some((each) => isOne(each, version))) throw unreadable(version.key)
      return null
    }
    case 'failed':
      throw result.error
    default:
      return result satisfies never
  }
}

/** What the next version is to be laid upon. A delete marker is nothing, to a condition. */
const expectedUnder = (there: readonly Version[]): Expected => there.at(-1)?.token || null

const isOne = (a: Version, b: Version) => a.version === b.version && a.token === b.token

/** Counts what became of each version of the source. */
function settle(
  { tally }: Job,
  { source }: Fittable,
  end: {
    found: ReadonlyMap<Version, Evidence | null>
    failure: DrayError | null
    appended: ReadonlyMap<Version, Appended>
    begun: ReadonlySet<Version>
    vanished: ReadonlySet<Version>
  },
): void {
  const { found, failure, appended, begun, vanished } = end
  let stopped: Version | null = null
  for (const version of source.versions) {
    const written = appended.get(version)
    const proof = found.get(version)
    if (vanished.has(version)) tally.vanished(version)
    else if (written) tally.copied(version, written.bytes, written.evidence, written.dropped)
    // It failed, as it seemed, and was there when it was looked for.
    else if (proof !== undefined && begun.has(version)) tally.copied(version, version.size, proof)
    else if (proof !== undefined) tally.same(version, proof)
    else if (failure === null) tally.copied(version, version.size, null)
    else {
      tally.failed(version, stopped === null ? failure : behind(stopped, failure))
      stopped ??= version
    }
  }
}

const behind = ({ version }: Version, { code, message }: DrayError) => ({
  code,
  message: `Version ${version}, which is older, could not be copied, and versions are kept in order: ${message}`,
})

/** A delete marker for what the source has nothing of, and only if that is still so. It takes nothing away. */
async function removeOne({ pass, tally }: Job, todo: OnlyThere, signal: AbortSignal): Promise<void> {
  const { key, versions } = todo.destination
  const newest = versions.at(-1)!
  if (pass.options.dryRun) return tally.deleted(newest)
  try {
    const [source, there] = await Promise.all([
      chainOf(pass.source, key, signal),
      chainOf(pass.destination, key, signal),
    ])
    if (source !== null || there === null || !isAlive(there)) return
    if (!isOne(there.versions.at(-1)!, newest))
      throw new DrayError('changed', `delete ${displayKey(key)}`, 'The object changed meanwhile.', {
        retry: 'later',
      })
    await versionsOf(pass.destination).remove(key, signal)
    tally.deleted(newest)
  } catch (thrown) {
    const error = toDrayError(thrown, 'delete')
    if (error.code === 'interrupted' || (await isSideTrouble(error, pass, key, signal))) throw error
    tally.failed(newest, error)
  }
}
