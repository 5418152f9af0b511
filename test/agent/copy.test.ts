import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { type CopyOutcome, copyObject } from '../../agent/copy.ts'
import { discard } from '../../agent/storage/interrupt.ts'
import {
  type MemoryStorage,
  memoryStorage,
  readBreaksAfter,
  readEndsAfter,
} from '../../agent/storage/memory.ts'
import { withRetry } from '../../agent/storage/retry.ts'
import type { Body, Entry, Storage, Written } from '../../agent/storage/storage.ts'
import { DrayError } from '../../shared/error.ts'
import { type Key, keyFromText } from '../../shared/key.ts'
import { everything } from '../../shared/range.ts'
import { failure, listAll, noSignal, patterned } from '../storage/contract.ts'

const MiB = 1024 * 1024
const key = keyFromText('k')
const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex')
const bytesIn = (storage: MemoryStorage) => storage.objects.get(key)?.body
const holds = (storage: MemoryStorage, body: Uint8Array) => Buffer.compare(bytesIn(storage)!, body) === 0
const entryOf = async (storage: Storage): Promise<Entry> => (await listAll(storage, everything))[0]!

/** A storage of the memory kind, with parts of it replaced; streams that it gave out are watched. */
function spied(memory: MemoryStorage, change: (memory: MemoryStorage) => Partial<Storage> = () => ({})) {
  const bodies: Readable[] = []
  const changed: Partial<Storage> = change(memory)
  const read = changed.read ?? memory.read
  // By its descriptors: what storages say of their tokens may be a getter.
  const storage: Storage = Object.defineProperties({ ...memory }, Object.getOwnPropertyDescriptors(changed))
  Object.defineProperty(storage, 'read', {
    async value(...args: Parameters<Storage['read']>) {
      const reading = await read(...args)
      if (reading) bodies.push(reading.body)
      return reading
    },
  })
  return { storage, bodies }
}

/** As a directory: tokens that say nothing, no multipart uploads. */
const asFile = (token = '1700-1'): ((memory: MemoryStorage) => Partial<Storage>) => {
  return (memory) => ({
    kind: 'file',
    tokens: 'none',
    multipart: null,
    async *list(...args) {
      for await (const page of memory.list(...args)) yield page.map((entry) => ({ ...entry, token }))
    },
    async head(...args) {
      const head = await memory.head(...args)
      return head && { ...head, entry: { ...head.entry, token } }
    },
    async read(k, { token: _, ...options }) {
      const reading = await memory.read(k, options)
      return reading && { ...reading, entry: { ...reading.entry, token } }
    },
    async write(...args) {
      return { ...(await memory.write(...args)), token }
    },
  })
}

interface Sides {
  from: Storage
  to: Storage
  bodies: Readable[]
  entry?: Entry
  signal?: AbortSignal
}

/** Copies `k`, and holds every copy to what no copy may break: nothing left open, bytes told that add up. */
async function copy({ from, to, bodies, entry, signal = noSignal }: Sides) {
  let moved = 0
  let least = 0
  const pauses: number[] = []
  const deps = {
    source: from,
    destination: to,
    moved(bytes: number) {
      moved += bytes
      least = Math.min(least, moved)
    },
    pause: async (ms: number) => void pauses.push(ms),
  }
  const result: CopyOutcome | DrayError = await copyObject(
    deps,
    entry ?? (await entryOf(from)),
    signal,
  ).catch((error: DrayError) => error)
  expect(bodies.map((body) => body.destroyed)).toEqual(bodies.map(() => true))
  expect(least).toBe(0)
  const copied = 'outcome' in result && result.outcome === 'copied'
  expect(moved).toBe(copied ? result.bytes : 0)
  return { result, pauses }
}

function pair(
  body: Uint8Array,
  change: { source?: Parameters<typeof spied>[1]; destination?: Parameters<typeof spied>[1] } = {},
) {
  const source = memoryStorage([['k', body]])
  const destination = memoryStorage([], { multipart: limits })
  const from = spied(source, change.source)
  const to = spied(destination, change.destination)
  return { source, destination, from: from.storage, to: to.storage, bodies: from.bodies }
}

