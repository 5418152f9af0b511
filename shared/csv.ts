/**
 * Comma-separated values, as RFC 4180 has them and as spreadsheets can be let near them: a text that one of those would take for a formula
 * gets a `'` before it. Whoever wants the text as it is reads NDJSON.
 */

/** What begins a formula, for some of them after a tab, an end of line, or in full width. */
const formula = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/
const special = /[",\r\n]/

export type Cell = string | number | null | undefined

/** With its end of line. What is null or undefined is empty. */
export function csvRow(cells: readonly Cell[]): string {
  return `${cells.map(cell).join(',')}\r\n`
}

function cell(value: Cell): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number') return String(value)
  const safe = formula.test(value) ? `'${value}` : value
  return special.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
