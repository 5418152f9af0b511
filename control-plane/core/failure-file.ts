/** Failures as a file: CSV for spreadsheets, NDJSON for programs. What stores and object names say is somebody else's words. */
import type { Failure } from '../../shared/api/failures.ts'

export type Format = 'csv' | 'ndjson'

const columns = {
  key: ({ key }: Failure) => key,
  key_escaped: ({ keyEscaped }: Failure) => keyEscaped ?? '',
  code: ({ code }: Failure) => code,
  message: ({ message }: Failure) => message,
  bytes: ({ bytes }: Failure) => String(bytes),
  at: ({ at }: Failure) => new Date(at).toISOString(),
  state: ({ state }: Failure) => state,
  retried_by_pass: ({ retriedBy }: Failure) => (retriedBy === null ? '' : String(retriedBy)),
  waived_by: ({ waiver }: Failure) => waiver?.by ?? '',
  reason: ({ waiver }: Failure) => waiver?.reason ?? '',
  cause: ({ cause }: Failure) => cause,
  id: ({ id }: Failure) => String(id),
}

/** What comes before the first failure. */
export const linesBefore = (format: Format): string =>
  format === 'csv' ? `${Object.keys(columns).join(',')}\r\n` : ''

export function lineOf(format: Format, failure: Failure): string {
  if (format === 'ndjson') return `${JSON.stringify(failure)}\n`
  const cells = Object.values(columns).map((column) => cell(column(failure)))
  return `${cells.join(',')}\r\n`
}

/** Of an answer that is saved as `name`, which needs no quoting. */
export const headersOf = (format: Format, name: string): Record<string, string> => ({
  'content-type': format === 'csv' ? 'text/csv; charset=utf-8' : 'application/x-ndjson; charset=utf-8',
  'content-disposition': `attachment; filename=${name}.${format}`,
  'cache-control': 'no-store',
})

/** RFC 4180. A spreadsheet would work out what begins like a formula, so that begins with `'`. */
export function cell(text: string): string {
  const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}
