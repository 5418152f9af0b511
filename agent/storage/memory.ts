/**
 * A storage that lives in memory, for tests: as strict as a real one (byte order, pages, tokens that are MD5, whole
 * writes), with a look inside (`objects`, `requests`) and faults that a test sets as it goes.
 */
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { DrayError, toDrayError } from '../../shared/error.ts'
import { displayKey, type Key, keyFromText } from '../../shared/key.ts'
import { contains } from '../../shared/range.ts'
import { discard, interrupted, orAbort, throwIfAborted } from './interrupt.ts'
import type { Body, ByteRange, Entry, Expected, Metadata, Multipart, Part, Storage } from './storage.ts'

export interface MemoryObject {
  readonly body: Uint8Array
  readonly metadata: Metadata
  readonly token: string
  /** Microseconds. */
  readonly mtime: number
  /** Bytes of each of its parts, where it was uploaded in parts. */
  readonly parts?: readonly number[]
}

export type MemoryOp = 'list' | 'head' | 'read' | 'write' | 'delete' | 'part'

/** Each is asked at its moment; throw (a `DrayError`) to fail there, wait to hold it there. */
export interface MemoryFaults {
  /** Before a request; `key` is null for `list`. */
  before?(op: MemoryOp, key: Key | null): void | Promise<void>
  /** Instead of a page: other entries (out of order, too few), counted from 0 within its listing. */
  page?(entries: Entry[], number: number): Entry[] | Promise<Entry[]>
  /** Instead of a body: other chunks of it. */
  body?(bytes: Uint8Array, key: Key): Iterable<Uint8Array> | AsyncIterable<Uint8Array>
}

export interface MemoryStorage extends Storage {
  readonly kind: 'memory'
  readonly objects: Map<Key, MemoryObject>
  /** How often each was asked for; `list` counts pages. */
  readonly requests: Record<MemoryOp, number>
  faults: MemoryFaults
  /** `key` and `body` are text, or bytes as they are (a `Key` that is not ASCII goes to `putKey`). */
  put(key: string, body: string | Uint8Array, metadata?: Partial<Metadata> & { mtime?: number }): MemoryObject
  putKey(key: Key, body: string | Uint8Array, metadata?: Partial<Metadata> & { mtime?: number }): MemoryObject
}

export interface MemoryOptions {
  /** Keys a page; S3's 1,000 where it is not said. */
  pageSize?: number
  /** False: no multipart uploads. */
  multipart?: Partial<Multipart['limits']> | false
  walks?: boolean
  /** Microseconds. */
  now?: () => number
}

/** Chunks in which bodies are given, as a socket would. */
const chunkBytes = 64 * 1024

/** Fault: each listing gives `pages` pages and then fails. */
export function listFailsAfter(pages: number, code: DrayError['code'] = 'server-error'): MemoryFaults {
  return {
    page(entries, number) {
      if (number < pages) return entries
      throw new DrayError(code, 'list memory', 'The store failed.', { retry: 'later' })
    },
  }
}

/** Fault: each body breaks with an error after `bytes` bytes. */
export function readBreaksAfter(bytes: number): MemoryFaults {
  return {
    *body(whole) {
      yield whole.subarray(0, bytes)
      throw new DrayError('unreachable', 'read memory', 'The connection broke.', { retry: 'now' })
    },
  }
}

/** Fault: each body ends in silence after `bytes` bytes, which no honest store does. */
export const readEndsAfter = (bytes: number): MemoryFaults => ({
  body: (whole) => [whole.subarray(0, bytes)],
})