const small = patterned(5_000)
const middling = patterned(3 * MiB, 2)
/** More than the destination takes in one write: it goes up in parts of a mebibyte. */
const large = patterned(4 * MiB + 5, 3)
const limits = { minPart: 1, maxPart: MiB, maxWrite: 4 * MiB }

const copied = (evidence: string) => ({ outcome: 'copied', evidence })

describe('between object stores', () => {
  it.each([
    ['an empty object', patterned(0)],
    ['a small object', small],
    ['an object of exactly a mebibyte', patterned(MiB)],
    ['a larger object, in one write', middling],
  ])('%s arrives whole, checked by the destination, with one read and one write', async (_, body) => {
    const sides = pair(body)
    const metadata = { headers: { 'content-type': 'a/b', expires: 'never' }, user: { a: '\xe9', mtime: 'x' } }
    sides.source.put('k', body, metadata)
    const { result } = await copy(sides)
    expect(result).toMatchObject(copied('store-verified'))
    expect(holds(sides.destination, body)).toBe(true)
    expect(sides.destination.objects.get(key)!.metadata).toEqual(metadata)
    expect([
      sides.source.requests.read,
      sides.source.requests.head,
      sides.destination.requests.write,
    ]).toEqual([1, 0, 1])
  })

  it('leaves a row that the next listings agree with', async () => {
    const sides = pair(middling)
    const { result } = await copy(sides)
    const { token, size, mtime } = await entryOf(sides.to)
    expect(result).toMatchObject({
      bytes: middling.length,
      row: { key, source: { token: md5(middling), size }, destination: { token, size, mtime } },
    })
  })

  it('an upload in parts goes up in the same parts, so that the ETags come out equal', async () => {
    const body = patterned(2 * MiB + 5)
    const etag = multipart(body, MiB)
    const sides = pair(body)
    sides.source.objects.set(key, { ...sides.source.objects.get(key)!, token: etag })
    const { result } = await copy(sides)
    expect(result).toMatchObject(copied('etag'))
    expect(sides.destination.objects.get(key)!.token).toBe(etag)
    expect(holds(sides.destination, body)).toBe(true)
  })

  it('an object with an opaque token is hashed on its way', async () => {
    const sides = pair(middling)
    sides.source.objects.set(key, { ...sides.source.objects.get(key)!, token: 'opaque' })
    expect((await copy(sides)).result).toMatchObject(copied('hashed'))
    expect(sides.destination.objects.get(key)!.token).toBe(md5(middling))
  })

  it('a source whose tokens only look like MD5s is found out, and its objects copied all the same', async () => {
    for (const body of [small, middling]) {
      const sides = pair(body)
      sides.source.objects.set(key, { ...sides.source.objects.get(key)!, token: '0'.repeat(32) })
      expect((await copy(sides)).result).toMatchObject(copied('store-verified'))
      expect(holds(sides.destination, body)).toBe(true)
    }
  })

  it('a destination whose tokens are no digests is read once', async () => {
    const opaque = (token: string) => (memory: MemoryStorage) => ({
      async write(...args: Parameters<Storage['write']>): Promise<Written> {
        await memory.write(...args)
        return { token, mtime: null }
      },
      read: (k: Key, { token: _, ...options }: Parameters<Storage['read']>[1]) => memory.read(k, options),
    })
    for (const token of ['0'.repeat(32), 'opaque']) {
      for (const body of [small, middling]) {
        const sides = pair(body, { destination: opaque(token) })
        const { result } = await copy(sides)
        expect(result).toMatchObject({ ...copied('full-read'), row: { destination: { token, mtime: null } } })
        expect(sides.destination.requests.read).toBe(1)
      }
    }
  })

  it('a store that says on the way that its tokens are no digests is believed from then on', async () => {
    const encrypted = (memory: MemoryStorage) => {
      let tokens: Storage['tokens'] = 'md5'
      const said = <T>(answer: T): T => {
        tokens = 'none'
        return answer
      }
      return {
        get tokens() {
          return tokens
        },
        async read(...args: Parameters<Storage['read']>) {
          return said(await memory.read(...args))
        },
        async write(...args: Parameters<Storage['write']>) {
          const { mtime } = await memory.write(...args)
          memory.objects.set(key, { ...memory.objects.get(key)!, token: '0'.repeat(32) })
          return said({ token: '0'.repeat(32), mtime })
        },
      }
    }
    for (const body of [small, middling]) {
      const sides = pair(body, { source: encrypted, destination: encrypted })
      sides.source.objects.set(key, { ...sides.source.objects.get(key)!, token: '1'.repeat(32) })
      expect((await copy(sides)).result).toMatchObject(copied('full-read'))
      expect([sides.source.requests.read, sides.destination.requests.read]).toEqual([1, 1])
      expect(sides.to.tokens).toBe('none')
    }
  })

  it('a body that the destination does not keep as it was sent is a bad digest, after some tries', async () => {
    const damaging = (memory: MemoryStorage) => ({
      async write(k: Key, body: Body): Promise<Written> {
        discard(await body.open(noSignal))
        return memory.putKey(k, Buffer.alloc(body.size, 'x'))
      },
    })
    const sides = pair(small, { destination: damaging })
    const { result } = await copy(sides)
    expect(result).toMatchObject({ outcome: 'failed', error: { code: 'bad-digest' } })
  })
})

