/** A source's whole listing, as records of where each object goes. */
import { displayKey } from '../../shared/key.ts'
import type { CompiledFilter } from '../core/filter.ts'
import type { Entry, Storage } from '../storage/storage.ts'
import type { KeyMap, Place } from './map-keys.ts'
import { type Placed, toRecord } from './record.ts'

/** The filter is for the source's own keys. Throws what the listing throws, and then nothing is known of what is missing. */
export async function* listedRecords(
  source: Storage,
  map: KeyMap,
  filter: CompiledFilter,
  signal: AbortSignal,
): AsyncGenerator<string[]> {
  for (const range of filter.ranges) {
    // Asked for once, so it need not be remembered.
    for await (const page of source.list(range, { signal, fresh: true })) {
      const entries = page.filter((entry) => filter.matches(entry.key))
      const places = map.places(entries.map((entry) => entry.key))
      const records: string[] = []
      for (const [i, entry] of entries.entries()) {
        const placed = placedAt(entry, places[i]!)
        if (placed) records.push(toRecord(placed))
      }
      yield records
    }
  }
}

/** Null where it is left out. What has no place is told at its own key. */
export function placedAt(entry: Entry, place: Place): Placed | null {
  if (place === null) return null
  if (typeof place === 'string') return { place, entry }
  return { place: entry.key, entry, refusal: { code: 'unmapped', message: place.why } }
}

/** Why each of those that would get one key goes nowhere. */
export function clashOf({ entry, place }: Placed, others: readonly Placed[]): string {
  const other = others.find((one) => one.entry.key !== entry.key || one.entry.version !== entry.version)
  const more = others.length > 2 ? ` and ${others.length - 2} more` : ''
  return `It would become ${displayKey(place)}, and so would ${other ? displayKey(other.entry.key) : 'another'}${more}.`
}
