/**
 * One copy packet where all versions are moved. A key is one piece of work (chain-copy.ts), and keys are worked on side by
 * side. What is already at the destination is looked for first, so a packet that is done again, after a crash or by another
 * agent, appends only the rest.
 */
import { DrayError, toDrayError } from '../../shared/error.ts'
import { displayKey, type Key } from '../../shared/key.ts'
import { isAlive } from '../core/chain-decision.ts'
import { mostVersions, type Version } from '../storage/versions.ts'
import { restoreAndCopy } from './archived.ts'
import { ChainCopy, type Fittable, isOne } from './chain-copy.ts'
import { type ChainTodo, chainKey, planChains } from './chain-plan.ts'
import { type Job, logLeft, remember } from './copy-packet.ts'
import { eachOfPacket, eachUntilYield } from './each.ts'
import { chainOf, versionsOf } from './look-chains.ts'
import { countSame } from './plan.ts'
import { isSideTrouble } from './trouble.ts'

type OnlyThere = Extract<ChainTodo, { is: 'destination-only' }>

/** How far the packet has come, in key order. Throws where it could not be worked on as a whole. */
export async function copyChains(job: Job): Promise<Key | null> {
  const { pass, packet, tally } = job
  const plan = await planChains(job)
  /** Chains that go on when these versions of theirs are out of the archive. */
  const archived: { copy: ChainCopy; todo: Fittable; versions: readonly Version[] }[] = []

  async function copyChain(copy: ChainCopy, todo: Fittable, mayWait: boolean, within: AbortSignal) {
    const versions = await copy.run(mayWait, within)
    if (versions.length > 0) {
      archived.push({ copy, todo, versions })
      // It is not done yet.
      tally.progress.objects--
      return
    }
    const row = copy.settle()
    if (row) plan.rows.push(row)
  }

  /** What it has leave for: the rest is for the next pass to count. */
  let leave = pass.options.dryRun ? Number.POSITIVE_INFINITY : packet.deletes
  let left = 0
  const deleted = new Set<Key>()

  async function remove(todo: OnlyThere, within: AbortSignal) {
    if (leave-- <= 0) left++
    else if (await removeOne(job, todo, within)) deleted.add(todo.destination.key)
  }

  const act = async (todo: ChainTodo, within: AbortSignal) => {
    switch (todo.is) {
      case 'too-long':
        return tally.failed(todo.source.versions.at(-1)!, tooLong(todo.count))
      case 'destination-only':
        return remove(todo, within)
      case 'fitted':
        return copyChain(new ChainCopy(job, todo), todo, true, within)
      default:
        return todo satisfies never
    }
  }
  const through = await eachUntilYield(job, plan.todo, plan.through, chainKey, largestOf, act)
  const stuck = archived.splice(0)
  await restore(
    job,
    stuck.flatMap(({ versions }) => versions),
  )
  const sizeOf = ({ todo }: { todo: Fittable }) => largestOf(todo)
  await eachOfPacket(job, stuck, sizeOf, ({ copy, todo }, within) => copyChain(copy, todo, false, within))

  logLeft(job, left)
  plan.rows.push(...plan.missing.filter(({ key }) => !deleted.has(key)))
  countSame(tally, plan.same, through)
  if (!pass.options.dryRun) await remember(job, through, plan.began, plan.rows)
  return through
}

/** Bytes: one version at a time is on its way. */
const largestOf = (todo: ChainTodo): number =>
  todo.is === 'fitted' ? todo.source.versions.reduce((most, { size }) => Math.max(most, size), 0) : 0

export const tooLong = (count: number) => ({
  code: 'too-large' as const,
  message: `It has ${count} versions on one side; keys of up to ${mostVersions} can be moved with all of them.`,
})

/** Until each can be read, or cannot be restored: then its chain will meet it once more, and fail by it. */
async function restore(job: Job, versions: readonly Version[]): Promise<void> {
  const quiet = { ...job, tally: { ...job.tally, failed: () => {} } }
  const items = versions.map((source) => ({ source }))
  await restoreAndCopy(quiet, items, async () => {})
}

/** A delete marker for what the source has nothing of, and only if that is still so. It takes nothing away. Whether it lies there now. */
async function removeOne({ pass, tally }: Job, todo: OnlyThere, signal: AbortSignal): Promise<boolean> {
  const { key, versions } = todo.destination
  const newest = versions.at(-1)!
  if (pass.options.dryRun) {
    tally.deleted(newest)
    return false
  }
  try {
    const [source, there] = await Promise.all([
      chainOf(pass.source, key, signal),
      chainOf(pass.destination, key, signal),
    ])
    if (source !== null || there === null || !isAlive(there)) return false
    if (!isOne(there.versions.at(-1)!, newest)) throw changed(key)
    await versionsOf(pass.destination).remove(key, signal)
    tally.deleted(newest)
    return true
  } catch (thrown) {
    const error = toDrayError(thrown, 'delete')
    if (error.code === 'interrupted' || (await isSideTrouble(error, pass, key, signal))) throw error
    tally.failed(newest, error)
    return false
  }
}

const changed = (key: Key) =>
  new DrayError('changed', `delete ${displayKey(key)}`, 'The object changed meanwhile.', { retry: 'later' })