describe('from a directory to an object store', () => {
  it('small files are checked by the store, larger ones hashed on their way', async () => {
    for (const [body, evidence] of [
      [small, 'store-verified'],
      [middling, 'hashed'],
    ] as const) {
      const sides = pair(body, { source: asFile() })
      expect((await copy(sides)).result).toMatchObject(copied(evidence))
      expect(holds(sides.destination, body)).toBe(true)
    }
  })

  it('large files go up in parts, four at a time, of the listed file', async () => {
    const sides = pair(large, { source: asFile() })
    let now = 0
    let most = 0
    const { part } = sides.to.multipart!
    sides.to.multipart!.part = async (...args) => {
      most = Math.max(most, ++now)
      return part.apply(sides.to.multipart, args).finally(() => now--)
    }
    expect((await copy(sides)).result).toMatchObject(copied('hashed'))
    expect(most).toBe(4)
    expect(sides.destination.objects.get(key)!.token).toBe(multipart(large, MiB))
    expect(holds(sides.destination, large)).toBe(true)
  })
})

describe('to a directory', () => {
  const toFile = (body: Uint8Array) => pair(body, { destination: asFile('9-9') })

  it('an MD5 is held against what was read, before the file is put in place', async () => {
    for (const body of [small, middling]) {
      const sides = toFile(body)
      expect((await copy(sides)).result).toMatchObject({
        ...copied('hashed'),
        row: { destination: { token: '9-9' } },
      })
      expect(holds(sides.destination, body)).toBe(true)
    }
  })

  it('bytes that the wire changed never get into place, and are read again', async () => {
    for (const body of [small, middling]) {
      const sides = toFile(body)
      sides.destination.put('k', 'what was there')
      let reads = 0
      const seen: (Uint8Array | undefined)[] = []
      sides.source.faults.body = function* (bytes) {
        seen.push(bytesIn(sides.destination))
        const damaged = Buffer.from(bytes)
        if (reads++ === 0) damaged[100]! ^= 1
        yield damaged
      }
      expect((await copy(sides)).result).toMatchObject(copied('hashed'))
      expect(seen.map((each) => Buffer.from(each!).toString())).toEqual(['what was there', 'what was there'])
      expect(holds(sides.destination, body)).toBe(true)
    }
  })

  it('tokens that only look like MD5s are found out by a second read', async () => {
    for (const retried of [false, true]) {
      const sides = toFile(middling)
      sides.source.objects.set(key, { ...sides.source.objects.get(key)!, token: '0'.repeat(32) })
      if (retried) sides.to = withRetry(sides.to, { attempts: 4, sleep: async () => {} })
      expect((await copy(sides)).result).toMatchObject(copied('hashed'))
      expect(sides.source.requests.read).toBe(2)
      expect(holds(sides.destination, middling)).toBe(true)
    }
  })

  it('an upload in parts is hashed in the parts that it was probably made of', async () => {
    const body = patterned(2 * MiB + 5)
    for (const [partSize, evidence] of [
      [MiB, 'hashed'],
      [MiB + 7, 'size+mtime'],
    ] as const) {
      const sides = toFile(body)
      const token = multipart(body, partSize)
      sides.source.objects.set(key, { ...sides.source.objects.get(key)!, token })
      expect((await copy(sides)).result).toMatchObject(copied(evidence))
    }
  })

  it('gets the mtime that is recorded, else LastModified', async () => {
    const sides = toFile(small)
    sides.source.put('k', small, { mtime: 1_600_000_000_250_000 })
    await copy(sides)
    expect(sides.destination.objects.get(key)!.metadata.user).toEqual({ mtime: '1600000000.25' })
  })

  it('the kernel is believed between two directories', async () => {
    for (const body of [small, middling]) {
      const sides = pair(body, { source: asFile(), destination: asFile('9-9') })
      expect((await copy(sides)).result).toMatchObject(copied('size+mtime'))
      expect(holds(sides.destination, body)).toBe(true)
    }
  })
})

