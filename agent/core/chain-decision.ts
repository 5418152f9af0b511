/** What a pass makes of a pair of chains, from what is known without a request: the same for a survey and for its packets. */
import { type Counts, type Evidence, zeroCounts } from '../../shared/counts.ts'
import type { PassOptions } from '../../shared/policy.ts'
import type { Pair } from '../march.ts'
import type { Storage } from '../storage/storage.ts'
import type { Chain } from '../storage/versions.ts'
import { type Fit, fitChains, type Known } from './chain.ts'
import type { Sides } from './judge.ts'

export type ChainDecision =
  /** Nothing of the source, and nothing to do: counts for nothing. */
  | { is: 'left' }
  /** More versions than are held, on either side. */
  | { is: 'too-long'; source: Chain; count: number }
  /** Nothing of it at the source: to get a delete marker, or to be told as extra. */
  | { is: 'destination-only'; destination: Chain }
  /** `fit` is null where only requests can tell. */
  | { is: 'fitted'; source: Chain; destination: Chain | null; known: Known; fit: Fit | null }

export interface ChainSight {
  options: PassOptions
  source: Storage['tokens']
  destination: Storage['tokens']
}

/** What makes versions comparable. A copy reads before it says that one is not there: nothing can be taken back that was appended. */
export const sidesOf = ({ options, source, destination }: ChainSight): Sides => ({
  source,
  destination,
  depth: options.kind === 'verify' ? options.depth : 'checksum',
})

/** `known`: what the baseline says of the pair. */
export function decideChains(
  { source, destination }: Pair<Chain>,
  known: Known,
  sight: ChainSight,
): ChainDecision {
  const { options } = sight
  if (!source) {
    const wanted = options.kind === 'verify' ? !options.oneWay : options.delete
    const isThere = destination !== null && (options.kind === 'verify' || isAlive(destination))
    return wanted && isThere ? { is: 'destination-only', destination } : { is: 'left' }
  }
  const count = Math.max(source.count, destination?.count ?? 0)
  if (isTooLong(source) || (destination && isTooLong(destination))) return { is: 'too-long', source, count }
  const first = fitChains(source.versions, destination?.versions ?? [], sidesOf(sight), known).next()
  return { is: 'fitted', source, destination, known, fit: first.done ? first.value : null }
}

/** Whether the key is an object now. */
export const isAlive = ({ versions }: Chain): boolean => versions.at(-1)?.kind !== 'delete-marker'

const isTooLong = ({ versions, count }: Chain) => versions.length < count

/** The counts of a pair that needs no work, or null. */
export function settledChain(decision: ChainDecision, options: PassOptions): Counts | null {
  if (decision.is === 'left') return zeroCounts()
  if (decision.is !== 'fitted' || !decision.fit || decision.fit.missing.length > 0) return null
  if (decision.fit.extra.length > 0 && options.kind === 'verify' && !options.oneWay) return null
  const counts = zeroCounts()
  for (const [i, version] of decision.source.versions.entries()) {
    counts.objects.listed++
    counts.objects.same++
    counts.bytes.listed += version.size
    const proof: Evidence | null = decision.fit.proofs[i]!
    if (proof !== null) counts.evidence[proof] = (counts.evidence[proof] ?? 0) + 1
  }
  return counts
}

/** What is expected of a pair that needs work. */
export function chainWork(decision: ChainDecision, options: PassOptions): { objects: number; bytes: number } {
  if (decision.is !== 'fitted') return { objects: 1, bytes: 0 }
  const { fit, source } = decision
  const versions = fit === null ? source.versions : fit.missing
  const bytes =
    options.kind === 'copy' || fit === null ? versions.reduce((sum, { size }) => sum + size, 0) : 0
  return { objects: Math.max(1, versions.length), bytes }
}

export const listedVersions = ({ source, destination }: Pair<Chain>): number =>
  (source?.versions.length ?? 0) + (destination?.versions.length ?? 0)
