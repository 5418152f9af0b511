/**
 * Archived objects of the source, told apart before anything of them is read: left out, failed, or restored and waited for. A
 * restore takes minutes to days, in which nobody's place is taken: the packet is counted as waiting, and asks after a few of its
 * objects in a round, at a pace that slows down to one round in five minutes.
 */
import { DrayError, toDrayError } from '../../shared/error.ts'
import { displayKey } from '../../shared/key.ts'
import { isArchiveClass } from '../core/archive-class.ts'
import { sleepOrAbort } from '../storage/retry.ts'
import type { Entry } from '../storage/storage.ts'
import type { Job } from './copy-packet.ts'
import { eachInSlot } from './each.ts'

const roundMs = { first: 250, most: 300_000 }
/** Objects that are asked after in one round, as long as none of them is ready. */
const askedAtOnce = 16

export const mayBeArchived = ({ storageClass }: Entry): boolean => isArchiveClass(storageClass)

/** What keeps such an object from being read now, or null where it was restored. A request. */
export async function archivedError(
  { pass }: Job,
  entry: Entry,
  signal: AbortSignal,
): Promise<DrayError | null> {
  const standing = await pass.source.archive?.standing(entry, signal)
  return standing === 'archived' || standing === 'restoring'
    ? archived(entry, standing === 'restoring')
    : null
}

const archived = ({ key, storageClass }: Entry, isRestoring: boolean): DrayError =>
  new DrayError(
    'archived',
    `read ${displayKey(key)}`,
    `It is archived (${storageClass}) and ${isRestoring ? 'is being restored' : 'must be restored before it can be read'}.`,
    { hint: 'Let it be restored with --archived restore, or left out with --archived skip.' },
  )

interface Waiting {
  readonly source: Entry
}

/** Has `items` restored, and gives them to `copy` as they become readable. What cannot be restored fails by itself. */
export async function restoreAndCopy<Item extends Waiting>(
  job: Job,
  items: readonly Item[],
  copy: (items: Item[]) => Promise<void>,
): Promise<void> {
  const { pass, signal } = job
  const { archive } = pass.source
  if (items.length === 0 || !archive) return
  const left = await inSlots(job, items, async ({ source }, within) => {
    await ask(job, source, within)
    return true
  })
  let pause = roundMs.first
  while (left.length > 0) {
    job.waits(true)
    try {
      await sleepOrAbort(pause, signal)
    } finally {
      job.waits(false)
    }
    pause = Math.min(pause * 2, roundMs.most)
    const ready: Item[] = []
    // Those that are not ready yet come last in the next round.
    for (
      let asked = 0, some = left.splice(0, askedAtOnce);
      some.length > 0;
      some = left.splice(0, askedAtOnce)
    ) {
      const waiting = await inSlots(job, some, async (item, within) => {
        const standing = await archive.standing(item.source, within)
        if (standing === 'archived') await ask(job, item.source, within)
        if (standing === 'archived' || standing === 'restoring') return true
        ready.push(item)
        return false
      })
      left.push(...waiting)
      asked += some.length
      if (waiting.length === some.length || asked >= items.length) break
    }
    if (ready.length > 0) pause = roundMs.first
    await copy(ready)
  }
}

const ask = ({ pass: { source, options } }: Job, entry: Entry, signal: AbortSignal): Promise<void> =>
  source.archive!.restore(entry, { days: options.restoreDays, tier: options.restoreTier }, signal)

/** Those for which `act` says true; the failed are told. */
async function inSlots<Item extends Waiting>(
  { pass, tally, signal }: Job,
  items: readonly Item[],
  act: (item: Item, signal: AbortSignal) => Promise<boolean>,
): Promise<Item[]> {
  const kept: Item[] = []
  await eachInSlot(
    items,
    pass.slots,
    signal,
    () => 0,
    async (item, within) => {
      try {
        if (await act(item, within)) kept.push(item)
      } catch (thrown) {
        const error = toDrayError(thrown, 'restore')
        if (error.code === 'interrupted') throw error
        tally.failed(item.source, error)
      }
    },
  )
  return kept
}
