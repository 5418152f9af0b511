/** One verify packet where all versions are compared: each key's chains have to be the same, from the oldest to the newest. */
import { toDrayError } from '../../shared/error.ts'
import { displayKey, type Key } from '../../shared/key.ts'
import { nothingKnown } from '../core/chain.ts'
import { isSameMetadata } from '../core/same-metadata.ts'
import type { Chain, Version } from '../storage/versions.ts'
import { type ChainTodo, chainKey, planChains } from './chain-plan.ts'
import { tooLong } from './copy-chains.ts'
import type { Job } from './copy-packet.ts'
import { eachUntilYield, nothingHeld } from './each.ts'
import { type Fitted, fitToTheEnd, hasMoved } from './fit-chains.ts'
import { chainOf } from './look-chains.ts'
import { countSame } from './plan.ts'
import { isSideTrouble } from './trouble.ts'

/** Of one key, the first included. */
const tries = 4

/** How far the packet has come, in key order. Throws where it could not be worked on as a whole. */
export async function verifyChains(job: Job): Promise<Key | null> {
  const plan = await planChains(job)
  const through = await eachUntilYield(job, plan.todo, plan.through, chainKey, nothingHeld, (todo, within) =>
    verifyChain(job, todo, within),
  )
  countSame(job.tally, plan.same, through)
  return through
}

async function verifyChain(job: Job, todo: ChainTodo, signal: AbortSignal): Promise<void> {
  const { pass, tally, observed } = job
  if (todo.is === 'too-long') return tally.failed(todo.source.versions.at(-1)!, tooLong(todo.count))
  if (todo.is === 'destination-only') {
    for (const version of todo.destination.versions) tally.extra(version)
    return
  }
  const { key } = todo.source
  let source: Chain | null = todo.source
  let destination = todo.destination
  for (let tried = 1; ; tried++) {
    try {
      const versions = source?.versions ?? []
      const fit = await fitToTheEnd(
        job,
        versions,
        destination?.versions ?? [],
        nothingKnown,
        signal,
        isAlike(job, signal),
      )
      return settle(job, todo.source.versions, versions, fit)
    } catch (thrown) {
      const error = toDrayError(thrown, `compare ${displayKey(key)}`)
      if (error.code === 'interrupted' || (await isSideTrouble(error, pass, key, signal))) throw error
      if (tried >= tries || !hasMoved(error)) {
        for (const version of todo.source.versions) tally.failed(version, error)
        return
      }
      ;[source, destination] = await Promise.all([
        chainOf(pass.source, key, signal),
        chainOf(pass.destination, key, signal),
      ])
      observed?.again({ key, source, destination })
    }
  }
}

/** `listed`: the source's versions as they are counted; `now`: those of them that were compared. */
function settle(
  { pass, tally }: Job,
  listed: readonly Version[],
  now: readonly Version[],
  fit: Fitted,
): void {
  const found = new Map(now.map(({ version }, i) => [version, i]))
  for (const version of listed) {
    const at = found.get(version.version)
    if (at === undefined) tally.vanished(version)
    else if (at < fit.proofs.length) {
      tally.same(version, fit.proofs[at]!)
      if (fit.proofs[at] && pass.sight.isSampled?.(version.key)) tally.sampled()
    } else tally.failed(version, missing, 'missing')
  }
  if (!pass.options.oneWay) for (const version of fit.extra) tally.extra(version)
}

const missing = {
  code: 'missing' as const,
  message: 'This version is not at the destination, or not in its place among the others.',
}

/** At full depth, what a version is besides its bytes is compared too. */
function isAlike({ pass }: Job, signal: AbortSignal) {
  return async ([a, b]: readonly [Version, Version]): Promise<boolean> => {
    if (pass.options.depth !== 'full') return true
    const [from, to] = await Promise.all([
      pass.source.head(a.key, signal, a.version),
      pass.destination.head(b.key, signal, b.version),
    ])
    return from !== null && to !== null && isSameMetadata(from.metadata, to.metadata)
  }
}
