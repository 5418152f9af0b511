/**
 * Goes through a range of both sides where all versions are moved, and decides on each key's two chains, as a survey and as a
 * packet does. The baseline keeps one row for a pair of chains that listings alone do not prove to fit: a digest of each.
 */
import { createHash } from 'node:crypto'
import { DrayError } from '../../shared/error.ts'
import type { Key } from '../../shared/key.ts'
import { oneKey, type Range } from '../../shared/range.ts'
import type { BaselineRow } from '../baseline/baseline.ts'
import { type Known, nothingKnown } from '../core/chain.ts'
import { type ChainDecision, decideChains, listedVersions, settledChain } from '../core/chain-decision.ts'
import { hasGrace } from '../core/due.ts'
import type { Pair } from '../march.ts'
import type { Storage } from '../storage/storage.ts'
import type { Chain, Version, Versions } from '../storage/versions.ts'
import type { LookOptions } from './look.ts'
import type { Pass } from './pass.ts'
import type { Rows } from './rows.ts'
import { walkRange } from './walk-range.ts'

export interface SeenChain {
  readonly key: Key
  /** Null where the filter leaves the key out. */
  readonly chain: ChainDecision | null
  /** The baseline's row, where it was of use. */
  readonly row: BaselineRow | null
  /** On both sides. */
  readonly listed: number
  /** The baseline is to know that the source has it no more, or has it again. */
  readonly isNews?: boolean
}

/** As `look`. */
export const lookAtChains = (
  pass: Pass,
  range: Range,
  { signal, observed }: Pick<LookOptions, 'signal' | 'observed'>,
): AsyncGenerator<SeenChain[]> =>
  walkRange<Chain, SeenChain>(pass, range, signal, {
    list: (part, signal) => [
      versionsOf(pass.source).list(part, signal),
      versionsOf(pass.destination).list(part, signal),
    ],
    async see(batch, rows, first) {
      observed?.see(batch)
      let before = first
      const seen: SeenChain[] = []
      for (const pair of batch) {
        seen.push(await seeChain(pass, pair, rows, before))
        before = pair.key
      }
      return seen
    },
  })

async function seeChain(
  pass: Pass,
  pair: Pair<Chain>,
  rows: Rows | null,
  before: Key | null,
): Promise<SeenChain> {
  const { key } = pair
  const listed = listedVersions(pair)
  if (!pass.filter.matches(key)) return { key, chain: null, row: null, listed }
  const first = decideChains(pair, nothingKnown, pass.sight)
  const isToFit = first.is === 'fitted' && pair.destination !== null && !settledChain(first, pass.options)
  if (!rows || !(isToFit || hasGrace(pass.options))) return { key, chain: first, row: null, listed }
  const row = await rows.at(key, before)
  const isMissing = row?.source.missing !== undefined
  if (first.is === 'kept') {
    const chain = decideChains(pair, nothingKnown, pass.sight, row)
    return { key, chain, row, listed, isNews: !isMissing }
  }
  const known = isToFit && row && knownFrom(row, pair)
  const isNews = isMissing && pair.source !== null
  return known
    ? { key, chain: decideChains(pair, known, pass.sight), row: present(row), listed, isNews }
    : { key, chain: first, row: null, listed, isNews }
}

/** The chain of one key as it is now; null where there is nothing of it. */
export async function chainOf(storage: Storage, key: Key, signal: AbortSignal): Promise<Chain | null> {
  for await (const page of versionsOf(storage).list(oneKey(key), signal)) {
    const found = page.find((chain) => chain.key === key)
    if (found) return found
  }
  return null
}

/** A pass of all versions is refused where there are none (versioned.ts), so that this is a defect. */
export function versionsOf({ versions, name }: Storage): Versions {
  if (versions) return versions
  throw new DrayError('internal', 'list versions', `${name} keeps no versions.`)
}

/** The row of two whole chains that fit. */
export const chainRow = (
  key: Key,
  source: readonly Version[],
  destination: readonly Version[],
): BaselineRow => ({
  key,
  source: { token: digestOf(source), size: source.length, mtime: null },
  destination: { token: digestOf(destination), size: destination.length, mtime: null },
  evidence: 'baseline',
})

function present({ source, ...row }: BaselineRow): BaselineRow {
  const { missing: _, ...there } = source
  return { ...row, source: there }
}

/** What is left of a row's word: both chains may have grown since, and begin as they were. */
function knownFrom({ source, destination }: BaselineRow, pair: Pair<Chain>): Known | null {
  const begins = (chain: Chain | null, was: { token: string; size: number }) =>
    chain !== null &&
    chain.versions.length >= was.size &&
    digestOf(chain.versions.slice(0, was.size)) === was.token
  return begins(pair.source, source) && begins(pair.destination, destination)
    ? { source: source.size, destination: destination.size }
    : null
}

/** Without the versions' names: those of the destination are not known when a chain was just written. */
function digestOf(versions: readonly Version[]): string {
  const hash = createHash('sha256')
  for (const { kind, size, token } of versions) hash.update(`${kind} ${size} ${token}\n`)
  return hash.digest('hex')
}
