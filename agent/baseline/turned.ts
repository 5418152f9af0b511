/** A baseline as a pass back sees it: its rows keep the sides as the migration defines them, and are turned on their way. */
import type { Baseline } from './baseline.ts'
import type { BaselineRow } from './row.ts'

export function turned(baseline: Baseline): Baseline {
  return {
    async *rows(range) {
      for await (const page of baseline.rows(range)) yield page.map(turn)
    },
    write: (range, began, rows, holes) => baseline.write(range, began, turnAll(rows), holes),
    isScattered: (range) => baseline.isScattered(range),
    refresh: (since) => baseline.refresh(since),
    close: () => baseline.close(),
  }
}

async function* turnAll(
  rows: AsyncIterable<BaselineRow[]> | Iterable<BaselineRow>,
): AsyncGenerator<BaselineRow[]> {
  if (Symbol.asyncIterator in rows) for await (const page of rows) yield page.map(turn)
  else yield Array.from(rows, turn)
}

const turn = ({ source, destination, ...row }: BaselineRow): BaselineRow => ({
  ...row,
  source: destination,
  destination: source,
})
