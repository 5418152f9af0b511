/**
 * Rows of a leaf, by the thousand: JSON in columns, compressed with zstd and its checksum. Columns, because equal things
 * then stand side by side: what is the same in every row, or the same on both sides, costs next to nothing.
 */
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import * as z from 'zod'
import { type Evidence, evidenceClasses } from '../../shared/counts.ts'
import { isKey, type Key } from '../../shared/key.ts'
import type { BaselineRow } from './row.ts'

const mtimes = z.array(z.number().nullable())
const sizes = z.array(z.number())
/** Zero or null in a destination's column: the same as at the source. */
const columnsSchema = z.object({
  keys: z.array(z.string().refine(isKey)),
  sourceTokens: z.array(z.string()),
  sourceSizes: sizes,
  sourceMtimes: mtimes,
  destinationTokens: z.array(z.union([z.string(), z.literal(0)])),
  destinationSizes: sizes.nullable(),
  destinationMtimes: mtimes,
  /** Absent where nothing is missing; and in what earlier versions wrote, who read this as if it were. */
  sourceMissing: mtimes.optional(),
  destinationMissing: mtimes.optional(),
  evidence: z.union([z.enum(evidenceClasses), z.array(z.enum(evidenceClasses))]),
})
type Columns = z.infer<typeof columnsSchema>

const compression = { params: { [constants.ZSTD_c_checksumFlag]: 1 } }
/** A block is closed near 256 KiB; even one of the longest keys and tokens stays far below. */
const maxBlockBytes = 64 * 1024 * 1024

export function encodeBlock(rows: readonly BaselineRow[]): Buffer {
  const first = rows[0]?.evidence
  const columns: Columns = {
    keys: rows.map((row) => row.key),
    sourceTokens: rows.map((row) => row.source.token),
    sourceSizes: rows.map((row) => row.source.size),
    sourceMtimes: rows.map((row) => row.source.mtime),
    destinationTokens: rows.map(({ source, destination }) =>
      source.token === destination.token ? 0 : destination.token,
    ),
    destinationSizes: rows.every(({ source, destination }) => source.size === destination.size)
      ? null
      : rows.map((row) => row.destination.size),
    destinationMtimes: rows.map((row) => row.destination.mtime),
    ...(rows.some(({ source }) => source.missing !== undefined) && {
      sourceMissing: rows.map(({ source }) => source.missing ?? null),
    }),
    ...(rows.some(({ destination }) => destination.missing !== undefined) && {
      destinationMissing: rows.map(({ destination }) => destination.missing ?? null),
    }),
    evidence:
      first !== undefined && rows.every((row) => row.evidence === first)
        ? first
        : rows.map((row) => row.evidence),
  }
  return zstdCompressSync(JSON.stringify(columns), compression)
}

/** Throws where the bytes are not those of a block. */
export function decodeBlock(bytes: Uint8Array): BaselineRow[] {
  const json = zstdDecompressSync(bytes, { maxOutputLength: maxBlockBytes }).toString()
  const columns = columnsSchema.parse(JSON.parse(json))
  const { keys, sourceSizes, destinationSizes, evidence } = columns
  const { length } = keys
  const others = [columns.sourceTokens, sourceSizes, columns.sourceMtimes, columns.destinationTokens]
  others.push(columns.destinationMtimes, destinationSizes ?? sourceSizes)
  const { sourceMissing, destinationMissing } = columns
  others.push(sourceMissing ?? sourceSizes, destinationMissing ?? sourceSizes)
  if (others.some((column) => column.length !== length)) throw new Error('columns of different lengths')

  const rows: BaselineRow[] = new Array(length)
  for (let i = 0; i < length; i++) {
    const token = columns.sourceTokens[i]!
    const size = sourceSizes[i]!
    rows[i] = {
      key: keys[i] as Key,
      source: { token, size, mtime: columns.sourceMtimes[i]!, ...missingAt(sourceMissing, i) },
      destination: {
        token: columns.destinationTokens[i] || token,
        size: destinationSizes === null ? size : destinationSizes[i]!,
        mtime: columns.destinationMtimes[i]!,
        ...missingAt(destinationMissing, i),
      },
      evidence: (typeof evidence === 'string' ? evidence : evidence[i]!) as Evidence,
    }
  }
  return rows
}

function missingAt(column: readonly (number | null)[] | undefined, i: number): { missing?: number } {
  const missing = column?.[i] ?? null
  return missing === null ? {} : { missing }
}
