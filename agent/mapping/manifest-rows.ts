/** What a manifest says, row by row: CSV or NDJSON, gzip or not, told apart by how they begin (shared/mapping.ts says how). */
import { pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import * as z from 'zod'
import { DrayError } from '../../shared/error.ts'
import { type Key, keyFromText, keyToText, unescapeKey } from '../../shared/key.ts'
import type { Manifest } from '../../shared/mapping.ts'
import { unescapeBytes } from './expand.ts'
import { cellsOf, type TextRow, textRows, wrongRow } from './text-rows.ts'

export interface ManifestRow {
  /** Relative to the source's location. */
  readonly key: Key
  readonly version?: string
  /** Relative to the destination's. */
  readonly newKey?: Key
}

export interface Bucket {
  readonly bucket: string
  readonly prefix: string
}

/** Batches of rows. `source`: null where it is a directory. Throws `usage`, naming the line, where a row cannot be understood. */
export async function* manifestRows(
  bytes: AsyncIterable<Uint8Array>,
  manifest: Manifest,
  source: Bucket | null,
): AsyncGenerator<ManifestRow[]> {
  const [start, all] = await beginningOf(bytes)
  const isGzip = start[0] === 0x1f && start[1] === 0x8b
  const [begins, text] = isGzip ? await beginningOf(gunzipped(all)) : [start, all]
  const isCsv = !/^(?:\xef\xbb\xbf)?\s*\{/.test(Buffer.from(begins).toString('latin1'))
  let parse: ((row: TextRow) => ManifestRow | null) | null = isCsv ? null : jsonRow
  for await (const batch of textRows(text, isCsv)) {
    const rows: ManifestRow[] = []
    for (const row of batch) {
      if (parse === null) {
        const columns = columnsOf(row, manifest, source)
        parse = (next) => csvRow(next, columns.names, manifest, source)
        if (columns.isHeader) continue
      }
      const parsed = parse(row)
      if (parsed) rows.push(parsed)
    }
    if (rows.length > 0) yield rows
  }
}

/** The first chunk that tells anything, and everything again from its start. */
async function beginningOf(
  bytes: AsyncIterable<Uint8Array>,
): Promise<[Uint8Array, AsyncIterable<Uint8Array>]> {
  const iterator = bytes[Symbol.asyncIterator]()
  let start: Uint8Array = new Uint8Array(0)
  while (start.length < 64) {
    const { value, done } = await iterator.next()
    if (done) break
    start = Buffer.concat([start, value])
  }
  async function* all() {
    try {
      yield start
      for (;;) {
        const { value, done } = await iterator.next()
        if (done) return
        yield value
      }
    } finally {
      await iterator.return?.()
    }
  }
  return [start, all()]
}

async function* gunzipped(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip()
  pipeline(Readable.from(bytes, { objectMode: false }), gunzip, () => {})
  try {
    yield* gunzip as AsyncIterable<Uint8Array>
  } catch (cause) {
    if (cause instanceof DrayError) throw cause
    const message = `The manifest is no whole gzip file: ${(cause as Error).message}.`
    throw new DrayError('usage', 'read the manifest', message, { cause })
  }
}

type Column = NonNullable<Manifest['columns']>[number]

const headings: Record<string, Column> = {
  key: 'key',
  version: 'version',
  versionid: 'version',
  newkey: 'newKey',
  bucket: 'bucket',
}

function columnsOf(
  row: TextRow,
  { columns }: Manifest,
  source: Bucket | null,
): { names: Column[]; isHeader: boolean } {
  const cells = cellsOf(row)
  const names = cells.map((cell) => headings[cell.trim().toLowerCase().replaceAll('_', '')] ?? '-')
  // An object that is called `key` is not the first of a list with columns of other names.
  if (names.includes('key') && (cells.length > 1 || columns === null)) return { names, isHeader: true }
  if (columns) return { names: columns, isHeader: false }
  if (cells.length === 1) return { names: ['key'], isHeader: false }
  if (cells.length <= 3 && cells[0] === source?.bucket) {
    return { names: (['bucket', 'key', 'version'] as const).slice(0, cells.length), isHeader: false }
  }
  const why = `nothing says what its ${cells.length} columns are`
  throw wrongRow(row.line, why)
}

/** Null where it is not in the source's location. */
function csvRow(
  row: TextRow,
  names: readonly Column[],
  manifest: Manifest,
  source: Bucket | null,
): ManifestRow | null {
  const cells = cellsOf(row)
  const cell = (name: Column): string | undefined => {
    const at = names.indexOf(name)
    return at < 0 ? undefined : cells[at]
  }
  const bucket = cell('bucket')
  const isUrl = (manifest.keys ?? (names.includes('bucket') ? 'url' : 'plain')) === 'url'
  const keyOf = (text: string) => (isUrl ? unescapeBytes(text.replaceAll('+', ' ') as Key) : (text as Key))
  const given = cell('key')
  if (!given) throw wrongRow(row.line, 'it has no key')
  let key = keyOf(given)
  if (bucket !== undefined) {
    if (bucket !== source?.bucket) throw wrongRow(row.line, `it is about another bucket, ${bucket}`)
    const prefix = keyFromText(source.prefix)
    if (!key.startsWith(prefix)) return null
    key = key.slice(prefix.length) as Key
  }
  const version = cell('version')
  const newKey = cell('newKey')
  return { key, ...(version && { version }), ...(newKey && { newKey: keyOf(newKey) }) }
}

const jsonSchema = z.object({
  key: z.string(),
  keyEscaped: z.string().optional(),
  version: z.string().nullish(),
  newKey: z.string().nullish(),
  from: z.string().optional(),
  fromEscaped: z.string().optional(),
})

function jsonRow({ line, text }: TextRow): ManifestRow | null {
  const decoded = keyToText(text as Key)
  if (decoded === null)
    throw wrongRow(line, 'it is not UTF-8; give such keys percent-escaped, as "keyEscaped"')
  if (decoded.trim() === '') return null
  let json: unknown
  try {
    json = JSON.parse(decoded)
  } catch {
    throw wrongRow(line, 'it is no JSON')
  }
  const parsed = jsonSchema.safeParse(json)
  if (!parsed.success) throw wrongRow(line, 'it is no object with a "key"')
  // In a report of a mapped migration, `from` is the source's key.
  const { key, keyEscaped, version, newKey, from, fromEscaped } = parsed.data
  const text1 = from ?? key
  const escaped = from === undefined ? keyEscaped : fromEscaped
  const named = escaped === undefined ? keyFromText(text1) : unescapeKey(escaped)
  if (named === '') throw wrongRow(line, 'its key is empty')
  return { key: named, ...(version && { version }), ...(newKey && { newKey: keyFromText(newKey) }) }
}
