/** Failures as a file: CSV for spreadsheets, NDJSON for programs. What stores and object names say is somebody else's words. */
import type { Failure } from '../../shared/api/failures.ts'
import { csvRow } from '../../shared/csv.ts'

export type Format = 'csv' | 'ndjson'

const columns = {
  key: ({ key }: Failure) => key,
  keyEscaped: ({ keyEscaped }: Failure) => keyEscaped ?? '',
  code: ({ code }: Failure) => code,
  message: ({ message }: Failure) => message,
  bytes: ({ bytes }: Failure) => String(bytes),
  at: ({ at }: Failure) => new Date(at).toISOString(),
  state: ({ state }: Failure) => state,
  retriedBy: ({ retriedBy }: Failure) => (retriedBy === null ? '' : String(retriedBy)),
  waivedBy: ({ waiver }: Failure) => waiver?.by ?? '',
  reason: ({ waiver }: Failure) => waiver?.reason ?? '',
  cause: ({ cause }: Failure) => cause,
  id: ({ id }: Failure) => String(id),
}

/** What comes before the first failure. */
export const linesBefore = (format: Format): string => (format === 'csv' ? csvRow(Object.keys(columns)) : '')

export function lineOf(format: Format, failure: Failure): string {
  if (format === 'ndjson') return `${JSON.stringify(failure)}\n`
  return csvRow(Object.values(columns).map((column) => column(failure)))
}

/** Of an answer that is saved as `name`, which needs no quoting. */
export const headersOf = (format: Format, name: string): Record<string, string> => ({
  'content-type': format === 'csv' ? 'text/csv; charset=utf-8' : 'application/x-ndjson; charset=utf-8',
  'content-disposition': `attachment; filename=${name}.${format}`,
  'cache-control': 'no-store',
})