export function memoryStorage(
  initial: Iterable<readonly [string, string | Uint8Array]> = [],
  options: MemoryOptions = {},
): MemoryStorage {
  const objects = new Map<Key, MemoryObject>()
  const requests: Record<MemoryOp, number> = { list: 0, head: 0, read: 0, write: 0, delete: 0, part: 0 }
  const uploads = new Map<
    string,
    { key: Key; metadata: Metadata; begun: number; parts: Map<number, Uint8Array> }
  >()
  const now = options.now ?? (() => Date.now() * 1000)
  const pageSize = options.pageSize ?? 1000
  let uploadCount = 0

  async function begin(op: MemoryOp, key: Key | null, signal: AbortSignal): Promise<string> {
    const name = key === null ? `${op} memory` : `${op} memory:${displayKey(key)}`
    throwIfAborted(signal, name)
    requests[op]++
    // A turn of the loop, as with any real store: callers must not count on an answer in the same tick.
    await orAbort(Promise.resolve(storage.faults.before?.(op, key)), signal, name)
    if (key !== null) {
      const reason = storage.unsupported(key)
      if (reason) throw new DrayError('unsupported-key', name, reason)
    }
    return name
  }

  function entryOf(key: Key, object: MemoryObject): Entry {
    return { key, kind: 'object', size: object.body.length, mtime: object.mtime, token: object.token }
  }

  function store(
    key: Key,
    body: Uint8Array,
    metadata: Metadata,
    token = md5(body),
    mtime = now(),
    parts?: number[],
  ) {
    const object = { body, metadata, token, mtime, ...(parts && { parts }) }
    objects.set(key, object)
    return object
  }

  function hold(key: Key, expected: Expected | undefined, op: string): void {
    const there = objects.get(key)?.token ?? null
    if (expected !== undefined && expected !== there) throw changed(op)
  }

  const storage: MemoryStorage = {
    kind: 'memory',
    name: 'memory',
    tokens: 'md5',
    walks: options.walks ?? false,
    objects,
    requests,
    faults: {},

    put: (key, body, metadata) => storage.putKey(keyFromText(key), body, metadata),
    putKey(key, body, metadata = {}) {
      const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body
      const { headers = {}, user = {}, mtime } = metadata
      return store(key, bytes, { headers, user }, md5(bytes), mtime)
    },

    async *list(range, { signal }) {
      let after = range.after
      for (let page = 0; ; page++) {
        const op = await begin('list', null, signal)
        // Sorted anew for each page: a page tells what is there when it is asked for, as a real store's does.
        const keys = [...objects.keys()]
          .filter((key) => contains({ after, through: range.through }, key))
          .sort()
        const entries = keys.slice(0, pageSize).map((key) => entryOf(key, objects.get(key)!))
        const given = storage.faults.page?.(entries, page)
        yield given === undefined ? entries : await orAbort(Promise.resolve(given), signal, op)
        if (keys.length <= pageSize) return
        after = entries.at(-1)!.key
      }
    },

    async head(key, signal) {
      await begin('head', key, signal)
      const object = objects.get(key)
      return object ? { entry: entryOf(key, object), metadata: object.metadata } : null
    },

    async headPart(entry, number, signal) {
      const op = await begin('head', entry.key, signal)
      const object = objects.get(entry.key)
      if (!object) return null
      if (object.token !== entry.token) throw changed(op)
      const head = { entry: entryOf(entry.key, object), metadata: object.metadata }
      const bytes = object.parts?.[number - 1] ?? object.body.length
      return { head, bytes, parts: object.parts?.length ?? null }
    },

    async read(key, { token, range, signal }) {
      const op = await begin('read', key, signal)
      const object = objects.get(key)
      if (!object) return null
      if (token !== undefined && object.token !== token) throw changed(op)
      const bytes = range ? slice(object.body, range, op) : object.body
      const chunks = storage.faults.body?.(bytes, key) ?? chunksOf(bytes)
      return {
        entry: entryOf(key, object),
        metadata: object.metadata,
        body: streamOf(chunks, signal, op),
      }
    },

    async write(key, body, metadata, signal, expected) {
      const op = await begin('write', key, signal)
      const bytes = await collect(body, signal, op)
      throwIfAborted(signal, op)
      hold(key, expected, op)
      const { token, mtime } = store(key, bytes, metadata)
      return { token, mtime }
    },

    async delete(key, { token, signal }) {
      const op = await begin('delete', key, signal)
      const object = objects.get(key)
      if (object && token !== undefined && object.token !== token) throw changed(op)
      return objects.delete(key)
    },

    multipart: options.multipart === false ? null : multipart(options.multipart ?? {}),

    unsupported: (key) => (key.length > 1024 ? 'The key is longer than 1,024 bytes.' : null),

    async close() {},
  }

  function multipart(limits: Partial<Multipart['limits']>): Multipart {
    function upload(id: string, key: Key, op: string) {
      const found = uploads.get(id)
      if (found?.key === key) return found
      throw new DrayError('not-found', op, 'There is no such upload.')
    }
    return {
      limits: { minPart: 5 << 20, maxPart: 5 * 2 ** 30, maxParts: 10_000, maxWrite: 5 * 2 ** 30, ...limits },
      async create(key, metadata, signal) {
        await begin('part', key, signal)
        const id = `upload-${++uploadCount}`
        uploads.set(id, { key, metadata, begun: now() / 1000, parts: new Map() })
        return id
      },
      async part(key, id, number, body, signal) {
        const op = await begin('part', key, signal)
        upload(id, key, op)
        const bytes = await collect(body, signal, op)
        upload(id, key, op).parts.set(number, bytes)
        return { number, token: md5(bytes), size: bytes.length }
      },
      async *uploads(prefix, signal) {
        await begin('list', null, signal)
        yield [...uploads]
          .filter(([, { key }]) => key.startsWith(prefix))
          .map(([id, { key, begun }]) => ({ key, upload: id, begun }))
      },
      async *list(key, id, signal, after = 0) {
        const { parts } = upload(id, key, await begin('part', key, signal))
        const page = [...parts].map(([number, bytes]) => ({ number, token: md5(bytes), size: bytes.length }))
        yield page.filter(({ number }) => number > after).sort((a, b) => a.number - b.number)
      },
      async complete(key, id, parts, signal, expected) {
        const op = await begin('part', key, signal)
        const found = upload(id, key, op)
        hold(key, expected, op)
        const bodies = parts.map((part, i) => checkedPart(found.parts, part, parts[i - 1], op))
        if (bodies.length === 0 || bodies.slice(0, -1).some((b) => b.length < this.limits.minPart)) {
          throw new DrayError('invalid-request', op, 'A part is too small, or there is none.')
        }
        const etag = `${md5(Buffer.concat(bodies.map((b) => Buffer.from(md5(b), 'hex'))))}-${bodies.length}`
        const sizes = bodies.map((each) => each.length)
        const { token, mtime } = store(key, Buffer.concat(bodies), found.metadata, etag, now(), sizes)
        uploads.delete(id)
        return { token, mtime }
      },
      async abort(key, id, signal) {
        upload(id, key, await begin('part', key, signal))
        uploads.delete(id)
      },
    }
  }

  for (const [key, body] of initial) storage.put(key, body)
  return storage
}