describe('what cannot be copied', () => {
  it('is said without a request', async () => {
    const sides = pair(small, { destination: () => ({ unsupported: () => 'The name is reserved.' }) })
    const { result } = await copy(sides)
    const error = { code: 'unsupported-key', message: 'The name is reserved.' }
    expect(result).toMatchObject({ outcome: 'failed', error })
    expect([sides.source.requests.read, sides.destination.requests.write]).toEqual([0, 0])
  })

  it.each(['symlink', 'special'] as const)('is a %s', async (kind) => {
    const sides = pair(small)
    const { result } = await copy({ ...sides, entry: { ...(await entryOf(sides.from)), kind } })
    expect(result).toMatchObject({
      outcome: 'failed',
      error: { code: kind === 'special' ? 'special-file' : kind },
    })
  })

  it('is said with the store’s own error, and tried once where trying again is no use', async () => {
    const sides = pair(small)
    sides.source.faults.before = (op) => {
      if (op === 'read') throw new DrayError('archived', 'read', 'It must be restored first.')
    }
    expect((await copy(sides)).result).toMatchObject({ outcome: 'failed', error: { code: 'archived' } })
    expect(sides.source.requests.read).toBe(1)
  })
})

describe('an object that does not stay', () => {
  const cases = [
    ['small', small, 'md5'],
    ['streamed', middling, 'md5'],
    ['in parts', large, 'none'],
  ] as const

  it.each(cases)('and is gone (%s) has vanished', async (_, body, tokens) => {
    const sides = pair(body, tokens === 'none' ? { source: asFile() } : {})
    const entry = await entryOf(sides.from)
    sides.source.objects.clear()
    expect((await copy({ ...sides, entry })).result).toEqual({ outcome: 'vanished' })
    expect(sides.destination.objects.size).toBe(0)
  })

  it.each(cases.slice(0, 2))('and is another one now (%s) is copied as it is now', async (_, body) => {
    const sides = pair(body)
    const entry = await entryOf(sides.from)
    const newer = Buffer.concat([body, Buffer.from('newer')])
    sides.source.put('k', newer, { user: { v: '2' } })
    const { result } = await copy({ ...sides, entry })
    expect(result).toMatchObject({
      outcome: 'copied',
      bytes: newer.length,
      row: { source: { token: md5(newer) } },
    })
    expect(holds(sides.destination, newer)).toBe(true)
    expect(sides.destination.objects.get(key)!.metadata.user).toEqual({ v: '2' })
  })

  it('and changes between its parts is copied as it is now, and the first upload given up', async () => {
    const opaque = `${'0'.repeat(32)}-5`
    const sides = pair(large)
    const first = { ...sides.source.objects.get(key)!, token: opaque }
    const newer = patterned(large.length, 9)
    sides.source.objects.set(key, first)
    const aborted: string[] = []
    const { abort } = sides.to.multipart!
    sides.to.multipart!.abort = (k, upload, signal) => {
      aborted.push(upload)
      return abort.call(sides.to.multipart, k, upload, signal)
    }
    let reads = 0
    sides.source.faults.before = (op) => {
      if (op === 'read' && ++reads === 5)
        sides.source.objects.set(key, { ...first, body: newer, token: 'second' })
    }
    expect((await copy(sides)).result).toMatchObject({
      ...copied('hashed'),
      row: { source: { token: 'second' } },
    })
    expect(holds(sides.destination, newer)).toBe(true)
    expect(aborted).toEqual(['upload-1'])
  })

  it('and changes faster than it can be read is given up as changed', async () => {
    const sides = pair(small)
    let version = 0
    sides.source.faults.before = (op) => {
      if (op === 'read') sides.source.put('k', `version ${++version}`)
    }
    const { result, pauses } = await copy(sides)
    expect(result).toMatchObject({ outcome: 'failed', error: { code: 'changed' } })
    expect(version).toBe(4)
    expect(pauses).toHaveLength(3)
    expect(sides.destination.objects.size).toBe(0)
  })

  it('and vanishes while it is read again has vanished', async () => {
    const sides = pair(small)
    sides.source.faults.before = (op) => {
      if (op === 'read') sides.source.put('k', 'another')
      if (op === 'head') sides.source.objects.clear()
    }
    expect((await copy(sides)).result).toEqual({ outcome: 'vanished' })
  })
})

