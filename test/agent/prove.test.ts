import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { compareBodies, hashObject, prove } from '../../agent/prove.ts'
import {
  type MemoryStorage,
  memoryStorage,
  readBreaksAfter,
  readEndsAfter,
} from '../../agent/storage/memory.ts'
import type { Entry, Storage } from '../../agent/storage/storage.ts'
import { keyFromText } from '../../shared/key.ts'
import { depths } from '../../shared/policy.ts'
import { failure, noSignal, patterned } from '../storage/contract.ts'

const MiB = 1024 * 1024
const key = keyFromText('k')
const mtime = 1_700_000_000_123_456
const body = patterned(2 * MiB + 5)
const other = patterned(2 * MiB + 5, 7)
const hash = (algorithm: string, bytes: Uint8Array) => createHash(algorithm).update(bytes).digest('hex')

interface Side {
  memory: MemoryStorage
  storage: Storage
  entry: Entry
}

function s3(bytes: Uint8Array, token = hash('md5', bytes), user: Record<string, string> = {}): Side {
  const memory = memoryStorage([], { multipart: { minPart: 1, maxPart: 700_000 } })
  memory.put('k', bytes, { user, mtime: 5 })
  memory.objects.set(key, { ...memory.objects.get(key)!, token })
  return { memory, storage: memory, entry: { key, kind: 'object', size: bytes.length, mtime: 5, token } }
}

function file(bytes: Uint8Array, at = mtime): Side {
  const { memory, entry } = s3(bytes, '17-1')
  return {
    memory,
    storage: { ...memory, kind: 'file', tokens: 'none', multipart: null },
    entry: { ...entry, mtime: at },
  }
}

/** The ETag that S3 gives to an upload in such parts. */
function multipart(bytes: Uint8Array, partSize: number): string {
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length; at += partSize) {
    parts.push(
      createHash('md5')
        .update(bytes.subarray(at, at + partSize))
        .digest(),
    )
  }
  return `${hash('md5', Buffer.concat(parts))}-${parts.length}`
}

const settle = (a: Side, b: Side, depth: Parameters<typeof prove>[3]) =>
  prove({ source: a.storage, destination: b.storage }, a.entry, b.entry, depth, noSignal)
const asked = ({ memory: { requests } }: Side) => [requests.head, requests.read]
const recorded = { mtime: '1700000000.123456789' }

