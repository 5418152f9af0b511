/** The first half of a packet where all versions are moved: as plan.ts, but what is counted and held are versions. */
import type { Key } from '../../shared/key.ts'
import { packetBounds } from '../../shared/policy.ts'
import type { BaselineRow } from '../baseline/baseline.ts'
import { type ChainDecision, chainWork, settledChain } from '../core/chain-decision.ts'
import { missingSince } from './leaves.ts'
import { lookAtChains, type SeenChain } from './look-chains.ts'
import type { PlanJob, Same } from './plan.ts'

/** A key that has to be acted on. */
export type ChainTodo = Exclude<ChainDecision, { is: 'left' } | { is: 'kept' }>

export interface ChainPlan {
  /** How far the packet goes: its end, or the last key listed where its range has grown. */
  readonly through: Key | null
  /** When its listings began (ms). */
  readonly began: number
  readonly todo: ChainTodo[]
  /** The versions of what is the same already, in rising order of keys. */
  readonly same: Same[]
  /** The rows of what is the same by the baseline, or kept for now, in rising order. */
  readonly rows: BaselineRow[]
  /** Those of what is to be deleted, which stay as long as it does. */
  readonly missing: BaselineRow[]
}

/** Past these its rest is handed back; the chain that passes them is taken along, since a key is never divided. */
const bounds = {
  versions: 2 * packetBounds.workObjects,
  bytes: 2 * packetBounds.workBytes,
  listed: 2 * packetBounds.listedKeys,
}

export async function planChains({
  pass,
  packet,
  signal,
  mustYield,
  observed = null,
}: PlanJob): Promise<ChainPlan> {
  const began = Date.now()
  const same: Same[] = []
  const todo: ChainTodo[] = []
  const rows: BaselineRow[] = []
  const missing: BaselineRow[] = []
  const sum = { versions: 0, bytes: 0, listed: 0 }
  let last: Key | null = null

  const isFull = () =>
    sum.versions >= bounds.versions || sum.bytes >= bounds.bytes || sum.listed >= bounds.listed

  function add({ chain, row }: SeenChain): void {
    if (!chain || chain.is === 'left') return
    if (chain.is === 'kept') {
      rows.push(missingSince(chain.destination.key, row))
      return
    }
    if (chain.is === 'fitted' && settledChain(chain, pass.options)) {
      for (const [i, version] of chain.source.versions.entries())
        same.push({ entry: version, evidence: chain.fit!.proofs[i]! })
      if (row) rows.push(row)
      return
    }
    if (chain.is === 'destination-only' && row) missing.push(row)
    todo.push(chain)
    const { objects, bytes } = chainWork(chain, pass.options)
    sum.versions += objects
    sum.bytes += bytes
  }

  for await (const batch of lookAtChains(pass, packet, { signal, observed })) {
    if (last !== null && mustYield()) return { through: last, began, todo, same, rows, missing }
    for (const seen of batch) {
      if (isFull()) return { through: last, began, todo, same, rows, missing }
      add(seen)
      sum.listed += Math.max(1, seen.listed)
      last = seen.key
    }
  }
  return { through: packet.through, began, todo, same, rows, missing }
}

export const chainKey = (todo: ChainTodo): Key =>
  (todo.is === 'destination-only' ? todo.destination : todo.source).key
