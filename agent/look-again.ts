/**
 * After one of the two sides turned out to be another than it was: what both are now. What is at the destination may be what was to be
 * there: another agent may have copied it, or the answer to our own write was lost and its repetition was refused.
 */
import { type BaselineRow, baselineRow } from './baseline/baseline.ts'
import type { CopyDeps } from './copy-job.ts'
import { carry } from './core/carry.ts'
import { judge } from './core/judge.ts'
import { isEqualBesides } from './core/same-metadata.ts'
import type { Entry, Expected } from './storage/storage.ts'

export type Now =
  | { is: 'vanished' }
  | { is: 'equal'; row: BaselineRow }
  /** `expected`: as in `CopyDeps`, for the next try. */
  | { is: 'to-copy'; entry: Entry; expected: Expected | undefined }
  /** What was expected at the destination is not there, and nothing else may be written over. */
  | { is: 'conflict'; entry: Entry; destination: Entry | null }

export async function lookAgain(deps: CopyDeps, was: Entry, signal: AbortSignal): Promise<Now> {
  const { source, destination } = deps
  const from = await source.head(was.key, signal, was.version)
  if (from === null) return { is: 'vanished' }
  const { entry } = from
  if (deps.expected === undefined) return { is: 'to-copy', entry, expected: undefined }
  const to = await destination.head(was.key, signal)
  const isOther = (to?.entry.token ?? null) !== deps.expected
  const conflict = { is: 'conflict', entry, destination: to?.entry ?? null } as const
  if (to === null) return deps.parks && isOther ? conflict : { is: 'to-copy', entry, expected: null }
  const verdict = judge(entry, to.entry, null, { source: source.tokens, destination: destination.tokens })
  const wanted = (await deps.fidelity?.carry(from, signal)) ?? carry(from.metadata, entry, destination.kind)
  if (verdict.is === 'same' && isEqualBesides(wanted, to.metadata))
    return { is: 'equal', row: baselineRow(entry, to.entry, verdict.evidence) }
  return deps.parks && isOther ? conflict : { is: 'to-copy', entry, expected: to.entry.token }
}
