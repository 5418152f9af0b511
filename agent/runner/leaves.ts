/**
 * What a survey leaves in the baseline: a leaf for each settled piece that has something new. Most have nothing new (an
 * equal ETag needs no memory, and what the baseline itself has proved is in it already) and cost nothing here.
 */
import { toDrayError } from '../../shared/error.ts'
import type { Key } from '../../shared/key.ts'
import type { Cut } from '../../shared/protocol.ts'
import { type BaselineRow, baselineRow, isRowOf } from '../baseline/baseline.ts'
import type { Seen } from './look.ts'
import type { Pass } from './pass.ts'

export interface Leaves {
  /** Every key of the survey, in its order. */
  see(seen: Seen): void
  /** Writes what belongs to the pieces that are settled, and forgets what belongs to any of them. */
  cut(cuts: readonly Cut[]): Promise<void>
}

/** `after`: where the survey begins; `began` (ms): when its listings did. */
export function createLeaves(pass: Pass, after: Key | null, began: number): Leaves {
  const { baseline } = pass
  let seenRows: { row: BaselineRow; isNew: boolean }[] = []
  let from = after

  async function write(through: Key | null, settled: BaselineRow[]): Promise<void> {
    try {
      await baseline?.write({ after: from, through }, began, settled)
    } catch (thrown) {
      // It costs proving again, never correctness.
      const { code, message } = toDrayError(thrown, 'write the baseline')
      pass.log({ level: 'warn', event: 'baseline-not-written', migration: pass.migration, code, message })
    }
  }

  return {
    see({ decision, row }) {
      if (!baseline || pass.options.dryRun || decision?.is !== 'same') return
      const { source, destination, evidence } = decision
      const isKnown = row && (evidence === 'baseline' || isRowOf(row, source, destination))
      seenRows.push({
        row: isKnown ? row : baselineRow(source, destination, evidence),
        // What the listings alone prove, they will prove the next time.
        isNew: row !== undefined && evidence !== 'etag' && !isKnown,
      })
    },
    async cut(cuts) {
      for (const { through, settled } of cuts) {
        const end = through === null ? -1 : seenRows.findIndex(({ row }) => row.key > through)
        const mine = end < 0 ? seenRows : seenRows.slice(0, end)
        seenRows = end < 0 ? [] : seenRows.slice(end)
        if (settled && mine.some(({ isNew }) => isNew)) {
          await write(
            through,
            mine.map(({ row }) => row),
          )
        }
        from = through
      }
    },
  }
}
