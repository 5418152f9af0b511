/**
 * What else defines a migration, beside its filter: how a source's keys become the destination's (its mapping), and a list
 * of the keys that it is about (its manifest). Both are of the migration and not of a pass: they say what its packets are ranges of.
 */
import * as z from 'zod'
import type { Filter } from './policy.ts'
import { parseTemplate } from './template.ts'

/**
 * What becomes of a key that the mapping does not match. `fail`: it is a failure, named and counted. `skip`: it is left out, as by
 * a filter. `keep`: it is copied under its own key.
 */
export const unmatchedPolicies = ['fail', 'skip', 'keep'] as const

const text = z.string().max(1024)
const unmatched = z.enum(unmatchedPolicies)

/**
 * `prefix`: keys that begin with `from` begin with `to` instead. `template`: `to` (template.ts) says what a key becomes; `pattern` is a
 * regular expression of JavaScript (flags `s` and `u`) that has to match the whole key, and whose named groups the
 * template can use; null: every key. Keys are matched as text; one that is not UTF-8 byte by byte, each byte as the
 * character of that number, and what is taken from it stays the bytes that it was.
 */
export const mappingSchema = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('prefix'), from: text, to: text, unmatched }),
    z.strictObject({
      kind: z.literal('template'),
      pattern: text.min(1).nullable(),
      to: text.min(1),
      unmatched,
    }),
  ])
  .superRefine((mapping, { addIssue }) => {
    if (mapping.kind !== 'template') return
    try {
      parseTemplate(mapping.to, groupsOf(mapping.pattern))
    } catch (error) {
      addIssue({ code: 'custom', message: (error as Error).message })
    }
  })
export type Mapping = z.infer<typeof mappingSchema>

/** The names of its groups. Throws a `SyntaxError` where it is no regular expression. */
export function groupsOf(pattern: string | null): string[] {
  if (pattern === null) return []
  new RegExp(pattern, 'su')
  // The empty alternative matches at once, so that the pattern itself is compiled but not tried.
  return Object.keys(new RegExp(`|(?:${pattern})`, 'su').exec('')?.groups ?? {})
}

/** `bucket`: a row of another bucket than the source's is an error. `-`: not looked at. */
export const manifestColumns = ['key', 'version', 'newKey', 'bucket', '-'] as const

/**
 * A list of keys, and of nothing else, as the source of a migration; any size, gzip or not.
 *
 * CSV (RFC 4180). A first row with a cell `key` names the columns (`key`, `version` or `version_id`, `newKey` or `new_key`, `bucket`; others
 * are not looked at). Else `columns` does. Else a single column is `key`, and two or three of which the first is the source's bucket are
 * `bucket,key[,version]`, as S3 Batch Operations has them.
 *
 * NDJSON, where the first character is `{`: `{"key": …, "version"?: …, "newKey"?: …}` a line; `keyEscaped` comes before `key`, so that a
 * report of Dray is a manifest.
 *
 * `keys`: `url` where keys are percent-escaped (and `+` is a space), as in S3's own reports; null: they are where there is a `bucket`
 * column. Keys are relative to the source's location, but with a `bucket` column the whole keys of that bucket, where those outside the
 * location are left out. `newKey` is relative to the destination and wins over the mapping.
 */
export const manifestSchema = z.strictObject({
  place: z.discriminatedUnion('kind', [
    /** At the site of the source, or of its own where the source has none. */
    z.strictObject({
      kind: z.literal('file'),
      path: z.string().min(1).max(4096).startsWith('/'),
      site: z.string().min(1).max(100),
    }),
    /** Read with the source's endpoint and credentials. */
    z.strictObject({ kind: z.literal('s3'), bucket: z.string().min(1).max(255), key: text.min(1) }),
  ]),
  columns: z.array(z.enum(manifestColumns)).min(1).max(100).nullable(),
  keys: z.enum(['plain', 'url']).nullable(),
})
export type Manifest = z.infer<typeof manifestSchema>

export const formatManifest = ({ place }: Manifest): string =>
  place.kind === 'file' ? place.path : `s3://${place.bucket}/${place.key}`

/** What of a migration's definition says which keys are moved and where to; with either, it is walked by sorting. */
export const arrangementShape = { mapping: mappingSchema.optional(), manifest: manifestSchema.optional() }
export interface Arrangement {
  readonly mapping?: Mapping | undefined
  readonly manifest?: Manifest | undefined
}

/**
 * Whether an object that is only at the destination is known to be nobody's copy. Not with a manifest, which is about its own
 * keys only; nor where a filter leaves out source keys whose places at the destination only the mapping knows.
 */
export function seesAll({ mapping, manifest, filter }: Arrangement & { readonly filter: Filter }): boolean {
  if (manifest) return false
  return !mapping || (filter.include.length === 0 && filter.exclude.length === 0 && filter.only === null)
}
