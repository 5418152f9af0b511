/** Where in the key space of a migration's packets a change lies that somebody tells of. */
import { type Key, keyFromText } from '../../shared/key.ts'
import type { Arrangement } from '../../shared/mapping.ts'
import type { PassOptions } from '../../shared/policy.ts'
import { oneKey, prefixRange, type Range } from '../../shared/range.ts'
import { parseTemplate } from '../../shared/template.ts'

export type Side = 'source' | 'destination'

/** A key of one of the locations, and when it changed as far as is known (ms). */
export interface Change {
  readonly key: Key
  readonly at: number
  /** In some key that begins with this one. */
  readonly under?: true | undefined
}

/** Of what is told of the followed side: the ranges to look at. Nothing was changed later than now. */
export function toldRanges(
  arrangement: Arrangement,
  followed: Side,
  changes: readonly Change[],
  now: number,
): (Range & { readonly told: number })[] {
  return changes.flatMap(({ key, at, under }) => {
    const told = toldKey(arrangement, followed, key)
    if (told === null) return []
    return [{ ...(under ? prefixRange(told) : oneKey(told)), told: Math.min(at, now) }]
  })
}

/** The side whose changes a pass carries over: what is told of the other one is its own work mostly, and never copied back. */
export const followedSide = ({ direction }: Pick<PassOptions, 'direction'>): Side =>
  direction === 'forward' ? 'source' : 'destination'

/**
 * The key, in the order that packets are ranges of, of what has changed at `key` of the followed side; null where it is none of this
 * migration's, or where only a complete listing says what it becomes: with a manifest, or a mapping that is more than another beginning.
 */
export function toldKey({ mapping, manifest }: Arrangement, followed: Side, key: Key): Key | null {
  if (manifest) return null
  // Packets are ranges of the destination's keys, whichever way they go.
  if (!mapping || followed === 'destination') return key
  const shift = shiftOf(mapping)
  if (!shift) return null
  const { from, to } = shift
  return key.startsWith(from) ? ((to + key.slice(from.length)) as Key) : null
}

/** As agents have it (mapping/map-keys.ts): whether all that is mapped begins otherwise, and is else as it was. */
function shiftOf(mapping: NonNullable<Arrangement['mapping']>): { from: Key; to: Key } | null {
  if (mapping.kind === 'prefix') {
    const [from, to] = [keyFromText(mapping.from), keyFromText(mapping.to)]
    return from === '' || mapping.unmatched === 'skip' ? { from, to } : null
  }
  if (mapping.pattern !== null) return null
  const parts = parseTemplate(mapping.to, [])
  const last = parts.at(-1)
  const first = parts.length === 2 ? parts[0] : ''
  if (parts.length > 2 || typeof first !== 'string') return null
  if (typeof last !== 'object' || last.name !== 'key' || last.steps.length > 0) return null
  return { from: '' as Key, to: keyFromText(first) }
}
