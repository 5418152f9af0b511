/** The bytes of a manifest, gone on with where a connection breaks. */
import { DrayError } from '../../shared/error.ts'
import { displayKey, type Key } from '../../shared/key.ts'
import { pauseOrThrow } from '../storage/retry.ts'
import type { Storage } from '../storage/storage.ts'

/** In a row without a byte coming. */
const attempts = 5

/** Of one object of `storage`, which must not change meanwhile (`changed`). */
export async function* manifestBytes(
  storage: Storage,
  key: Key,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const op = `read the manifest ${displayKey(key)} in ${storage.name}`
  const head = await storage.head(key, signal)
  if (head === null) {
    throw new DrayError('not-found', op, `There is no manifest ${displayKey(key)} in ${storage.name}.`, {
      hint: 'Check --manifest.',
    })
  }
  const { size, token } = head.entry
  let offset = 0
  for (let failures = 0; offset < size; ) {
    try {
      const range = { first: offset, last: size - 1 }
      const reading = await storage.read(key, { token, signal, ...(offset > 0 && { range }) })
      if (reading === null) throw new DrayError('changed', op, 'The manifest was removed while it was read.')
      for await (const chunk of reading.body) {
        offset += chunk.length
        failures = 0
        yield chunk
      }
      if (offset < size) throw new DrayError('unreachable', op, 'The manifest broke off.', { retry: 'now' })
    } catch (thrown) {
      await pauseOrThrow(thrown, ++failures, { attempts }, signal)
    }
  }
}