describe('a copy', () => {
  it('hashes the file where the other side is an MD5, in either direction', async () => {
    for (const [a, b] of [
      [file(body), s3(body)],
      [s3(body), file(body)],
    ] as const) {
      expect(await settle(a, b, 'copy')).toEqual({ same: 'hashed' })
      const [known, read] = a.storage.tokens === 'md5' ? [a, b] : [b, a]
      expect([asked(known), asked(read)]).toEqual([
        [0, 0],
        [0, 1],
      ])
    }
    expect(await settle(file(other), s3(body), 'copy')).toEqual({ same: null })
  })

  it('hashes the file in the parts of an upload, as Dray or another tool cuts them', async () => {
    for (const partSize of [700_000, MiB]) {
      const pair = [file(body), s3(body, multipart(body, partSize))] as const
      expect(await settle(...pair, 'copy')).toEqual({ same: 'hashed' })
      expect(pair.map(asked)).toEqual([
        [0, 1],
        [0, 0],
      ])
    }
  })

  it('believes the mtime that an object records where no digest can tell, and asks for nothing more', async () => {
    for (const token of ['opaque', multipart(body, 123_457)]) {
      expect(await settle(file(body), s3(body, token, recorded), 'copy')).toEqual({ same: 'size+mtime' })
      expect(await settle(s3(body, token, recorded), file(body), 'copy')).toEqual({ same: 'size+mtime' })
      expect(await settle(file(body, mtime + 2), s3(body, token, recorded), 'copy')).toEqual({ same: null })
      expect(await settle(file(body), s3(body, token), 'copy')).toEqual({ same: null })
      expect(await settle(file(body, 5), s3(body, token, { mtime: 'soon' }), 'copy')).toEqual({ same: null })
    }
    const destination = s3(body, 'opaque', recorded)
    await settle(file(body), destination, 'copy')
    expect(asked(destination)).toEqual([1, 0])
  })

  it('does not believe it of an upload that is cut as ours are and is not the file', async () => {
    const [a, b] = [file(other), s3(body, multipart(body, 700_000), recorded)]
    expect(await settle(a, b, 'copy')).toEqual({ same: null })
    expect(asked(b)).toEqual([0, 0])
  })

  it('reads both sides where something was done to one of them and the mtimes are equal all the same', async () => {
    const touched = (a: Side, b: Side) =>
      prove({ source: a.storage, destination: b.storage }, a.entry, b.entry, 'copy', noSignal, true)
    expect(await touched(file(body), s3(body, 'opaque', recorded))).toEqual({ same: 'full-read' })
    expect(await touched(file(other), s3(body, 'opaque', recorded))).toEqual({ same: null })
    expect(await touched(file(other, mtime + 2), s3(body, 'opaque', recorded))).toEqual({ same: null })
  })

  it('reads two files', async () => {
    expect(await settle(file(body), file(body), 'copy')).toEqual({ same: 'full-read' })
    expect(await settle(file(body), file(other), 'copy')).toEqual({ same: null })
  })

  it('acts as if they differed where either is no longer what was listed', async () => {
    for (const change of [
      (memory: MemoryStorage) => memory.objects.clear(),
      (memory: MemoryStorage) => memory.put('k', 'another'),
    ]) {
      for (const [a, b, moving] of [
        [file(body), s3(body), 0],
        [s3(body), file(body), 1],
        [file(body), s3(body, 'opaque'), 1],
        [s3(body, 'opaque'), file(body), 0],
      ] as const) {
        change((moving === 0 ? a : b).memory)
        expect(await settle(a, b, 'copy')).toEqual({ same: null })
      }
    }
  })
})

describe('a verification', () => {
  it('takes a recorded mtime for proof at the depth of a listing, and no further', async () => {
    for (const token of [hash('md5', body), 'opaque']) {
      const pair = [file(body), s3(body, token, recorded)] as const
      expect(await settle(...pair, 'listing')).toEqual({ same: 'size+mtime' })
      expect(pair.map(asked)).toEqual([
        [0, 0],
        [1, 0],
      ])
    }
    expect(await settle(file(other), s3(body, undefined, recorded), 'checksum')).toEqual({ same: null })
    expect(await settle(file(other), s3(body, 'opaque', recorded), 'checksum')).toEqual({ same: null })
  })

  it('reads one side where the other is an MD5', async () => {
    const pairs: [Side, Side][] = [
      [file(body), s3(body)],
      [s3(body), file(body)],
      [s3(body), s3(body, multipart(body, MiB))],
      [s3(body, 'opaque'), s3(body)],
    ]
    for (const [a, b] of pairs) {
      expect(await settle(a, b, 'checksum')).toEqual({ same: 'hashed' })
      expect(a.memory.requests.read + b.memory.requests.read).toBe(1)
    }
  })

  it('reads the file alone where it has the ETag of an upload', async () => {
    const pair = [file(body), s3(body, multipart(body, MiB))] as const
    expect(await settle(...pair, 'checksum')).toEqual({ same: 'hashed' })
    expect(pair.map(asked)).toEqual([
      [0, 1],
      [0, 0],
    ])
  })

  it('never says that two objects differ that were only cut elsewhere', async () => {
    const cut = multipart(body, MiB)
    const elsewhere = multipart(body, 900_000)
    expect(cut.slice(-2)).toBe(elsewhere.slice(-2))
    for (const [a, b] of [
      [s3(body, cut), s3(body, elsewhere)],
      [s3(body, cut), s3(body, 'opaque')],
      [file(body), s3(body, elsewhere)],
      [file(body, 1), file(body, 2)],
    ] as const) {
      for (const depth of depths) expect(await settle(a, b, depth)).toEqual({ same: 'full-read' })
    }
    expect(await settle(s3(body, cut), s3(other, elsewhere), 'checksum')).toEqual({ same: null })
  })

  it('reads both sides before it says that they differ, since not all that looks like an MD5 is one', async () => {
    const kms = '0'.repeat(32)
    for (const side of [file(body), s3(body)]) {
      expect(await settle(side, s3(body, kms), 'checksum')).toEqual({ same: 'full-read' })
      expect(await settle(s3(body, kms), side, 'checksum')).toEqual({ same: 'full-read' })
      expect(await settle(side, s3(other, kms), 'checksum')).toEqual({ same: null })
    }
  })

  it('reads both sides in full where it is asked to, whatever their tokens say', async () => {
    const pair = [s3(body), s3(other, hash('md5', body))] as const
    expect(await settle(...pair, 'full')).toEqual({ same: null })
    expect(pair.map(asked)).toEqual([
      [0, 1],
      [0, 1],
    ])
    expect(await settle(s3(body), s3(body), 'full')).toEqual({ same: 'full-read' })
  })

  it('says so where the source is gone or another, and calls a destination that is so different', async () => {
    for (const depth of depths) {
      const gone = [s3(body, 'opaque'), file(body)] as const
      gone[0].memory.objects.clear()
      expect((await failure(settle(...gone, depth))).code).toBe('not-found')
      const changed = [s3(body, 'opaque'), file(body)] as const
      changed[0].memory.put('k', 'another')
      expect((await failure(settle(...changed, depth))).code).toBe('changed')
      const missing = [file(body), s3(body, 'opaque')] as const
      missing[1].memory.objects.clear()
      expect(await settle(...missing, depth)).toEqual({ same: null })
    }
  })
})

