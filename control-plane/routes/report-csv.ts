/** The lines of a report as a table, one after the other. What an agent wrote is believed no further than that it is text. */
import { type Cell, csvRow } from '../../shared/csv.ts'

const columns = [
  ...['outcome', 'key', 'keyEscaped', 'from', 'fromEscaped', 'version'],
  ...['bytes', 'code', 'message', 'evidence', 'dropped'],
] as const

/** Characters of a line: its keys and its message have some thousands at most. */
const longest = 256 * 1024

export function reportCsv(): TransformStream<Uint8Array, Uint8Array> {
  const decoder = new TextDecoder()
  const encoder = new TextEncoder()
  let rest = ''
  /** Within a line that is too long already. */
  let isLost = false
  const take = (text: string): string => {
    const lines = (rest + text).split('\n')
    rest = lines.pop()!
    let rows = ''
    for (const line of lines) {
      if (!isLost && line !== '') rows += rowOf(line)
      isLost = false
    }
    if (rest.length > longest) {
      if (!isLost) rows += lostRow
      isLost = true
      rest = ''
    }
    return rows
  }
  return new TransformStream({
    start: (controller) => controller.enqueue(encoder.encode(csvRow(columns))),
    transform(chunk, controller) {
      const rows = take(decoder.decode(chunk, { stream: true }))
      if (rows !== '') controller.enqueue(encoder.encode(rows))
    },
    flush(controller) {
      const rows = take(`${decoder.decode()}\n`)
      if (rows !== '') controller.enqueue(encoder.encode(rows))
    },
  })
}

function rowOf(line: string): string {
  if (line.length > longest) return lostRow
  try {
    const said = JSON.parse(line) as Record<string, unknown>
    return csvRow(columns.map((name) => cellOf(said[name])))
  } catch {
    return lostRow
  }
}

function cellOf(value: unknown): Cell {
  if (value === null || value === undefined) return undefined
  if (typeof value === 'number' || typeof value === 'string') return value
  return Array.isArray(value) ? value.join(' ') : JSON.stringify(value)
}

const lost = { outcome: 'failed', code: 'internal', message: 'this line of the report cannot be read' }
const lostRow = csvRow(columns.map((name) => (lost as Partial<Record<string, string>>)[name]))
