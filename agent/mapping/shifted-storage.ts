/**
 * A source whose keys have another beginning at the destination. That keeps their order, so its listing needs no sort, and each
 * key tells what it was. What does not begin with `from` is not part of it. In a pass back it is what is written to.
 */
import { DrayError } from '../../shared/error.ts'
import { displayKey, type Key } from '../../shared/key.ts'
import { everything, isEmpty, prefixRange, type Range } from '../../shared/range.ts'
import type { CompiledFilter } from '../core/filter.ts'
import { narrow } from '../core/narrow.ts'
import type { Entry, Head, Multipart, Storage } from '../storage/storage.ts'

export interface KeyShift {
  readonly from: Key
  readonly to: Key
}

/** A filter of a source's keys, as one of what they are with another beginning. */
export function shiftedFilter(filter: CompiledFilter, { from, to }: KeyShift): CompiledFilter {
  return {
    matches: (key) => key.startsWith(to) && filter.matches((from + key.slice(to.length)) as Key),
    ranges: narrow(to === '' ? everything : prefixRange(to), filter.ranges.flatMap(shifted)),
  }

  /** Those of its keys that begin with `from`, and perhaps some more. */
  function shifted({ after, through }: Range): Range[] {
    const isAbove = (key: Key) => !key.startsWith(from) && key > from
    if (after !== null && isAbove(after)) return []
    if (through !== null && !through.startsWith(from) && !isAbove(through)) return []
    const renamed = (key: Key | null) =>
      key?.startsWith(from) ? ((to + key.slice(from.length)) as Key) : null
    return [{ after: renamed(after), through: renamed(through) }]
  }
}

export function shiftedStorage(source: Storage, { from, to }: KeyShift, filter: CompiledFilter): Storage {
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

  /** To be written to. */
  function placeOf(key: Key): Key {
    const origin = originOf(key)
    if (origin !== null) return origin
    throw new DrayError('unsupported-key', `write ${displayKey(key)}`, foreign)
  }

  const { multipart, copyFrom } = source
  return {
    kind: source.kind,
    name: source.name,
    get tokens() {
      return source.tokens
    },
    walks: source.walks,
    multipart: multipart && shiftedUploads(multipart),
    ...(copyFrom && {
      copyFrom: {
        most: copyFrom.most,
        whole: (origin, key, ...rest) => copyFrom.whole(origin, placeOf(key), ...rest),
        part: (origin, range, key, ...rest) => copyFrom.part(origin, range, placeOf(key), ...rest),
      },
    }),
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
    async write(key, ...rest) {
      return source.write(placeOf(key), ...rest)
    },
    ...(source.amend && { amend: async (key, ...rest) => source.amend!(placeOf(key), ...rest) }),
    ...(source.refusesWrongMd5 && { refusesWrongMd5: (signal) => source.refusesWrongMd5!(signal) }),
    async delete(key, options) {
      const origin = originOf(key)
      return origin !== null && source.delete(origin, options)
    },
    unsupported(key) {
      const origin = originOf(key)
      return origin === null ? foreign : source.unsupported(origin)
    },
    close: () => source.close(),
  }

  function shiftedUploads(uploads: Multipart): Multipart {
    return {
      limits: uploads.limits,
      create: async (key, ...rest) => uploads.create(placeOf(key), ...rest),
      part: async (key, ...rest) => uploads.part(placeOf(key), ...rest),
      list: (key, ...rest) => uploads.list(placeOf(key), ...rest),
      async *uploads(prefix, signal) {
        const all = prefix.startsWith(to) ? ((from + prefix.slice(to.length)) as Key) : from
        for await (const page of uploads.uploads(all, signal)) {
          yield page
            .filter(({ key }) => key.startsWith(from))
            .map((each) => ({ ...each, key: (to + each.key.slice(from.length)) as Key }))
            .filter(({ key }) => key.startsWith(prefix))
        }
      },
      complete: async (key, ...rest) => uploads.complete(placeOf(key), ...rest),
      abort: async (key, ...rest) => uploads.abort(placeOf(key), ...rest),
    }
  }
}

const foreign = 'The mapping makes no such key, so that there is none for it at the other side.'

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
