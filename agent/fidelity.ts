/**
 * What of each object goes to the destination of a pass, and what does not: asks the source for what takes requests of its
 * own, learns from what the destination refuses, and keeps account of what is left out.
 *
 * What a destination can hold is found out by the cheapest question there is: the first objects that need it. Where a write
 * is refused, it is tried again without one thing after the other, and what three of them in a row passed without is not asked
 * for any more in this pass. Where it is taken, the first of each kind is looked at, since some stores take a header and forget it.
 */
import { DrayError } from '../shared/error.ts'
import type { FidelityPolicy, Property } from '../shared/fidelity.ts'
import { displayKey, type Key } from '../shared/key.ts'
import { carried, hasUnderscore, namesOf, type Refusable, without } from './core/fidelity.ts'
import { createStrikes } from './core/strikes.ts'
import { suspects } from './core/suspects.ts'
import { inspection } from './inspection.ts'
import type { Properties } from './storage/properties.ts'
import type { Head, Metadata, Multipart, Storage } from './storage/storage.ts'

export interface Fidelity {
  readonly policy: FidelityPolicy
  /** The destination, whose writes do without what it has refused; all else is as it was. */
  readonly destination: Storage
  /**
   * The metadata of what was read at the source, as the destination is to have it. Throws `unsupported-property` where
   * something would be lost and nothing may be.
   */
  carry(head: Head, signal: AbortSignal): Promise<Metadata>
  /** After an upload in parts, with what was carried: what an object can have only when it is there, or what was forgotten on the way. */
  seal(key: Key, metadata: Metadata, signal: AbortSignal): Promise<void>
  /** What the object that was carried last under this key has lost. Asked once: then it is forgotten. */
  lossesOf(key: Key): readonly Property[]
}

const nothing: readonly Property[] = []

export function openFidelity(policy: FidelityPolicy, source: Storage, destination: Storage): Fidelity {
  const refused = new Set<Refusable>()
  const losses = new Map<Key, readonly Property[]>()
  const strikes = createStrikes((name) => refused.add(name))
  const forgottenOf = inspection(destination)
  const stops = policy.onLoss === 'stop'
  const wanted = {
    tags: policy.tags === 'keep' && destination.kind !== 'file',
    acl: policy.acl === 'keep',
  }

  function lose(key: Key, names: Iterable<Refusable>): void {
    const named = [...names].filter((name): name is Property => name !== 'checksum')
    if (named.length > 0) losses.set(key, [...new Set([...(losses.get(key) ?? []), ...named])])
  }

  /** Once, before the first object that needs it. */
  let asked: Promise<void> | null = null
  async function ask(signal: AbortSignal): Promise<void> {
    const holds = await destination.holds?.(signal).catch(() => null)
    if (holds?.tags === false) refused.add('tags')
    if (holds?.objectLock === false) refused.add('object-lock')
  }

  async function carry(head: Head, signal: AbortSignal): Promise<Metadata> {
    const { entry } = head
    let { metadata } = head
    const { properties } = metadata
    if (properties && needsAsking(properties)) {
      asked ??= ask(signal)
      await asked
    }
    const tags = wanted.tags && properties?.tagCount !== undefined && !refused.has('tags')
    if (source.describe && (tags || wanted.acl))
      metadata = await source.describe(head, { ...wanted, tags }, signal)
    metadata = withoutExpired(metadata, Date.now())
    const { dropped, lost, ...it } = carried(metadata, entry, destination.kind, policy, refused)
    if (lost.length > 0 && stops) throw unsupported(entry.key, `cannot hold ${said(lost)}`)
    if (dropped.length > 0) losses.set(entry.key, dropped)
    else if (losses.size > 0) losses.delete(entry.key)
    return it.metadata
  }

  /** `put`, with as much as the destination takes. */
  async function yielding<T>(
    key: Key,
    metadata: Metadata,
    put: (metadata: Metadata) => Promise<T>,
  ): Promise<{ result: T; given: Metadata }> {
    const given = metadata.properties ?? {}
    try {
      const result = await put(metadata)
      strikes.taken(given)
      return { result, given: metadata }
    } catch (thrown) {
      if (!isRefusal(thrown)) throw withRights(thrown, given)
      const names = namesOf(given)
      // An encryption that was asked for by name is not given up.
      if (policy.encryption !== 'keep') names.delete('encryption')
      if (names.size === 0) throw thrown
      if (stops) throw unsupported(key, `refuses it with ${said(names)}: ${thrown.message}`)
      for (const some of suspects(names, thrown.message)) {
        const less = { ...metadata, properties: without(given, some) }
        try {
          const result = await put(less)
          for (const name of some) strikes.refused(name)
          lose(key, some)
          return { result, given: less }
        } catch (again) {
          if (!isRefusal(again)) throw again
        }
      }
      throw thrown
    }
  }

  /** Whether what it was given came to be there. */
  async function inspect(key: Key, token: string, given: Metadata, signal: AbortSignal): Promise<void> {
    const gone = await forgottenOf(key, token, given, signal)
    if (gone.length === 0) return
    for (const name of gone) refused.add(name)
    lose(key, gone)
    if (stops) throw unsupported(key, `takes ${said(gone)} and does not keep it`)
  }

  /** Puts it on an object that is there already, as far as the destination takes it. */
  async function amend(key: Key, name: Property, properties: Properties, signal: AbortSignal): Promise<void> {
    try {
      await destination.amend?.(key, properties, signal)
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown
      strikes.refused(name)
      lose(key, [name])
      if (stops) throw unsupported(key, `refuses ${said([name])}: ${thrown.message}`)
    }
  }

  /** What was begun here, until it is completed. */
  const uploads = new Map<string, Metadata>()
  const partsOf = (multipart: Multipart): Multipart =>
    Object.assign(Object.create(multipart) as Multipart, {
      async create(key, metadata, signal) {
        if (isPlain(metadata)) return multipart.create(key, metadata, signal)
        const { result, given } = await yielding(key, metadata, (it) => multipart.create(key, it, signal))
        uploads.set(result, given)
        return result
      },
      async abort(key, upload, signal) {
        await multipart.abort(key, upload, signal)
        uploads.delete(upload)
      },
      async complete(key, upload, parts, signal, ...more) {
        const written = await multipart.complete(key, upload, parts, signal, ...more)
        const given = uploads.get(upload)
        if (!given) return written
        uploads.delete(upload)
        // Its tags are looked at by whoever seals it.
        const { tags: _, ...properties } = given.properties ?? {}
        await inspect(key, written.token, { ...given, properties }, signal)
        return written
      },
    } satisfies Partial<Multipart>)

  const { copyFrom } = destination
  /** Ceph's gateway keeps tags that come with a body, and forgets those of a copy that it makes by itself. Null: not seen yet. */
  let copiesTags: boolean | null = null
  const yieldingDestination = Object.assign(Object.create(destination) as Storage, {
    async write(key, body, metadata, signal, ...rest) {
      if (isPlain(metadata)) return destination.write(key, body, metadata, signal, ...rest)
      const put = (it: Metadata) => destination.write(key, body, it, signal, ...rest)
      const { result, given } = await yielding(key, metadata, put)
      await inspect(key, result.token, given, signal)
      return result
    },
    ...(destination.multipart && { multipart: partsOf(destination.multipart) }),
    ...(copyFrom && {
      copyFrom: {
        ...copyFrom,
        // What is refused is not tried without: the bytes are carried then, and learnt from.
        async whole(origin, key, metadata, signal, expected) {
          const written = await copyFrom.whole(origin, key, metadata, signal, expected)
          const tags = metadata.properties?.tags
          if (tags && copiesTags !== true) {
            copiesTags ??= await hasTags(destination, key, tags.length, signal)
            if (!copiesTags) await amend(key, 'tags', { tags }, signal)
          }
          if (!isPlain(metadata)) await inspect(key, written.token, metadata, signal)
          return written
        },
      },
    }),
  } satisfies Partial<Storage>)

  return {
    policy,
    // A file system has no place for any of it, and does not say so.
    destination: destination.kind === 'file' ? destination : yieldingDestination,
    carry,
    async seal(key, { properties }, signal) {
      if (!properties) return
      const { tags, retention, legalHold } = properties
      if (tags && !(await hasTags(destination, key, tags.length, signal)))
        await amend(key, 'tags', { tags }, signal)
      if (retention || legalHold) {
        const { tags: _, ...lock } = properties
        await amend(key, 'object-lock', lock, signal)
      }
    },
    lossesOf(key) {
      const lost = losses.get(key) ?? nothing
      if (lost !== nothing) losses.delete(key)
      return lost
    },
  }
}

