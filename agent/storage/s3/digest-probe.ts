/**
 * Whether a store refuses a body that is not that of its Content-MD5. Its ETags tell all the same where they are MD5s; where they
 * are not (KMS, other vendors), a copy is proved by a store that is known to look, and else by reading it once more.
 *
 * It is asked once, when the first copy needs to know: one byte is sent with the MD5 of another, under a key that nobody has. A store
 * that refuses it keeps nothing of it; what another takes is deleted again.
 */
import { randomUUID } from 'node:crypto'
import { type DrayError, toDrayError } from '../../../shared/error.ts'
import type { Key } from '../../../shared/key.ts'
import { orAbort } from '../interrupt.ts'
import { patience, type S3Client } from './client.ts'

/** Of `b`; what is sent is `a`. */
const wrongMd5 = 'kutf/uauL+w61xx3dTFXjw=='
const longestAnswer = 64 * 1024
/** For both requests. */
const probeMs = 60_000

/** `whole` gives the key as the bucket has it. What comes out never rejects but as `interrupted`. */
export function openDigestProbe(
  client: S3Client,
  whole: (key: Key, verb: string) => Key,
): (signal: AbortSignal) => Promise<boolean> {
  let asked: Promise<boolean> | null = null

  async function ask(): Promise<boolean> {
    const key = whole(`.dray-md5-probe-${randomUUID()}` as Key, 'PUT')
    const signal = AbortSignal.timeout(probeMs)
    const headers = { 'content-length': '1', 'content-md5': wrongMd5 }
    const body = Buffer.from('a')
    const put = { verb: 'PUT', method: 'PUT', key, headers, body, signal, patience: patience.write } as const
    try {
      await client.whole(put, longestAnswer)
    } catch (thrown) {
      const error: DrayError = toDrayError(thrown, 'PUT')
      if (error.code === 'bad-digest') return true
      // It may answer better another time; who may not write there at all never will.
      if (error.retry !== 'never') asked = null
      return false
    }
    await client.whole({ verb: 'DELETE', method: 'DELETE', key, signal }, longestAnswer).catch(() => {})
    return false
  }

  return (signal) => {
    asked ??= ask()
    return orAbort(asked, signal, 'PUT')
  }
}
