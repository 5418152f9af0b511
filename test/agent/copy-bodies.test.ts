/**
 * A copy's bytes, from one store to another: all of them as they were or nothing, over TLS and without, however slow the
 * destination is and wherever the source breaks off.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { type CopyDeps, copyObject } from '../../agent/copy.ts'
import type { RequestInfo } from '../../agent/s3-server/faults.ts'
import { type S3Server, startS3Server } from '../../agent/s3-server/s3-server.ts'
import { openS3Storage } from '../../agent/storage/s3/s3-storage.ts'
import type { Storage } from '../../agent/storage/storage.ts'
import { keyFromText } from '../../shared/key.ts'
import { listAll, noSignal, patterned } from '../storage/contract.ts'

const certificate = fileURLToPath(new URL('../support/localhost.pem', import.meta.url))
const pem = readFileSync(certificate)
const bucket = 'bucket'
const MiB = 1024 * 1024
const sizes = [0, 1, 65_535, 65_536, 65_537, MiB - 1, MiB, MiB + 1, 8 * MiB]

let source: S3Server
let destination: S3Server
let opaque: S3Server
const relays: Server[] = []
const opened: Storage[] = []

/** In front of a server: encrypted or not, and taking what comes in fits and starts. */
async function relayTo(server: S3Server, secure: boolean, stutters: boolean): Promise<string> {
  const take = (socket: Socket) => {
    const behind = connect(Number(server.url.port), server.url.hostname)
    for (const [one, other] of [
      [socket, behind],
      [behind, socket],
    ] as const)
      one.on('error', () => other.destroy()).on('close', () => other.destroy())
    behind.pipe(socket)
    let pieces = 0
    socket.on('data', (chunk) => {
      const isFull = !behind.write(chunk)
      const stops = stutters && ++pieces % 7 === 0 && pieces < 100
      if (!isFull && !stops) return
      socket.pause()
      // Long enough for both systems' buffers to fill.
      if (isFull) behind.once('drain', () => socket.resume())
      else setTimeout(() => socket.resume(), 2)
    })
    socket.on('end', () => behind.end())
  }
  const relay = secure ? createTlsServer({ key: pem, cert: pem }, take) : createServer(take)
  relay.listen(0, '127.0.0.1')
  relays.push(relay)
  await once(relay, 'listening')
  const { port } = relay.address() as AddressInfo
  return `${secure ? 'https' : 'http'}://127.0.0.1:${port}`
}

async function open(endpoint: string): Promise<Storage> {
  const location = {
    kind: 's3',
    bucket,
    prefix: '',
    endpoint,
    region: null,
    profile: null,
    site: null,
  } as const
  const storage = await openS3Storage(location, { connections: 8 })
  opened.push(storage)
  return storage
}

const entryOf = async (storage: Storage, key: string) =>
  (await storage.head(keyFromText(key), noSignal))!.entry
const held = async (server: S3Server, key: string) => {
  const object = [...server.objects(bucket)].find((each) => each.key === key)
  return Buffer.from((await object?.body()) ?? 'nothing')
}

function counting() {
  const counter = {
    sum: 0,
    moved(bytes: number) {
      counter.sum += bytes
    },
  }
  return counter
}

beforeAll(async () => {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTEST')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret of the test')
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  vi.stubEnv('AWS_CA_BUNDLE', certificate)
  const credentials = { AKIDTEST: 'secret of the test' }
  source = await startS3Server({ credentials })
  destination = await startS3Server({ credentials })
  opaque = await startS3Server({ credentials, etags: 'opaque' })
  for (const server of [source, destination, opaque]) server.createBucket(bucket)
  for (const size of sizes) await source.put(bucket, `${size} bytes`, patterned(size, size))
})
afterEach(() => {
  for (const server of [source, destination, opaque]) server.hooks = {}
})
afterAll(async () => {
  await Promise.all(opened.map((storage) => storage.close()))
  for (const relay of relays) relay.close()
  await Promise.all([source, destination, opaque].map((server) => server.stop()))
  vi.unstubAllEnvs()
})

describe.each([
  [false, false],
  [true, false],
  [false, true],
  [true, true],
])('objects (source over TLS: %s, slow destination over TLS: %s)', (fromSecure, toSecure) => {
  it('of every size arrive as they were, and are proved by the destination’s ETag', async () => {
    const from = await open(await relayTo(source, fromSecure, false))
    const to = await open(await relayTo(destination, toSecure, true))
    const counter = counting()
    const deps: CopyDeps = { source: from, destination: to, moved: counter.moved }
    const entries = (await listAll(from)).filter((entry) => entry.key.endsWith(' bytes'))
    expect(entries).toHaveLength(sizes.length)
    const outcomes = await Promise.all(entries.map((entry) => copyObject(deps, entry, noSignal)))
    expect(outcomes.map((each) => each.outcome === 'copied' && each.evidence)).toEqual(
      entries.map(() => 'store-verified'),
    )
    for (const size of sizes) {
      expect((await held(destination, `${size} bytes`)).equals(patterned(size, size)), String(size)).toBe(
        true,
      )
      await to.delete(keyFromText(`${size} bytes`), { signal: noSignal })
    }
    expect(counter.sum).toBe(sizes.reduce((sum, size) => sum + size, 0))
  })
})

