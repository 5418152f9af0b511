/** What a packet makes of a conflict: nothing is written, and what is told of it is true of both sides at one time. */
import { toDrayError } from '../../shared/error.ts'
import { type BaselineRow, baselineRow } from '../baseline/baseline.ts'
import { type Decision, decide, namesOf } from '../core/decide.ts'
import { raceMessage } from '../core/three-way.ts'
import { prove } from '../prove.ts'
import type { Entry } from '../storage/storage.ts'
import type { Job } from './copy-packet.ts'
import type { Pass } from './pass.ts'
import type { Todo } from './plan.ts'
import { isSideTrouble } from './trouble.ts'
import { metadataIsEqual } from './verify-packet.ts'

/**
 * What somebody else wrote at the side that follows, and may be equal all the same: proved by contents and, where the leading side was
 * written besides, by metadata. Nothing is written.
 */
export async function equalOrConflict(
  { pass, tally }: Job,
  todo: Todo & { is: 'unknown' | 'touched' },
  message: string,
  signal: AbortSignal,
): Promise<BaselineRow | null> {
  const { source, destination } = todo
  try {
    const isTouched = todo.is === 'touched'
    const { same } = isTouched
      ? { same: todo.evidence }
      : await prove(pass, source, destination, 'checksum', signal, true)
    if (same && (!isTouched || (await metadataIsEqual(pass, source.key, signal)))) {
      tally.same(source, same)
      return baselineRow(source, destination, same)
    }
    tally.failed(source, { code: 'conflict', message })
  } catch (thrown) {
    const error = toDrayError(thrown, 'prove')
    if (error.code === 'interrupted' || (await isSideTrouble(error, pass, source.key, signal))) throw error
    tally.failed(source, error)
  }
  return null
}

/**
 * A conflict is told only of what both sides are at one time: their listings may be of different ones, and whoever writes to both (the mirror) was between
 * them. A HEAD of each.
 */
export async function conflictNow(
  { pass }: Job,
  todo: Todo & { is: 'conflict' },
  signal: AbortSignal,
): Promise<Decision> {
  const { key } = todo.entry
  try {
    const [from, to] = await Promise.all([pass.source.head(key, signal), pass.destination.head(key, signal)])
    return decide({ key, source: from?.entry ?? null, destination: to?.entry ?? null }, todo.row, pass.sight)
  } catch (thrown) {
    const error = toDrayError(thrown, 'look at a conflict')
    if (error.code === 'interrupted' || (await isSideTrouble(error, pass, key, signal))) throw error
    return todo
  }
}

/** Of what came to be at the side that follows since it was listed. */
export const raced = ({ options }: Pass, leading: Entry | null, following: Entry | null) => ({
  code: 'conflict' as const,
  message: raceMessage({ leading, following }, namesOf(options)),
})
