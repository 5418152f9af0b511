/**
 * A source whose keys have another beginning at the destination. That keeps their order, so its listing needs no sort, and each
 * key tells what it was. What does not begin with `from` is not part of it.
 */
import { DrayError } from '../../shared/error.ts'
import type { Key } from '../../shared/key.ts'
import { everything, isEmpty, prefixRange, type Range } from '../../shared/range.ts'
import type { CompiledFilter } from '../core/filter.ts'
import { narrow } from '../core/narrow.ts'
import type { Entry, Head, Storage } from '../storage/storage.ts'

export function shiftedStorage(
  source: Storage,
  { from, to }: { from: Key; to: Key },
  filter: CompiledFilter,
): Storage {
  const shifted = (entry: Entry): Entry => ({
    ...entry,
    key: (to + entry.key.slice(from.length)) as Key,
    origin: entry.key,
  })
  const named = <T extends Head>(head: T | null): T | null => head && { ...head, entry: shifted(head.entry) }
  /** Null for what nothing of the source becomes. */
  function originOf(key: Key): Key | null {
    const origin = key !== '' && key.startsWith(to) ? unshift(key)! : null
    return origin !== null && filter.matches(origin) ? origin : null
  }

  async function* list(range: Range, options: Parameters<Storage['list']>[1]): AsyncGenerator<Entry[]> {
    const wanted = before(range)
    if (wanted === null) return
    for (const part of narrow(wanted, filter.ranges)) {
      for await (const page of source.list(part, options)) {
        yield page
          .filter(({ key }) => key.startsWith(from) && filter.matches(key))
          .map(shifted)
          .filter(({ key }) => key !== '')
      }
    }
  }

  /** The keys at the source that a range of ours is made of; null where there are none. */
  function before({ after, through }: Range): Range | null {
    const all = from === '' ? everything : prefixRange(from)
    const isAbove = (key: Key) => !key.startsWith(to) && key > to
    const low = after === null || !(after.startsWith(to) || isAbove(after)) ? all.after : unshift(after)
    const high = through === null || isAbove(through) ? all.through : unshift(through)
    if (low === undefined || high === undefined) return null
    const range = { after: low, through: high }
    return isEmpty(range) ? null : range
  }

  /** Undefined where `key` is beside all that is ours. */
  const unshift = (key: Key) => (key.startsWith(to) ? ((from + key.slice(to.length)) as Key) : undefined)

  return {
    kind: source.kind,
    name: source.name,
    get tokens() {
      return source.tokens
    },
    walks: source.walks,
    multipart: source.multipart,
    versions: null,
    list,
    async head(key, signal, version) {
      const origin = originOf(key)
      return origin === null ? null : named(await source.head(origin, signal, version))
    },
    async read(key, options) {
      const origin = originOf(key)
      return origin === null ? null : named(await source.read(origin, options))
    },
    ...translated(source, named),
    write: () => {
      throw new DrayError('invalid-request', `write to ${source.name}`, 'What is mapped is only read.')
    },
    async delete(key, options) {
      const origin = originOf(key)
      return origin !== null && source.delete(origin, options)
    },
    unsupported: () => null,
    close: () => source.close(),
  }
}

/** Of the abilities that some stores lack: those that are asked about an entry, which knows where it comes from. */
export function translated(
  source: Storage,
  named: (head: Head, place: Key) => Head | null,
): Pick<Storage, 'headPart' | 'describe' | 'holds' | 'place' | 'archive'> {
  const original = (entry: Entry): Entry =>
    entry.origin === undefined ? entry : { ...entry, key: entry.origin }
  const { archive, place } = source
  return {
    ...(place && { place }),
    ...(archive && {
      archive: {
        standing: (entry, signal) => archive.standing(original(entry), signal),
        restore: (entry, how, signal) => archive.restore(original(entry), how, signal),
      },
    }),
    ...(source.headPart && {
      async headPart(entry, number, signal) {
        const part = await source.headPart!(original(entry), number, signal)
        return part && { ...part, head: named(part.head, entry.key)! }
      },
    }),
    ...(source.holds && { holds: (signal) => source.holds!(signal) }),
    ...(source.describe && {
      describe: (head, wanted, signal) =>
        source.describe!({ ...head, entry: original(head.entry) }, wanted, signal),
    }),
  }
}
