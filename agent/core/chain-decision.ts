/** What a pass makes of a pair of chains, from what is known without a request: the same for a survey and for its packets. */
import { type Counts, type Evidence, zeroCounts } from '../../shared/counts.ts'
import type { Key } from '../../shared/key.ts'
import type { PassOptions } from '../../shared/policy.ts'
import type { BaselineRow } from '../baseline/row.ts'
import type { Pair } from '../march.ts'
import type { Storage } from '../storage/storage.ts'
import type { Chain } from '../storage/versions.ts'
import { type Fit, fitChains, type Known } from './chain.ts'
import type { KeyWork } from './cutter.ts'
import { deletes, isDue } from './due.ts'
import type { Sides } from './judge.ts'

export type ChainDecision =
  /** Nothing of the source, and nothing to do: counts for nothing. */
  | { is: 'left' }
  /** More versions than are held, on either side. */
  | { is: 'too-long'; source: Chain; count: number }
  /** Nothing of it at the source, for too short a time to be deleted. */
  | { is: 'kept'; destination: Chain }
  /** Nothing of it at the source: to get a delete marker, or to be told as extra. */
  | { is: 'destination-only'; destination: Chain }
  /** `fit` is null where only requests can tell. */
  | { is: 'fitted'; source: Chain; destination: Chain | null; known: Known; fit: Fit | null }

export interface ChainSight {
  options: PassOptions
  source: Storage['tokens']
  destination: Storage['tokens']
  isSampled?: (key: Key) => boolean
  /** When the pass began (ms); absent: nothing has been missing for long. */
  startedAt?: number
}

/** What makes versions comparable. A copy reads before it says that one is not there: nothing can be taken back that was appended. */
export const sidesOf = ({ options, source, destination, isSampled }: ChainSight, key: Key): Sides => ({
  source,
  destination,
  depth: isSampled?.(key) ? 'full' : options.kind === 'verify' ? options.depth : 'checksum',
})

/** `known`: what the baseline says of the pair; `row`: its row of the key, null where it was not asked. */
export function decideChains(
  { source, destination }: Pair<Chain>,
  known: Known,
  sight: ChainSight,
  row: BaselineRow | null = null,
): ChainDecision {
  const { options } = sight
  if (!source) {
    const wanted = options.kind === 'verify' ? !options.oneWay : options.delete
    const isThere = destination !== null && (options.kind === 'verify' || isAlive(destination))
    if (!wanted || !isThere) return { is: 'left' }
    return { is: isDue(row, sight) ? 'destination-only' : 'kept', destination }
  }
  const count = Math.max(source.count, destination?.count ?? 0)
  if (isTooLong(source) || (destination && isTooLong(destination))) return { is: 'too-long', source, count }
  const first = fitChains(
    source.versions,
    destination?.versions ?? [],
    sidesOf(sight, source.key),
    known,
  ).next()
  return { is: 'fitted', source, destination, known, fit: first.done ? first.value : null }
}

/** Whether the key is an object now. */
export const isAlive = ({ versions }: Chain): boolean => versions.at(-1)?.kind !== 'delete-marker'

const isTooLong = ({ versions, count }: Chain) => versions.length < count

/** The counts of a pair that needs no work, or null. */
export function settledChain(decision: ChainDecision, options: PassOptions): Counts | null {
  if (decision.is === 'left' || decision.is === 'kept') return zeroCounts()
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

/** What the cap of deletes is about: whether the key is to be deleted, and whether the destination has an object of it. */
export function chainAt(
  decision: ChainDecision,
  options: PassOptions,
): Required<Pick<KeyWork, 'deletes' | 'found'>> {
  const isThere = 'destination' in decision && decision.destination !== null && isAlive(decision.destination)
  return { deletes: deletes(options) && decision.is === 'destination-only' ? 1 : 0, found: isThere ? 1 : 0 }
}

export const listedVersions = ({ source, destination }: Pair<Chain>): number =>
  (source?.versions.length ?? 0) + (destination?.versions.length ?? 0)
