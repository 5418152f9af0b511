/**
 * Tries what can be done with a connection in a bucket, one thing after the other, with small objects under names that nobody else has. Where
 * the bucket keeps versions, those of ours are removed too.
 */
import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import {
  type CheckResult,
  type ConnectionCheck,
  type ConnectionTest,
  connectionChecks,
} from '../../../shared/connection-test.ts'
import { DrayError, toDrayError } from '../../../shared/error.ts'
import { type Key, keyFromText } from '../../../shared/key.ts'
import type { S3Location } from '../../../shared/location.ts'
import type { Body, Entry, Storage } from '../storage.ts'
import type { Access } from './access.ts'
import type { S3Client } from './client.ts'
import { type OpenClientOptions, openClient } from './open-client.ts'
import { type StorageOptions, storageOver } from './s3-storage.ts'

/** All of it, in milliseconds. */
const longest = 60_000
/** What a signature's clock may differ is 15 minutes; a minute says that nobody keeps it. */
const tolerableSkewMs = 60_000
const content = 'Dray tests this connection and deletes this again.\n'
const answer = 64 * 1024

/** Never rejects: what goes wrong is what it tells. */
export async function tryConnection(
  location: S3Location,
  options: OpenClientOptions,
  ms = longest,
): Promise<ConnectionTest> {
  const seen: Seen = { store: null, skewMs: null, latencyMs: null }
  const signal = AbortSignal.timeout(ms)
  const results: CheckResult[] = []
  const failed = new Set<ConnectionCheck>()
  let steps: Steps | null = null
  for (const check of connectionChecks) {
    const began = performance.now()
    const result = (outcome: CheckResult['outcome'], more: Partial<CheckResult> = {}) => {
      const told = { check, outcome, code: null, message: '', hint: null, ms: null, ...more }
      results.push({ ...told, message: told.message.slice(0, 500), hint: told.hint?.slice(0, 500) ?? null })
      if (outcome !== 'yes') failed.add(check)
    }
    const missing = needs[check]?.find((each) => failed.has(each))
    if (missing) {
      result('not-tried', { message: `needs ${missing}` })
      continue
    }
    try {
      steps ??= await open(location, options, seen, signal)
      const message = await steps[check]()
      if (message === null) result('not-tried', { message: 'there is nothing to try it on' })
      else result('yes', { message, ms: Math.round(performance.now() - began) })
    } catch (thrown) {
      const { code, message, hint } = toDrayError(thrown, check)
      result('no', { code, message, hint, ms: Math.round(performance.now() - began) })
    }
  }
  await steps?.close()
  return { checks: results, ...seen }
}

/** `read` needs no `write`: what is there already will do. */
const needs: Partial<Record<ConnectionCheck, ConnectionCheck[]>> = {
  list: ['credential'],
  write: ['credential'],
  read: ['credential'],
  tags: ['credential', 'write'],
  'conditional-writes': ['credential', 'write'],
  checksums: ['credential', 'write'],
  multipart: ['credential', 'write'],
  delete: ['credential', 'write'],
  versions: ['credential'],
  clock: ['credential'],
}

export interface Seen {
  store: string | null
  skewMs: number | null
  latencyMs: number | null
}

/** What each finds out, in words that may be none; null where there was nothing to try it on. Throws what it could not do. */
type Steps = Record<ConnectionCheck, () => Promise<string | null>> & { close(): Promise<void> }

async function open(
  location: S3Location,
  options: OpenClientOptions,
  seen: Seen,
  signal: AbortSignal,
): Promise<Steps> {
  const { storage, client, access } = await openObserved(location, options, seen)
  return stepsOf(storage, client, access, keyFromText(location.prefix), seen, signal)
}

/** A storage that notes in `seen` what every answer tells of its store. */
export async function openObserved(
  location: S3Location,
  options: OpenClientOptions & StorageOptions,
  seen: Seen,
): Promise<{ storage: Storage; client: S3Client; access: Access }> {
  const opened = await openClient(location, options)
  const client = observed(opened.client, seen)
  return {
    storage: await storageOver(client, opened.access, location, options),
    client,
    access: opened.access,
  }
}

