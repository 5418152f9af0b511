/** Counts the multipart uploads that were begun at a location and not ended: whoever completes one later makes an object appear there. */
import { type Answer, type Ask, uploadSamples } from '../../shared/asks.ts'
import type { Key } from '../../shared/key.ts'
import { formatLocation, type Location } from '../../shared/location.ts'
import { compileFilter } from '../core/filter.ts'
import type { IntentStore } from '../intents.ts'
import type { Storage } from '../storage/storage.ts'
import { answerMs, inTime } from './in-time.ts'

/** More of them need no exact number. */
const mostCounted = 10_000

type Uploads = Answer & { kind: 'open-uploads' }

/** `intents`: what this agent has begun itself, between whichever locations. */
export function openUploads(
  { location, filter }: Ask & { kind: 'open-uploads' },
  deps: { open(location: Location): Promise<Storage>; readonly intents: Pick<IntentStore, 'knows'> },
  most = mostCounted,
): Promise<Uploads> {
  const { matches } = compileFilter(filter)
  const found: Uploads = { kind: 'open-uploads', others: 0, ours: 0, more: false, samples: [] }
  return inTime(answerMs.look, `look for uploads at ${formatLocation(location)}`, async (signal) => {
    const storage = await deps.open(location)
    try {
      for await (const page of storage.multipart?.uploads('' as Key, signal) ?? []) {
        for (const { key, upload, begun } of page) {
          if (!matches(key)) continue
          if (found.others + found.ours === most) return { ...found, more: true }
          if (deps.intents.knows(upload)) found.ours++
          else {
            found.others++
            if (found.samples.length < uploadSamples) found.samples.push({ key, begun })
          }
        }
      }
      return found
    } finally {
      await storage.close()
    }
  })
}
