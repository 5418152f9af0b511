/**
 * The packets that a pass begins with; together they tile the key space. Where the filter can match nothing, a settled
 * packet of no objects; elsewhere surveys: one, or several where an earlier pass tells where to divide.
 */
import { zeroCounts } from '../../shared/counts.ts'
import { type Key, keyFromText } from '../../shared/key.ts'
import type { Filter } from '../../shared/policy.ts'
import { compareRanges, everything, prefixRange, type Range } from '../../shared/range.ts'
import { type NewPacket, newPacket, settledPacket } from './packet.ts'

/** Surveys that a later pass begins with, at most (and one more for each range of the filter). */
export const maxSurveys = 16

/** `boundaries`: where to divide, in any order; none for a first pass. */
export function initialPackets(
  filter: Filter,
  work: 'copy' | 'verify',
  boundaries: readonly Key[],
): NewPacket[] {
  const sorted = [...new Set(boundaries)].sort((a, b) => (a < b ? -1 : 1))
  const packets: NewPacket[] = []
  let at: Key | null = null
  for (const range of possibleRanges(filter)) {
    if (range.after !== at) packets.push(nothingIn(work, { after: at, through: range.after }))
    let after = range.after
    for (const boundary of sorted) {
      if (after !== null && boundary <= after) continue
      if (range.through !== null && boundary >= range.through) break
      packets.push(newPacket('survey', { after, through: boundary }))
      after = boundary
    }
    packets.push(newPacket('survey', { after, through: range.through }))
    at = range.through
    if (at === null) return packets
  }
  packets.push(nothingIn(work, { after: at, through: null }))
  return packets
}

const nothingIn = (work: 'copy' | 'verify', range: Range) => settledPacket(work, range, zeroCounts())

/** At most `maxSurveys - 1` of the ends of an earlier pass's packets, evenly spread over those that are given. */
export function pickBoundaries(ends: readonly Key[]): Key[] {
  const sorted = [...new Set(ends)].sort((a, b) => (a < b ? -1 : 1))
  const pieces = Math.min(maxSurveys, sorted.length + 1)
  return Array.from({ length: pieces - 1 }, (_, i) => sorted[Math.floor(((i + 1) * sorted.length) / pieces)]!)
}

/**
 * Where keys that the filter lets in can be: sorted, apart from one another, never empty. Wider than need be where a
 * pattern is not simple; the agents apply the filter itself to every key.
 */
function possibleRanges(filter: Filter): Range[] {
  if (filter.only !== null) {
    const key = keyFromText(filter.only)
    return [{ after: prefixRange(key).after, through: key }]
  }
  const prefixes = filter.include.map(literalPrefix)
  if (prefixes.length === 0 || prefixes.includes(null)) return [everything]
  const ranges = prefixes.map((prefix) => prefixRange(keyFromText(prefix!))).sort(compareRanges)
  const joined: Range[] = []
  for (const range of ranges) {
    const last = joined.at(-1)
    if (!last || !touches(last, range)) joined.push(range)
    else joined.splice(-1, 1, { after: last.after, through: further(last.through, range.through) })
  }
  return joined
}

/** What every key that an anchored pattern matches begins with; null where it can match anywhere. */
function literalPrefix(pattern: string): string | null {
  if (!pattern.startsWith('/')) return null
  const prefix = /^[^*?[\]{}\\]*/.exec(pattern.slice(1))![0]
  return prefix === '' ? null : prefix
}

const touches = (a: Range, b: Range) => a.through === null || b.after === null || b.after <= a.through

const further = (a: Key | null, b: Key | null) => (a === null || b === null ? null : a > b ? a : b)