describe('a body that breaks', () => {
  const kinds = [
    ['small', small, {}],
    ['streamed', middling, {}],
    ['hashed on its way', middling, { source: asFile() }],
    ['in parts', large, { source: asFile() }],
    ['to a directory', middling, { destination: asFile() }],
    ['between directories', middling, { source: asFile(), destination: asFile() }],
  ] as const

  it.each(kinds)('never completes a write (%s)', async (_, body, change) => {
    for (const faults of [readBreaksAfter(1_000), readEndsAfter(1_000), readEndsAfter(0)]) {
      const sides = pair(body, change)
      sides.source.faults = faults
      const { result } = await copy(sides)
      expect(result).toMatchObject({ outcome: 'failed', error: { code: 'unreachable' } })
      expect(sides.destination.objects.size).toBe(0)
    }
  })

  it.each(kinds)('is read again from its beginning (%s)', async (_, body, change) => {
    const sides = pair(body, change)
    let reads = 0
    sides.source.faults.body = function* (bytes) {
      yield bytes.subarray(0, 1_000)
      if (reads++ === 0) throw new DrayError('unreachable', 'read', 'The connection broke.', { retry: 'now' })
      yield bytes.subarray(1_000)
    }
    expect((await copy(sides)).result).toMatchObject({ outcome: 'copied', bytes: body.length })
    expect(holds(sides.destination, body)).toBe(true)
  })

  it('is read again within the write where the destination is retried, and no more than that', async () => {
    const sides = pair(middling)
    sides.source.faults = readBreaksAfter(1_000)
    const to = withRetry(sides.to, { attempts: 4, sleep: async () => {} })
    expect((await copy({ ...sides, to })).result).toMatchObject({
      outcome: 'failed',
      error: { code: 'unreachable' },
    })
    expect(sides.source.requests.read).toBe(4)
  })

  it('that goes on past its size never completes a write', async () => {
    for (const [, body, change] of kinds) {
      const sides = pair(body, change)
      sides.source.faults.body = (bytes) => [bytes, Buffer.from('more')]
      expect((await copy(sides)).result).toMatchObject({ outcome: 'failed', error: { code: 'unreachable' } })
      expect(sides.destination.objects.size).toBe(0)
    }
  })
})

