/**
 * What multipart uploads are open at the destination when a pass begins. Those of ours that can be of no more use (the source's
 * object is gone, or another now, or is there already) are aborted; those that can are left to whoever copies their object.
 * Uploads that no intent of ours tells of are somebody else's: they are told, and left alone.
 */
import { toDrayError } from '../../shared/error.ts'
import { displayKey, type Key } from '../../shared/key.ts'
import { samePinned } from '../../shared/large-object.ts'
import type { Intent, Intents } from '../intents.ts'
import type { Log } from '../session/line.ts'
import type { Multipart, Storage } from '../storage/storage.ts'
import { abortLeft, openUploads, pinnedOf } from '../unfinished-upload.ts'

export interface Place {
  readonly migration: string
  readonly source: Storage
  readonly destination: Storage
  readonly intents: Intents
  readonly log: Log
}

/** A warning need not be exact, and a bucket may have any number of them. */
const mostTold = 10_000

/** What was begun, and by whom it is to be forgotten. */
type Left = Omit<Intent, 'boundaries' | 'metadata'> & { forget(): void }

/** Of this agent's, and of those that the control plane remembers. Throws nothing: what could not be aborted is remembered. */
export async function clearAway(
  place: Place,
  multipart: Multipart,
  others: readonly Left[],
  signal: AbortSignal,
): Promise<void> {
  const { intents, log, migration } = place
  const own = intents.all().map((intent) => ({ ...intent, forget: () => intents.drop(intent.key) }))
  for (const left of [...own, ...others]) {
    const { key } = left
    try {
      if (await isUseful(place, left, signal)) continue
      await abortLeft(multipart, left, signal)
      left.forget()
      log({ level: 'info', event: 'upload-aborted', migration, key: displayKey(key) })
    } catch (thrown) {
      const { code, message } = toDrayError(thrown, 'clear away an upload')
      if (signal.aborted) return
      log({ level: 'warn', event: 'upload-not-aborted', migration, key: displayKey(key), code, message })
    }
  }
}

async function isUseful(place: Place, { key, source }: Left, signal: AbortSignal): Promise<boolean> {
  const now = await place.source.head(key, signal, source.version ?? undefined)
  if (now === null || !samePinned(pinnedOf(now.entry), source)) return false
  const made = await place.destination.head(key, signal)
  return made?.entry.token !== source.token
}

/**
 * Uploads at the destination that are not ours, nor among `known`, and were open before `since` (ms). Whatever goes wrong is no
 * trouble of the pass.
 */
export async function tellOthers(
  place: Place,
  multipart: Multipart,
  known: readonly (string | null)[],
  since: number,
  signal: AbortSignal,
): Promise<void> {
  const { intents, log, migration, destination } = place
  try {
    const ours = new Set([...intents.all().map(({ upload }) => upload), ...known])
    let uploads = 0
    let first: Key | null = null
    for await (const page of openUploads(multipart, '' as Key, signal)) {
      const others = page.filter(({ upload, begun }) => begun < since && !ours.has(upload))
      uploads += others.length
      first ??= others[0]?.key ?? null
      if (uploads >= mostTold) break
    }
    if (first === null) return
    const message =
      `${destination.name} has ${uploads >= mostTold ? `${mostTold} or more` : uploads} unfinished multipart ` +
      `upload${uploads === 1 ? '' : 's'} that ${uploads === 1 ? 'is' : 'are'} not Dray's, of ${displayKey(first)} for one. ` +
      'They are left alone; what they hold is stored, and paid for, until somebody aborts them.'
    log({ level: 'warn', event: 'uploads-of-others', migration, uploads, message })
  } catch {
    // Said for convenience only; a store that does not answer is told by everything else.
  }
}
