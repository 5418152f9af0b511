/** A source of which only what a manifest names is wanted: its rows as records, and what the source has of them. */
import { DrayError, toDrayError } from '../../shared/error.ts'
import { displayKey, type Key } from '../../shared/key.ts'
import { oneKey } from '../../shared/range.ts'
import type { CompiledFilter } from '../core/filter.ts'
import type { Entry, Storage } from '../storage/storage.ts'
import { eachAtOnce, present } from './beside.ts'
import { placedAt } from './listed.ts'
import type { ManifestRow } from './manifest-rows.ts'
import { type KeyMap, type Place, valid } from './map-keys.ts'
import { type Placed, toRecord } from './record.ts'

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
    const refusals = new Map<string, NonNullable<Placed['refusal']>>()
    let lost: Key | null = null

    async function head(key: Key, within: AbortSignal, version?: string): Promise<Entry | undefined> {
      try {
        const found = await source.head(key, within, version)
        if (found === null) lost = key
        return found?.entry
      } catch (thrown) {
        const error = toDrayError(thrown, `look at ${displayKey(key)}`)
        if (!ofOne.has(error.code)) throw error
        refusals.set(nameOf(key, version), { code: error.code, message: error.message })
        return undefined
      }
    }

    const wanted = page.filter(({ refusal }) => !refusal).map(({ entry }) => entry)
    const newest = [...new Set(wanted.filter(({ version }) => version === undefined).map(({ key }) => key))]
    const entries = new Map<string, Entry>()
    for (const entry of await present(source, newest.sort(), head, { signal, fresh: true })) {
      entries.set(nameOf(entry.key), entry)
    }
    const older = wanted.filter(({ version }) => version !== undefined)
    await eachAtOnce(older, async ({ key, version }) => {
      const entry = await head(key, signal, version)
      if (entry) entries.set(nameOf(key, version), { ...entry, version: version! })
    })
    if (lost !== null) await mustAnswer(source, lost, signal)

    return page.map((placed) => {
      if (placed.refusal) return placed
      const name = nameOf(placed.entry.key, placed.entry.version)
      const entry = entries.get(name)
      return entry ? { ...placed, entry } : { ...placed, refusal: refusals.get(name) ?? missing }
    })
  }
}

const nameOf = (key: Key, version?: string) => (version === undefined ? key : `${version}\0${key}`)

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