describe('a destination that fails', () => {
  it('is tried again, and then its error is the object’s', async () => {
    const sides = pair(middling)
    sides.destination.faults.before = () => {
      throw new DrayError('unreachable', 'write', 'Slow down.', { retry: 'later' })
    }
    const { result, pauses } = await copy(sides)
    expect(result).toMatchObject({ outcome: 'failed', error: { code: 'unreachable' } })
    expect([sides.destination.requests.write, pauses.length]).toEqual([4, 3])
  })

  it('in the middle of parts leaves no upload behind', async () => {
    const sides = pair(large, { source: asFile() })
    const open = new Set<string>()
    const { create, abort } = sides.to.multipart!
    Object.assign(sides.to.multipart!, {
      async create(...args: Parameters<typeof create>) {
        const upload = await create.apply(sides.to.multipart, args)
        open.add(upload)
        return upload
      },
      async abort(...args: Parameters<typeof abort>) {
        await abort.apply(sides.to.multipart, args)
        open.delete(args[1])
      },
    })
    let parts = 0
    sides.destination.faults.before = (op) => {
      if (op === 'part' && ++parts === 4) throw new DrayError('access-denied', 'part', 'No more.')
    }
    expect((await copy(sides)).result).toMatchObject({ outcome: 'failed', error: { code: 'access-denied' } })
    expect(open.size).toBe(0)
    expect(sides.destination.objects.size).toBe(0)
  })

  it('whose answer to the last request was lost has the object nevertheless', async () => {
    const sides = pair(large, { source: asFile() })
    const { complete } = sides.to.multipart!
    sides.to.multipart!.complete = async (...args) => {
      await complete.apply(sides.to.multipart, args)
      return complete.apply(sides.to.multipart, args)
    }
    expect((await copy(sides)).result).toMatchObject(copied('hashed'))
  })

  it('that keeps a part wrongly is sent it again', async () => {
    const sides = pair(large, { source: asFile() })
    const { part } = sides.to.multipart!
    const numbers: number[] = []
    sides.to.multipart!.part = async (k, upload, number, body, signal) => {
      const result = await part.call(sides.to.multipart, k, upload, number, body, signal)
      numbers.push(number)
      return numbers.length === 1 ? { ...result, token: '0'.repeat(32) } : result
    }
    expect((await copy(sides)).result).toMatchObject(copied('hashed'))
    expect(numbers.toSorted()).toEqual([1, 1, 2, 3, 4, 5])
  })

  it('whose tokens of parts are no digests is read once', async () => {
    const random = '0'.repeat(32)
    const sides = pair(large, {
      source: asFile(),
      destination: (memory) => ({
        multipart: {
          ...memory.multipart!,
          async part(...args) {
            return { ...(await memory.multipart!.part(...args)), token: random }
          },
          async complete(k, upload, parts, signal) {
            const bodies = parts.map(({ number }) => large.subarray((number - 1) * MiB, number * MiB))
            const real = parts.map((part, i) => ({ ...part, token: md5(bodies[i]!) }))
            const written = await memory.multipart!.complete(k, upload, real, signal)
            return { ...written, token: `${random}-5` }
          },
        },
        read: (k, { token: _, ...options }) => memory.read(k, options),
      }),
    })
    expect((await copy(sides)).result).toMatchObject(copied('full-read'))
  })
})

describe('an abort', () => {
  it.each([
    ['small', small, {}],
    ['streamed', middling, {}],
    ['in parts', large, { source: asFile() }],
    ['to a directory', middling, { destination: asFile() }],
  ] as const)('ends a copy as interrupted, and writes nothing (%s)', async (_, body, change) => {
    const sides = pair(body, change)
    const abort = new AbortController()
    sides.source.faults.body = async function* (bytes) {
      yield bytes.subarray(0, 1_000)
      abort.abort()
      await new Promise(() => {})
    }
    const { result } = await copy({ ...sides, signal: abort.signal })
    expect(result).toMatchObject({ code: 'interrupted' })
    expect(sides.destination.objects.size).toBe(0)
  })

  it('before a copy begins costs no request', async () => {
    const sides = pair(small)
    const deps = { source: sides.from, destination: sides.to, moved() {} }
    const error = await failure(copyObject(deps, await entryOf(sides.from), AbortSignal.abort()))
    expect(error.code).toBe('interrupted')
    expect(sides.source.requests.read).toBe(0)
  })
})

/** The ETag that S3 gives to an upload in such parts. */
function multipart(body: Uint8Array, partSize: number): string {
  const parts: Buffer[] = []
  for (let at = 0; at < body.length; at += partSize) {
    parts.push(
      createHash('md5')
        .update(body.subarray(at, at + partSize))
        .digest(),
    )
  }
  return `${md5(Buffer.concat(parts))}-${parts.length}`
}