const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex')

function changed(op: string): DrayError {
  return new DrayError('changed', op, 'It is not the object that was listed any more.', { retry: 'later' })
}

function checkedPart(held: Map<number, Uint8Array>, part: Part, before: Part | undefined, op: string) {
  const bytes = held.get(part.number)
  if (!bytes || md5(bytes) !== part.token || (before && before.number >= part.number)) {
    throw new DrayError('invalid-request', op, `Part ${part.number} is not there, or not in order.`)
  }
  return bytes
}

function slice(body: Uint8Array, { first, last }: ByteRange, op: string): Uint8Array {
  if (first > last || last >= body.length) {
    throw new DrayError('invalid-request', op, `Bytes ${first} to ${last} are not within ${body.length}.`)
  }
  return body.subarray(first, last + 1)
}

function* chunksOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes)
}

function streamOf(
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  signal: AbortSignal,
  op: string,
): Readable {
  async function* dray() {
    try {
      yield* chunks
    } catch (error) {
      throw toDrayError(error, op)
    }
  }
  const body = Readable.from(dray(), { objectMode: false })
  // Its error is its reader's to see; where there is none yet, it must not end the process.
  body.on('error', () => {})
  const abort = () => body.destroy(interrupted(op))
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  return body.once('close', () => signal.removeEventListener('abort', abort))
}

/** All of a body, held to its size and MD5; its stream is destroyed however this ends. */
async function collect(body: Body, signal: AbortSignal, op: string): Promise<Uint8Array> {
  const stream = await orAbort(body.open(signal), signal, op, discard)
  const chunks: Uint8Array[] = []
  let size = 0
  const read = async () => {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      size += chunk.length
      if (size > body.size) break
      chunks.push(chunk)
    }
  }
  try {
    await orAbort(read(), signal, op)
  } catch (error) {
    throw toDrayError(error, op)
  } finally {
    discard(stream)
  }
  if (size !== body.size) {
    const message = `The body is ${size > body.size ? 'longer' : 'shorter'} than the ${body.size} bytes that it should be.`
    throw new DrayError('changed', op, message, { retry: 'now' })
  }
  const bytes = Buffer.concat(chunks)
  if (
    body.contentMd5 !== undefined &&
    Buffer.from(md5(bytes), 'hex').toString('base64') !== body.contentMd5
  ) {
    throw new DrayError('bad-digest', op, 'The bytes that arrived are not those that were sent.', {
      retry: 'now',
    })
  }
  return bytes
}
