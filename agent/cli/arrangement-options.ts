/** `--map-…` and `--manifest…`, as a person gave them. */
import { resolve } from 'node:path'
import * as z from 'zod'
import { DrayError } from '../../shared/error.ts'
import {
  type Arrangement,
  groupsOf,
  type Manifest,
  type Mapping,
  manifestColumns,
  manifestSchema,
  mappingSchema,
  unmatchedPolicies,
} from '../../shared/mapping.ts'
import { parsePlace } from './place.ts'

/** The options as commander gives them. */
export const arrangementOptions = {
  mapPrefix: z.string().optional(),
  mapPattern: z.string().optional(),
  mapTo: z.string().optional(),
  mapUnmatched: z.enum(unmatchedPolicies).optional(),
  manifest: z.string().optional(),
  manifestColumns: z.string().optional(),
  manifestKeys: z.enum(['plain', 'url']).optional(),
}
const rawSchema = z.object(arrangementOptions)
type Raw = z.infer<typeof rawSchema>

export function parseArrangement(raw: Raw, cwd: string, site: string): Arrangement {
  const mapping = parseMapping(raw)
  const manifest = parseManifest(raw, cwd, site)
  return { ...(mapping && { mapping }), ...(manifest && { manifest }) }
}

function parseMapping({ mapPrefix, mapPattern, mapTo, mapUnmatched }: Raw): Mapping | null {
  const unmatched = mapUnmatched ?? 'fail'
  if (mapPrefix !== undefined) {
    if (mapPattern !== undefined || mapTo !== undefined) {
      throw usage(
        '--map-prefix and --map-to are both given',
        'Write the prefix into --map-pattern and --map-to.',
      )
    }
    const [from, to, more] = mapPrefix.split('=')
    if (from === undefined || to === undefined || more !== undefined || from === to) {
      throw usage(
        `--map-prefix is not FROM=TO: ${mapPrefix}`,
        "For example --map-prefix old/=new/; where there are more '=', use --map-pattern and --map-to.",
      )
    }
    return check({ kind: 'prefix', from, to, unmatched }, '--map-prefix')
  }
  if (mapTo === undefined) {
    const alone =
      mapPattern !== undefined ? '--map-pattern' : mapUnmatched !== undefined ? '--map-unmatched' : null
    if (alone) throw usage(`${alone} is given without --map-to`, "For example --map-to 'new/{key}'")
    return null
  }
  if (mapPattern !== undefined) {
    try {
      groupsOf(mapPattern)
    } catch (error) {
      const hint = "For example --map-pattern '(?<id>\\d+)/(?<name>.+)' --map-to '{id}/{name}'"
      throw usage(`--map-pattern is no regular expression: ${(error as Error).message}`, hint)
    }
  }
  return check({ kind: 'template', pattern: mapPattern ?? null, to: mapTo, unmatched }, '--map-to')
}

function check(mapping: Mapping, option: string): Mapping {
  const parsed = mappingSchema.safeParse(mapping)
  if (parsed.success) return parsed.data
  throw usage(
    `${option} is wrong: ${parsed.error.issues[0]?.message}`,
    'See dray copy --help for what it can hold.',
  )
}

function parseManifest(
  { manifest, manifestColumns: columns, manifestKeys }: Raw,
  cwd: string,
  site: string,
): Manifest | null {
  if (manifest === undefined) {
    const alone =
      columns !== undefined ? '--manifest-columns' : manifestKeys !== undefined ? '--manifest-keys' : null
    if (alone) throw usage(`${alone} is given without --manifest`, 'For example --manifest keys.csv')
    return null
  }
  const parsed = manifestSchema.safeParse({
    place: placeOf(manifest, cwd, site),
    columns: columns?.split(',').map((name) => name.trim()) ?? null,
    keys: manifestKeys ?? null,
  })
  if (parsed.success) {
    if (!parsed.data.columns || parsed.data.columns.includes('key')) return parsed.data
    throw usage('--manifest-columns has no key', 'For example --manifest-columns key,newKey')
  }
  if (parsed.error.issues[0]?.path[0] === 'columns') {
    throw usage(
      `--manifest-columns has something that is no column: ${columns}`,
      `There are ${manifestColumns.join(', ')}; for example --manifest-columns bucket,key,-,version`,
    )
  }
  throw usage(`--manifest names no manifest: ${manifest}`, 'Give a file, or s3://bucket/key.')
}

function placeOf(manifest: string, cwd: string, site: string): Manifest['place'] {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(manifest)) return { kind: 'file', path: resolve(cwd, manifest), site }
  const place = parsePlace(manifest, '--manifest', cwd)
  if (place.kind === 'file')
    throw usage(`--manifest names no manifest: ${manifest}`, 'Give a path, or s3://bucket/key.')
  return place
}

const usage = (message: string, hint: string) =>
  new DrayError('usage', 'read the arguments', message, { hint })
