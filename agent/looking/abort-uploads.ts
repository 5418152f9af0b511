/** Aborts multipart uploads that the control plane names: those that a migration has begun and nobody will end. Others are never touched. */
import type { Answer, Ask } from '../../shared/asks.ts'
import { formatLocation, type Location } from '../../shared/location.ts'
import type { Storage } from '../storage/storage.ts'
import { abortLeft } from '../unfinished-upload.ts'
import { answerMs, inTime } from './in-time.ts'

type Aborted = Answer & { kind: 'abort-uploads' }

/** One that is gone already is what is wanted. */
export function abortUploads(
  { location, uploads }: Ask & { kind: 'abort-uploads' },
  deps: { open(location: Location): Promise<Storage> },
): Promise<Aborted> {
  return inTime(answerMs.look, `abort uploads at ${formatLocation(location)}`, async (signal) => {
    const storage = await deps.open(location)
    try {
      for (const upload of uploads) if (storage.multipart) await abortLeft(storage.multipart, upload, signal)
      return { kind: 'abort-uploads', aborted: uploads.length }
    } finally {
      await storage.close()
    }
  })
}
