/**
 * A store that is asked for the object right before each write that expects something of it. Conditions on the write itself do more where
 * a store has them; but some have none, and some take them and do not look (Ceph's gateway, when an upload is completed), which nobody
 * can tell. For whoever may not write over what somebody else has written: a HEAD a write.
 *
 * What comes between the question and the write is refused by a store with conditions, and written over by one without.
 */
import { DrayError } from '../../shared/error.ts'
import { displayKey, type Key } from '../../shared/key.ts'
import type { Expected, Multipart, Storage } from './storage.ts'

export function askBeforeWrites(storage: Storage): Storage {
  // It looks by itself before it renames.
  if (storage.kind === 'file') return storage

  /** Throws `changed` where something else stands there. */
  async function mustBe(expected: Expected | undefined, key: Key, signal: AbortSignal): Promise<void> {
    if (expected === undefined) return
    const found = await storage.head(key, signal)
    if ((found?.entry.token ?? null) === expected) return
    throw new DrayError('changed', `write ${displayKey(key)}`, 'Another object stands there now.', {
      retry: 'later',
    })
  }

  const { multipart, copyFrom } = storage
  return Object.assign(Object.create(storage) as Storage, {
    async write(key, body, metadata, signal, expected) {
      await mustBe(expected, key, signal)
      return storage.write(key, body, metadata, signal, expected)
    },
    ...(multipart && {
      multipart: Object.assign(Object.create(multipart) as Multipart, {
        async complete(key, upload, parts, signal, expected) {
          await mustBe(expected, key, signal)
          return multipart.complete(key, upload, parts, signal, expected)
        },
      } satisfies Partial<Multipart>),
    }),
    ...(copyFrom && {
      copyFrom: {
        ...copyFrom,
        async whole(origin, key, metadata, signal, expected) {
          await mustBe(expected, key, signal)
          return copyFrom.whole(origin, key, metadata, signal, expected)
        },
      },
    }),
  } satisfies Partial<Storage>)
}
