/** A source of which only what a manifest names is wanted: its rows as records, and what the source has of them. */
import { DrayError, toDrayError } from '../../shared/error.ts'
import { displayKey, type Key } from '../../shared/key.ts'
import { oneKey } from '../../shared/range.ts'
import type { CompiledFilter } from '../core/filter.ts'
import type { Entry, Storage } from '../storage/storage.ts'
import { placedAt } from './listed.ts'
import type { ManifestRow } from './manifest-rows.ts'
import { type KeyMap, type Place, valid } from './map-keys.ts'
import { type Placed, toRecord } from './record.ts'

/** Of one page. */
const headsAtOnce = 32

/** `map`: null where keys stay as they are. */
export async function* manifestRecords(
  rows: AsyncIterable<ManifestRow[]>,
  map: KeyMap | null,
  filter: CompiledFilter,
): AsyncGenerator<string[]> {
  for await (const batch of rows) {
    const wanted = batch.filter(({ key }) => filter.matches(key))
    const places = placesOf(wanted, map)
    yield wanted.flatMap(({ key, version }, i) => {
      const entry: Entry = { key, kind: 'object', size: 0, mtime: 0, token: '', ...(version && { version }) }
      const placed = placedAt(entry, places[i]!)
      return placed ? [toRecord(placed)] : []
    })
  }
}

export function placesOf(rows: readonly ManifestRow[], map: KeyMap | null): Place[] {
  if (map === null) return rows.map(({ key, newKey }) => (newKey === undefined ? key : valid(newKey)))
  const mapped = map.places(rows.map(({ key }) => key))
  return rows.map(({ newKey }, i) => (newKey === undefined ? mapped[i]! : valid(newKey)))
}

/** With what the source has of each now. What it does not have, or does not show, goes nowhere. */
export function lookUp(source: Storage) {
  return async (page: readonly Placed[], signal: AbortSignal): Promise<Placed[]> => {
    const found: Placed[] = []
    let next = 0
    async function work(): Promise<void> {
      for (let i = next++; i < page.length; i = next++) found[i] = await one(page[i]!)
    }
    async function one(placed: Placed): Promise<Placed> {
      if (placed.refusal) return placed
      const { key, version } = placed.entry
      try {
        const head = await source.head(key, signal, version)
        if (head === null) return { ...placed, refusal: missing }
        return { ...placed, entry: version === undefined ? head.entry : { ...head.entry, version } }
      } catch (thrown) {
        const error = toDrayError(thrown, `look at ${displayKey(key)}`)
        if (!ofOne.has(error.code)) throw error
        return { ...placed, refusal: { code: error.code, message: error.message } }
      }
    }
    await Promise.all(Array.from({ length: Math.min(headsAtOnce, page.length) }, work))
    const lost = found.find(({ refusal }) => refusal === missing)
    if (lost) await mustAnswer(source, lost.entry.key, signal)
    return found
  }
}

const missing = {
  code: 'not-found',
  message: 'The manifest names it, and the source does not have it.',
} as const

/** What is one object's trouble and not the whole source's. */
const ofOne: ReadonlySet<string> = new Set(['access-denied', 'invalid-request', 'unsupported-key'])

/** A bucket that was removed says of every object that it is not there. Who may not list it has to be believed. */
async function mustAnswer(source: Storage, key: Key, signal: AbortSignal): Promise<void> {
  try {
    for await (const _ of source.list(oneKey(key), { signal, fresh: true })) return
  } catch (thrown) {
    if (!(thrown instanceof DrayError) || thrown.code !== 'access-denied') throw thrown
  }
}
