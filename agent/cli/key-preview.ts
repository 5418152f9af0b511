/**
 * What the first keys of a migration become, for whoever wants to see what a mapping does before it is done. It also finds out
 * early that a manifest is not there, or cannot be understood.
 */
import type { NewMigration } from '../../shared/api/migrations.ts'
import { displayKey } from '../../shared/key.ts'
import { compileFilter } from '../core/filter.ts'
import { type ArrangeDeps, readManifest } from '../mapping/arrange.ts'
import { placesOf } from '../mapping/manifest.ts'
import type { ManifestRow } from '../mapping/manifest-rows.ts'
import { compileMapping, type Place } from '../mapping/map-keys.ts'
import { count } from './figures.ts'

const mostExamples = 10

/** Lines for people: ten keys of the first page, and how many of it have no place. */
export async function previewKeys(
  migration: NewMigration,
  open: ArrangeDeps['open'],
  signal: AbortSignal,
): Promise<string> {
  const { mapping, manifest, source } = migration
  const map = mapping ? compileMapping(mapping) : null
  const matches = compileFilter(migration.filter)
  const pages = manifest ? readManifest(manifest, source, { open }, signal) : listed(source, open, signal)
  for await (const page of pages) {
    const rows = page.filter(({ key }) => matches.matches(key))
    if (rows.length > 0) return textOf(rows, placesOf(rows, map))
  }
  return '  There are no keys to map.\n'
}

async function* listed(
  source: NewMigration['source'],
  open: ArrangeDeps['open'],
  signal: AbortSignal,
): AsyncGenerator<ManifestRow[]> {
  const storage = await open(source)
  try {
    yield* storage.list({ after: null, through: null }, { signal })
  } finally {
    await storage.close()
  }
}

function textOf(rows: readonly ManifestRow[], places: readonly Place[]): string {
  const examples: { from: string; to: string }[] = []
  let unmatched = 0
  for (const [i, { key }] of rows.entries()) {
    const place = places[i] ?? null
    if (typeof place !== 'string') unmatched++
    else if (examples.length < mostExamples) examples.push({ from: displayKey(key), to: displayKey(place) })
  }
  const width = Math.min(60, Math.max(0, ...examples.map(({ from }) => from.length)))
  const lines = examples.map(({ from, to }) => `  ${from.padEnd(width)} → ${to}`)
  const [all, none] = [count(rows.length), count(unmatched)]
  if (unmatched === rows.length) lines.push(`  The mapping matches none of the first ${all} keys.`)
  else if (unmatched > 0) lines.push(`  The mapping does not match ${none} of the first ${all} keys.`)
  return `${lines.join('\n')}\n`
}