function stepsOf(
  storage: Storage,
  client: S3Client,
  access: Access,
  prefix: Key,
  seen: Seen,
  signal: AbortSignal,
): Steps {
  const name = `.dray-test-${randomUUID()}`
  const small = name as Key
  const parted = `${name}-parts` as Key
  const made = new Set<Key>()
  let listed: Entry | null = null

  const make = async <T>(key: Key, act: () => Promise<T>): Promise<T> => {
    const done = await act()
    made.add(key)
    return done
  }

  /** The versions of ours; how many of them could not be removed. */
  async function purge(): Promise<number> {
    const range = { after: name.slice(0, -1) as Key, through: `${name}~` as Key }
    let left = 0
    for await (const chains of storage.versions!.list(range, signal)) {
      for (const { key, versions } of chains) {
        for (const { version } of versions) {
          const query = `versionId=${encodeURIComponent(version)}`
          const request = {
            verb: 'DELETE',
            method: 'DELETE',
            key: (prefix + key) as Key,
            query,
            signal,
          } as const
          await client.whole(request, answer).catch(() => left++)
        }
      }
    }
    return left
  }

  async function remove(): Promise<string> {
    for (const key of made) await storage.delete(key, { signal })
    for (const key of made) {
      if ((await storage.head(key, signal)) !== null) throw remains(key)
    }
    made.clear()
    const state = await storage.versions!.state(signal).catch(() => 'off' as const)
    const left = state === 'off' ? 0 : await purge().catch(() => 1)
    return left === 0 ? '' : `versions of ${name}, which this credential may not remove, are left`
  }

  return {
    // It was opened, or nothing of this would run.
    credential: async () => (access.known()?.accessKeyId === '' ? 'nobody’s: requests are not signed' : ''),

    async list() {
      for await (const [first] of storage.list({ after: null, through: null }, { signal })) {
        listed = first ?? null
        break
      }
      return listed ? '' : 'there is nothing in it'
    },

    async write() {
      await make(small, () => storage.write(small, bodyOf(content), { headers: {}, user: {} }, signal, null))
      return ''
    },

    async read() {
      const key = made.has(small) ? small : listed?.key
      if (key === undefined) return null
      const reading = await storage.read(key, { atOnce: 4096, signal })
      if (!reading) throw new DrayError('not-found', 'GET', 'What is there could not be found.')
      if (key !== small) {
        reading.body.destroy()
        return 'an object that was there'
      }
      const text = reading.bytes?.toString() ?? (await Readable.from(reading.body).toArray()).join('')
      if (text === content) return ''
      throw new DrayError('bad-digest', 'GET', 'What was read is not what was written.')
    },

    async tags() {
      const tags = [{ name: 'dray', value: 'test' }]
      await storage.amend!(small, { tags }, signal)
      const head = (await storage.head(small, signal))!
      const asked = { ...head, metadata: { ...head.metadata, properties: { tagCount: 1 } } }
      const { properties } = await storage.describe!(asked, { tags: true, acl: false }, signal)
      if (properties?.tags?.[0]?.value === 'test') return ''
      throw new DrayError('not-implemented', 'PUT-TAGS', 'The store took a tag and does not have it.', {
        hint: 'Objects are copied without their tags, which are counted as dropped.',
      })
    },

    async 'conditional-writes'() {
      const key = (prefix + small) as Key
      const headers = { 'if-none-match': '*', 'content-length': '1' }
      const body = Buffer.from('-')
      try {
        await client.whole({ verb: 'PUT', method: 'PUT', key, headers, body, signal }, answer)
      } catch (thrown) {
        if (thrown instanceof DrayError && thrown.code === 'changed') return ''
        throw thrown
      }
      throw new DrayError('not-implemented', 'PUT', 'The store ignores the condition of a write.', {
        hint: 'What others write at the destination during a pass may be overwritten.',
      })
    },

    async checksums() {
      if (await storage.refusesWrongMd5!(signal)) return ''
      throw new DrayError(
        'not-implemented',
        'PUT',
        'The store takes a body that is not that of its Content-MD5.',
        {
          hint: 'Where its ETags are no MD5s either, copies are proved by reading them back.',
        },
      )
    },

    async multipart() {
      const { create, part, complete, abort } = storage.multipart!
      const upload = await create(parted, { headers: {}, user: {} }, signal)
      try {
        const parts = [await part(parted, upload, 1, bodyOf(content), signal)]
        await make(parted, () => complete(parted, upload, parts, signal))
        return ''
      } catch (error) {
        await abort(parted, upload, signal).catch(() => {})
        throw error
      }
    },

    delete: remove,

    async versions() {
      const state = await storage.versions!.state(signal)
      return state === 'off' ? 'the bucket keeps none' : `versioning is ${state}`
    },

    async clock() {
      return seen.skewMs === null ? null : compareClocks(seen.skewMs)
    },

    async close() {
      if (made.size > 0) await remove().catch(() => {})
      await client.close()
    },
  }
}

/** What a difference of clocks is worth saying; throws `clock-skew` for one that needs somebody. */
export function compareClocks(skewMs: number): string {
  const seconds = Math.abs(skewMs) / 1000
  if (Math.abs(skewMs) <= tolerableSkewMs) return seconds < 3 ? '' : `${skewMs / 1000} s apart`
  const message = `The agent’s clock is ${seconds} s ${skewMs > 0 ? 'behind' : 'ahead of'} the store’s.`
  throw new DrayError('clock-skew', 'compare the clocks', message, {
    hint: 'Set the clock of the agent’s machine (NTP).',
  })
}

const remains = (key: Key) =>
  new DrayError('access-denied', 'DELETE', `${key} is still there after it was deleted.`, {
    hint: 'Delete it by hand.',
  })

const bodyOf = (text: string): Body => {
  const bytes = Buffer.from(text)
  return { size: bytes.length, bytes, open: async () => Readable.from([bytes]) }
}

/** Notes what every answer tells, of success or not. */
function observed(client: S3Client, seen: Seen): S3Client {
  const note = async <Answer extends { headers: Readonly<Record<string, string | undefined>> }>(
    asking: Promise<Answer>,
    began: number,
  ): Promise<Answer> => {
    const response = await asking
    const took = performance.now() - began
    seen.latencyMs = Math.round(Math.min(seen.latencyMs ?? took, took) * 10) / 10
    seen.store ??= response.headers.server?.slice(0, 200) ?? null
    const date = Date.parse(response.headers.date ?? '')
    // It is cut to the second, and was written half way through.
    const there = date + 500
    if (!Number.isNaN(date)) seen.skewMs = Math.round((there - (Date.now() - took / 2)) / 1000) * 1000 || 0
    return response
  }
  return {
    send: (request) => note(client.send(request), performance.now()),
    whole: (request, most) => note(client.whole(request, most), performance.now()),
    where: (request) => client.where(request),
    get target() {
      return client.target
    },
    close: () => client.close(),
  }
}