/** Ceph's gateway takes tags at the beginning of an upload, and with a copy of its own, and forgets them. */
async function hasTags(destination: Storage, key: Key, count: number, signal: AbortSignal): Promise<boolean> {
  const head = await destination.head(key, signal)
  return head?.metadata.properties?.tagCount === count
}

/** A retention that has ended binds nobody, and no store takes it. */
function withoutExpired(metadata: Metadata, now: number): Metadata {
  const { properties } = metadata
  if (!properties?.retention || Date.parse(properties.retention.until) > now) return metadata
  const { retention: _, ...rest } = properties
  return { ...metadata, properties: rest }
}

/** There is nothing in it that a store may refuse or forget: most are so. */
const isPlain = ({ properties, user }: Metadata) => !properties && !hasUnderscore(user)

const needsAsking = ({ tagCount, retention, legalHold }: Properties) =>
  tagCount !== undefined || retention !== undefined || legalHold !== undefined

/** What a store says of a request as a whole: something in it is not for this store. */
const isRefusal = (thrown: unknown): thrown is DrayError =>
  thrown instanceof DrayError && (thrown.code === 'invalid-request' || thrown.code === 'not-implemented')

/** Which rights a write needs besides, and how to do without. */
const rights: Partial<Record<Refusable, string>> = {
  tags: 's3:PutObjectTagging (or --tags drop)',
  acl: 's3:PutObjectAcl (or --acl drop)',
  'object-lock': 's3:PutObjectRetention and s3:PutObjectLegalHold (or --object-lock drop)',
  encryption: 'the right to use the KMS key',
}

function withRights(thrown: unknown, given: Properties): unknown {
  if (!(thrown instanceof DrayError) || thrown.code !== 'access-denied') return thrown
  const needed = [...namesOf(given)].flatMap((name) => rights[name] ?? [])
  if (needed.length === 0) return thrown
  const { op, message, retry } = thrown
  const hint = `${thrown.hint ?? ''} This object needs ${needed.join(', ')} too.`.trim()
  return new DrayError('access-denied', op, message, { retry, hint, cause: thrown })
}

const said = (names: Iterable<string>): string =>
  `its ${[...names].map((name) => name.replace('-', ' ')).join(', ')}`

const unsupported = (key: Key, what: string) =>
  new DrayError('unsupported-property', `copy ${displayKey(key)}`, `The destination ${what}.`, {
    hint: 'Choose a destination that holds it, or say with --on-loss go-on that it may be left out and counted.',
  })
