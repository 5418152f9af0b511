/**
 * What a survey leaves in the baseline: a leaf for each settled piece that has something new. Most have nothing new (an
 * equal ETag needs no memory, and what the baseline itself has proved is in it already) and cost nothing here. Where the baseline is to be
 * complete, an equal ETag is new once, and so is what neither side has any more.
 */
import { toDrayError } from '../../shared/error.ts'
import type { Key } from '../../shared/key.ts'
import type { Cut } from '../../shared/protocol.ts'
import { type BaselineRow, baselineRow, isRowOf, isWholeRowOf, missingRow } from '../baseline/baseline.ts'
import { type Decision, remembersAll } from '../core/decide.ts'
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
  const isComplete = remembersAll(pass.options)
  let seenRows: { key: Key; row: BaselineRow | null; isNew: boolean }[] = []
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
    see({ key, decision, row, isGone }) {
      if (!baseline || pass.options.dryRun) return
      if (decision?.is === 'kept') {
        seenRows.push({ key, row: missingSince(key, row ?? null), isNew: row?.source.missing === undefined })
        return
      }
      if (decision?.is !== 'same') {
        // What is left as it is, or is another migration's, stays known.
        if (isGone || row) seenRows.push({ key, row: row ?? null, isNew: isGone === true })
        return
      }
      const known = knownRow(pass, decision, row ?? null)
      // What the listings alone prove, they will prove the next time.
      const isBack = row?.source.missing !== undefined
      const isNew = row !== undefined && (isBack || isComplete || decision.evidence !== 'etag') && !known
      seenRows.push({ key, row: known ?? rowOf(decision), isNew })
    },
    async cut(cuts) {
      for (const { through, settled } of cuts) {
        const end = through === null ? -1 : seenRows.findIndex(({ key }) => key > through)
        const mine = end < 0 ? seenRows : seenRows.slice(0, end)
        seenRows = end < 0 ? [] : seenRows.slice(end)
        // Where every row is at hand, what many packets have left in pieces is made one.
        const isScattered = () => isComplete && baseline?.isScattered({ after: from, through }) === true
        if (settled && (mine.some(({ isNew }) => isNew) || isScattered())) {
          await write(
            through,
            mine.flatMap(({ row }) => row ?? []),
          )
        }
        from = through
      }
    },
  }
}

type Same = Extract<Decision, { is: 'same' }>

/** The row of what is equal; null where it has something to learn. */
export function knownRow(
  { options }: Pick<Pass, 'options'>,
  { source, destination, evidence }: Same,
  row: BaselineRow | null,
): BaselineRow | null {
  if (row === null || row.source.missing !== undefined) return null
  const isKnown = remembersAll(options)
    ? isWholeRowOf(row, source, destination)
    : evidence === 'baseline' || isRowOf(row, source, destination)
  return isKnown ? row : null
}

/** What is remembered of a key that is only at the destination, from now on where that is news. */
export const missingSince = (key: Key, row: BaselineRow | null): BaselineRow =>
  missingRow(key, row, row?.source.missing ?? Date.now())

export const rowOf = ({ source, destination, evidence }: Same): BaselineRow =>
  baselineRow(source, destination, evidence)
