/**
 * The rows of a text, CSV or one a line, as it streams by: of any length in all, each in bounded memory. Text is a byte string
 * (each character a byte), so that keys stay the bytes that they are.
 */
import { DrayError } from '../../shared/error.ts'

export interface TextRow {
  /** Of its first line, from 1. */
  readonly line: number
  readonly text: string
}

/** More than any key and its neighbours. */
const longest = 64 << 10

const utf8Mark = '\xef\xbb\xbf'

/** Batches of rows without their line ends; empty ones are left out. In CSV, a row goes on while a quote is open. */
export async function* textRows(
  chunks: AsyncIterable<Uint8Array>,
  isCsv: boolean,
): AsyncGenerator<TextRow[]> {
  let rest = ''
  /** Lines before `rest`. */
  let lines = 0
  const isWhole = (text: string) => !isCsv || !text.includes('"') || text.split('"').length % 2 === 1

  function row(text: string): TextRow | null {
    const line = lines + 1
    lines += isCsv ? text.split('\n').length : 1
    const bare = text.endsWith('\r') ? text.slice(0, -1) : text
    if (bare.length > longest) throw wrongRow(line, `it has more than ${longest} bytes`)
    return bare === '' ? null : { line, text: bare }
  }

  let isFirst = true
  for await (const chunk of chunks) {
    const { buffer, byteOffset, length } = chunk
    rest += Buffer.from(buffer, byteOffset, length).toString('latin1')
    if (isFirst && rest.length < utf8Mark.length) continue
    if (isFirst && rest.startsWith(utf8Mark)) rest = rest.slice(utf8Mark.length)
    isFirst = false
    const rows: TextRow[] = []
    let from = 0
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n', end + 1)) {
      const text = rest.slice(from, end)
      if (!isWhole(text)) continue
      const whole = row(text)
      if (whole) rows.push(whole)
      from = end + 1
    }
    rest = rest.slice(from)
    if (rest.length > 2 * longest) throw wrongRow(lines + 1, 'it does not end, or a quote is not closed')
    if (rows.length > 0) yield rows
  }
  if (!isWhole(rest)) throw wrongRow(lines + 1, 'a quote is not closed')
  const last = row(rest)
  if (last) yield [last]
}

/** The cells of a row of CSV (RFC 4180). */
export function cellsOf({ line, text }: TextRow): string[] {
  if (!text.includes('"')) return text.split(',')
  const cells: string[] = []
  const cell = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/gsy
  for (;;) {
    const match = cell.exec(text)
    if (!match) throw wrongRow(line, 'a quote stands in the middle of a cell')
    const [, quoted, plain = '', end] = match
    cells.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'))
    if (end === '') return cells
  }
}

export const wrongRow = (line: number, why: string): DrayError =>
  new DrayError('usage', 'read the manifest', `Line ${line} of the manifest cannot be used: ${why}.`, {
    hint: 'Correct the manifest, or say what its columns are with --manifest-columns.',
  })