describe('reading bodies', () => {
  it('gives their digests and tells of the bytes', async () => {
    const { storage, entry } = s3(body)
    let read = 0
    const count = (bytes: number) => {
      read += bytes
    }
    const options = { token: entry.token, signal: noSignal, read: count }
    expect(await hashObject(storage, key, 'md5', options)).toBe(hash('md5', body))
    expect(await hashObject(storage, key, 'sha256', options)).toBe(hash('sha256', body))
    expect(read).toBe(2 * body.length)
  })

  it('begins again where a body breaks, and fails where it does every time', async () => {
    const options = { signal: noSignal, pause: async () => {} }
    const once = s3(body)
    let reads = 0
    once.memory.faults.body = (bytes) => (reads++ === 0 ? [bytes.subarray(0, 10)] : [bytes])
    expect(await hashObject(once.storage, key, 'md5', options)).toBe(hash('md5', body))
    const broken = s3(body)
    for (const faults of [readBreaksAfter(10), readEndsAfter(10)]) {
      broken.memory.faults = faults
      const error = await failure(hashObject(broken.storage, key, 'md5', options))
      expect(error.code).toBe('unreachable')
    }
    expect(broken.memory.requests.read).toBe(8)
  })

  it('stops the other side where one fails, and tells of the one that failed', async () => {
    const [a, b] = [s3(body, 'opaque'), s3(body, 'opaque')]
    let interrupted = false
    a.memory.faults.body = async function* (bytes) {
      yield bytes.subarray(0, 10)
      await new Promise(() => {})
    }
    const source: Storage = {
      ...a.storage,
      async read(k, options) {
        options.signal.addEventListener('abort', () => (interrupted = true))
        return a.storage.read(k, options)
      },
    }
    b.memory.objects.clear()
    const deps = { source, destination: b.storage }
    expect((await failure(compareBodies(deps, a.entry, b.entry, noSignal))).code).toBe('not-found')
    expect(interrupted).toBe(true)
  })

  it('ends with an abort', async () => {
    const { memory, storage, entry } = s3(body)
    const abort = new AbortController()
    memory.faults.body = async function* () {
      abort.abort()
      await new Promise(() => {})
    }
    const deps = { source: storage, destination: storage }
    expect((await failure(prove(deps, entry, entry, 'full', abort.signal))).code).toBe('interrupted')
  })
})