describe('a destination whose ETags are no MD5s', () => {
  it('is taken at its word once it has refused a wrong MD5, and then asked nothing more', async () => {
    const [from, to] = [await open(source.url.origin), await open(opaque.url.origin)]
    const asked: string[] = []
    opaque.hooks = { beforeRequest: ({ operation }) => void asked.push(operation) }
    for (const size of [1, MiB, 8 * MiB]) {
      const entry = await entryOf(from, `${size} bytes`)
      const copied = await copyObject({ source: from, destination: to, moved() {} }, entry, noSignal)
      expect(copied).toMatchObject({ outcome: 'copied', evidence: 'store-verified' })
    }
    expect(asked).toEqual(['PutObject', 'PutObject', 'PutObject', 'PutObject'])
    expect([...opaque.objects(bucket)]).toHaveLength(3)
  })

  it('is read once more where it takes what it should refuse, and keeps nothing of the question', async () => {
    const [from, to] = [await open(source.url.origin), await open(opaque.url.origin)]
    // It never hears of an MD5: as good as a store that does not look.
    const forgetful: Storage = { ...to, refusesWrongMd5: async () => false }
    const entry = await entryOf(from, `${8 * MiB} bytes`)
    const copied = await copyObject({ source: from, destination: forgetful, moved() {} }, entry, noSignal)
    expect(copied).toMatchObject({ outcome: 'copied', evidence: 'full-read' })
  })
})

it('that answers with a token of no known form, and stores nothing, is not believed', async () => {
  const [from, to] = [await open(source.url.origin), await open(opaque.url.origin)]
  const silent: Storage = {
    ...to,
    refusesWrongMd5: async () => true,
    write: async () => ({ token: 'thanks', mtime: null }),
  }
  const entry = await entryOf(from, '1 bytes')
  const copied = await copyObject(
    { source: from, destination: silent, moved() {}, pause: async () => {} },
    entry,
    noSignal,
  )
  expect(copied).toMatchObject({ outcome: 'failed', error: { code: 'bad-digest' } })
})

describe('a source', () => {
  /** Its own store, so that nobody has learnt anything of it. */
  const pair = async (key: string, size: number) => {
    await source.put(bucket, key, patterned(size, 1))
    await destination.put(bucket, key, 'what was there before')
    const [from, to] = [await open(source.url.origin), await open(destination.url.origin)]
    const deps: CopyDeps = { source: from, destination: to, moved() {}, pause: async () => {} }
    return { deps, entry: await entryOf(from, key) }
  }
  const reading = (key: string) => (info: RequestInfo) => info.operation === 'GetObject' && info.key === key

  it.each([100_000, 8 * MiB])(
    'that breaks off in the middle of %i bytes leaves the destination as it was',
    async (size) => {
      const { deps, entry } = await pair('cut', size)
      const isMine = reading('cut')
      source.hooks = { beforeRequest: (info) => (isMine(info) ? { truncateAfter: size - 10 } : null) }
      const outcome = await copyObject(deps, entry, noSignal)
      expect(outcome).toMatchObject({ outcome: 'failed', error: { code: 'unreachable' } })
      expect((await held(destination, 'cut')).toString()).toBe('what was there before')
    },
  )

  it.each([100_000, 8 * MiB])('that breaks off once is read again, all %i bytes of it', async (size) => {
    const { deps, entry } = await pair('cut once', size)
    const isMine = reading('cut once')
    let cut = false
    source.hooks = {
      beforeRequest: (info) => {
        if (cut || !isMine(info)) return null
        cut = true
        return { truncateAfter: 50_000 }
      },
    }
    const counter = counting()
    expect(await copyObject({ ...deps, moved: counter.moved }, entry, noSignal)).toMatchObject({
      outcome: 'copied',
      bytes: size,
    })
    expect((await held(destination, 'cut once')).equals(patterned(size, 1))).toBe(true)
    expect(counter.sum).toBe(size)
  })

  it.each([100_000, 8 * MiB])(
    'that changes a bit of %i bytes on the way is found out, and read again',
    async (size) => {
      const { deps, entry } = await pair('bit', size)
      const isMine = reading('bit')
      let wrong = true
      source.hooks = {
        beforeRequest: (info) => {
          if (!wrong || !isMine(info)) return null
          wrong = false
          return { corruptAt: size - 1 }
        },
      }
      expect(await copyObject(deps, entry, noSignal)).toMatchObject({ outcome: 'copied' })
      expect((await held(destination, 'bit')).equals(patterned(size, 1))).toBe(true)
    },
  )

  it.each([100_000, 8 * MiB])(
    'that changes while %i bytes are read is copied as it is then',
    async (size) => {
      const { deps, entry } = await pair('changing', size)
      const isMine = reading('changing')
      let changed = false
      source.hooks = {
        beforeRequest: (info) => {
          if (changed || !isMine(info)) return null
          changed = true
          // This answer begins with what was there, and breaks off.
          queueMicrotask(() => void source.put(bucket, 'changing', 'another'))
          return { truncateAfter: 50_000 }
        },
      }
      expect(await copyObject(deps, entry, noSignal)).toMatchObject({ outcome: 'copied', bytes: 7 })
      expect((await held(destination, 'changing')).toString()).toBe('another')
    },
  )

  it.each([100_000, 8 * MiB])('that goes while %i bytes are read has vanished', async (size) => {
    const { deps, entry } = await pair('going', size)
    const isMine = reading('going')
    let reads = 0
    source.hooks = {
      beforeRequest: async (info) => {
        if (!isMine(info)) return null
        if (++reads > 1) return { status: 404, code: 'NoSuchKey' }
        return { truncateAfter: 50_000 }
      },
    }
    expect(await copyObject(deps, entry, noSignal)).toEqual({ outcome: 'vanished' })
    expect((await held(destination, 'going')).toString()).toBe('what was there before')
  })
})
