/** Objects in parts: where the source cut them, what proves them, and what a later attempt finds of an earlier one. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { copyObject } from '../../agent/copy.ts'
import { type Intents, openIntents } from '../../agent/intents.ts'
import { clearAway, tellOthers } from '../../agent/runner/leftovers.ts'
import { type MemoryStorage, memoryStorage } from '../../agent/storage/memory.ts'
import type { Storage } from '../../agent/storage/storage.ts'
import { sizesOf } from '../../shared/boundaries.ts'
import { DrayError } from '../../shared/error.ts'
import { keyFromText } from '../../shared/key.ts'
import { everything } from '../../shared/range.ts'
import { bodyOf, listAll, noSignal, patterned } from '../storage/contract.ts'

const dir = mkdtempSync(join(tmpdir(), 'dray-parts-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const MiB = 1024 * 1024
const key = keyFromText('k')
const none = { headers: {}, user: {} }
const limits = { minPart: 1, maxPart: 4 * MiB, maxWrite: 4 * MiB }

/** A source that holds `k` in parts of these sizes, and a destination. */
async function world(sizes: number[], options: { tells?: boolean; destination?: object } = {}) {
  const source = memoryStorage([], { multipart: { minPart: 1 } })
  const destination = memoryStorage([], { multipart: { ...limits, ...options.destination } })
  const body = patterned(sizes.reduce((sum, size) => sum + size, 0))
  await upload(source, body, sizes)
  if (options.tells === false) delete source.headPart
  const sent: number[] = []
  const { part } = destination.multipart!
  destination.multipart!.part = (k, id, number, ...rest) => {
    sent.push(number)
    return part.call(destination.multipart, k, id, number, ...rest)
  }
  for (const side of [source, destination]) for (const op of ['head', 'read'] as const) side.requests[op] = 0
  return { source, destination, body, sent, etag: source.objects.get(key)!.token }
}

async function upload(storage: MemoryStorage, body: Uint8Array, sizes: number[], metadata = none) {
  const id = await storage.multipart!.create(key, metadata, noSignal)
  const parts = []
  let at = 0
  for (const [i, size] of sizes.entries()) {
    const piece = bodyOf(Buffer.from(body.subarray(at, at + size)))
    parts.push(await storage.multipart!.part(key, id, i + 1, piece, noSignal))
    at += size
  }
  await storage.multipart!.complete(key, id, parts, noSignal)
}

interface Sides {
  source: Storage
  destination: Storage
  intents?: Intents
  signal?: AbortSignal
}
async function copy({ source, destination, intents, signal = noSignal }: Sides) {
  const [entry] = await listAll(source, everything)
  const deps = { source, destination, moved() {}, pause: async () => {}, ...(intents && { intents }) }
  return copyObject(deps, entry!, signal).catch((error: DrayError) => error)
}

async function openAt(storage: Storage) {
  const uploads = []
  for await (const page of storage.multipart!.uploads(keyFromText(''), noSignal)) uploads.push(...page)
  return uploads
}

const whole = ({ destination, body }: { destination: MemoryStorage; body: Uint8Array }) =>
  Buffer.compare(destination.objects.get(key)!.body, body) === 0

describe('the parts of a copy are the source’s', () => {
  it('where one HEAD tells all of them: two HEADs and a read a part', async () => {
    const sides = await world([100, 100, 100, 7])
    expect(await copy(sides)).toMatchObject({ outcome: 'copied', evidence: 'etag' })
    expect(sides.destination.objects.get(key)).toMatchObject({ token: sides.etag, parts: [100, 100, 100, 7] })
    expect(sides.source.requests).toMatchObject({ head: 2, read: 4 })
    expect(whole(sides)).toBe(true)
  })

  it.each([
    ['uneven', [10, 300, 20, 5]],
    ['one of a kind', [400]],
    ['two', [300, 100]],
    ['a small one first', [5, 100, 100]],
  ])('where they are %s', async (_, sizes) => {
    const sides = await world(sizes)
    expect(await copy(sides)).toMatchObject({ outcome: 'copied', evidence: 'etag' })
    expect(sides.destination.objects.get(key)).toMatchObject({ token: sides.etag, parts: sizes })
  })

  it('where the first one deceives: nothing is completed before the others were asked', async () => {
    const sides = await world([100, 120, 80, 90])
    const { complete } = sides.destination.multipart!
    let completed = 0
    sides.destination.multipart!.complete = (...args) => {
      completed++
      return complete.apply(sides.destination.multipart, args)
    }
    expect(await copy(sides)).toMatchObject({ outcome: 'copied', evidence: 'etag' })
    expect(sides.destination.objects.get(key)).toMatchObject({ token: sides.etag, parts: [100, 120, 80, 90] })
    expect(completed).toBe(1)
    expect(await openAt(sides.destination)).toEqual([])
  })

  it('where the store does not tell, as they most likely are', async () => {
    const sides = await world([MiB, MiB, 5], { tells: false })
    expect(await copy(sides)).toMatchObject({ outcome: 'copied', evidence: 'etag' })
    expect(sides.destination.objects.get(key)).toMatchObject({ token: sides.etag, parts: [MiB, MiB, 5] })
  })

  it('where the store tells what cannot be, they are guessed', async () => {
    const sides = await world([MiB, MiB, 5])
    const { headPart } = sides.source
    sides.source.headPart = async (...args) => ({ ...(await headPart!(...args))!, parts: 7 })
    expect(await copy(sides)).toMatchObject({ outcome: 'copied', evidence: 'etag' })
  })
})

describe('where the final ETag cannot be the source’s', () => {
  it('after a wrong guess, the source is read once more and the upload is right', async () => {
    const sides = await world([10, 300, 20, 5], { tells: false })
    expect(await copy(sides)).toMatchObject({ outcome: 'copied', evidence: 'hashed' })
    expect(whole(sides)).toBe(true)
    expect(sides.source.requests.read).toBe(8)
  })

  it('more than once, parts are hashed on their way from then on', async () => {
    const sides = await world([10, 300, 20, 5], { tells: false })
    await copy(sides)
    await copy(sides)
    sides.source.requests.read = 0
    expect(await copy(sides)).toMatchObject({ outcome: 'copied', evidence: 'hashed' })
    expect(sides.source.requests.read).toBe(4)
  })

  it('a destination that takes only equal parts gets them', async () => {
    const sides = await world([100_000, 3 * MiB, 2 * MiB])
    const { complete } = sides.destination.multipart!
    sides.destination.multipart!.complete = async (k, id, parts, ...rest) => {
      const [first, ...others] = parts.map(({ size }) => size)
      if (others.slice(0, -1).some((size) => size !== first)) {
        throw new DrayError(
          'invalid-request',
          'complete',
          'All non-trailing parts must have the same length.',
        )
      }
      return complete.call(sides.destination.multipart, k, id, parts, ...rest)
    }
    expect(await copy(sides)).toMatchObject({ outcome: 'copied', evidence: 'hashed' })
    expect(whole(sides)).toBe(true)
    expect(await openAt(sides.destination)).toEqual([])
  })
})

it('a part that the wire changed is found by the ETag, and is the only one that goes up again', async () => {
  const sides = await world([100, 100, 100, 7])
  let bodies = 0
  sides.source.faults.body = function* (bytes) {
    yield ++bodies === 3 ? bytes.map((byte, i) => (i === 50 ? byte ^ 1 : byte)) : bytes
  }
  expect(await copy(sides)).toMatchObject({ outcome: 'copied', evidence: 'etag' })
  expect(sides.sent).toHaveLength(5)
  expect(sides.destination.objects.get(key)!.token).toBe(sides.etag)
  expect(whole(sides)).toBe(true)
})

describe('an attempt that ended early', () => {
  let stores = 0
  const intentsOf = () => openIntents(join(dir, `${++stores}.sqlite`)).of('there')

  /** Copies until `parts` parts are up, and is interrupted then. */
  async function begin(sides: Awaited<ReturnType<typeof world>>, intents: Intents, parts: number) {
    const abort = new AbortController()
    const { part } = sides.destination.multipart!
    const begun: Promise<unknown>[] = []
    sides.destination.multipart!.part = async (...args) => {
      if (begun.length >= parts) {
        await Promise.all(begun)
        abort.abort()
        throw new DrayError('interrupted', 'part', 'It was interrupted.', { retry: 'later' })
      }
      const sending = part.apply(sides.destination.multipart, args)
      begun.push(sending)
      return sending
    }
    const result = await copy({ ...sides, intents, signal: abort.signal })
    sides.destination.multipart!.part = part
    expect(result).toMatchObject({ code: 'interrupted' })
  }

  it('is gone on with: no part goes up twice', async () => {
    const sides = await world(new Array(9).fill(50))
    const path = join(dir, 'resumed.sqlite')
    const store = openIntents(path)
    await begin(sides, store.of('there'), 4)
    expect(await openAt(sides.destination)).toHaveLength(1)
    store.close()

    const intents = openIntents(path).of('there')
    expect(await copy({ ...sides, intents })).toMatchObject({ outcome: 'copied', evidence: 'etag' })
    expect(sides.sent.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(whole(sides)).toBe(true)
    expect(intents.all()).toEqual([])
  })

  it('is gone on with where parts must be hashed: those that are there are read, not sent', async () => {
    const sides = await world([MiB])
    const body = patterned(5 * MiB, 9)
    sides.source.objects.set(key, { ...sides.source.put('k', body), token: 'opaque' })
    const small = {
      ...sides,
      body,
      destination: memoryStorage([], { multipart: { ...limits, maxPart: MiB } }),
    }
    const intents = intentsOf()
    await begin(small, intents, 2)
    let sent = 0
    const { part } = small.destination.multipart!
    small.destination.multipart!.part = (...args) => {
      sent++
      return part.apply(small.destination.multipart, args)
    }
    expect(await copy({ ...small, intents })).toMatchObject({ outcome: 'copied', evidence: 'hashed' })
    expect(sent).toBe(3)
    expect(whole(small)).toBe(true)
  })

  it('of an object that is another now is given up', async () => {
    const sides = await world(new Array(5).fill(50))
    const intents = intentsOf()
    await begin(sides, intents, 2)
    const other = patterned(240, 7)
    await upload(sides.source, other, [80, 80, 80])
    expect(await copy({ ...sides, intents })).toMatchObject({ outcome: 'copied', evidence: 'etag' })
    expect(whole({ ...sides, body: other })).toBe(true)
    expect([await openAt(sides.destination), intents.all()]).toEqual([[], []])
  })

  it('of an object with other metadata now is given up, since an upload keeps those that it began with', async () => {
    const sides = await world(new Array(5).fill(50))
    const intents = intentsOf()
    await begin(sides, intents, 2)
    const object = sides.source.objects.get(key)!
    const headers = { 'content-type': 'text/new' }
    sides.source.objects.set(key, { ...object, metadata: { headers, user: {} } })
    expect(await copy({ ...sides, intents })).toMatchObject({ outcome: 'copied' })
    expect(sides.destination.objects.get(key)!.metadata.headers).toEqual(headers)
    expect(await openAt(sides.destination)).toEqual([])
  })

  it('before it knew its upload’s id: that upload is aborted, and those of others are not', async () => {
    const sides = await world([100, 100])
    const intents = intentsOf()
    const { create } = sides.destination.multipart!
    const other = await create.call(sides.destination.multipart, key, none, noSignal)
    await sides.destination.multipart!.part(key, other, 1, bodyOf('x'), noSignal)
    sides.destination.multipart!.create = async (...args) => {
      await create.apply(sides.destination.multipart, args)
      throw new DrayError('interrupted', 'create', 'killed', { retry: 'never' })
    }
    await copy({ ...sides, intents })
    expect(await openAt(sides.destination)).toHaveLength(2)
    sides.destination.multipart!.create = create
    expect(await copy({ ...sides, intents })).toMatchObject({ outcome: 'copied', evidence: 'etag' })
    expect((await openAt(sides.destination)).map((each) => each.upload)).toEqual([other])
  })

  it('and whose upload somebody aborted begins again', async () => {
    const sides = await world(new Array(5).fill(50))
    const intents = intentsOf()
    await begin(sides, intents, 2)
    await sides.destination.multipart!.abort(key, intents.find(key)!.upload!, noSignal)
    expect(await copy({ ...sides, intents })).toMatchObject({ outcome: 'copied', evidence: 'etag' })
  })

  it.each([
    ['server-error', 'later', 1],
    ['access-denied', 'never', 0],
  ] as const)('as %s leaves what it has where trying again may help (%s)', async (code, retry, left) => {
    const sides = await world(new Array(5).fill(50))
    const intents = intentsOf()
    sides.destination.multipart!.complete = async () => {
      throw new DrayError(code, 'complete', 'No.', { retry })
    }
    expect(await copy({ ...sides, intents })).toMatchObject({ outcome: 'failed', error: { code } })
    expect(intents.all()).toHaveLength(left)
    expect(await openAt(sides.destination)).toHaveLength(left)
    expect(sides.sent.toSorted()).toEqual([1, 2, 3, 4, 5])
  })

  it('is cleared away by the next pass where its object is gone; what is of use, and what is not ours, stays', async () => {
    const sides = await world(new Array(5).fill(50))
    const events: { event: string; uploads?: unknown }[] = []
    const place = {
      migration: 'm',
      ...sides,
      intents: intentsOf(),
      log: (event: object) => void events.push(event as never),
    }
    const multipart = sides.destination.multipart!
    await begin(sides, place.intents, 2)
    await multipart.create(keyFromText('other'), none, noSignal)

    await clearAway(place, multipart, [], noSignal)
    await tellOthers(place, multipart, [], Date.now() + 1, noSignal)
    expect(await openAt(sides.destination)).toHaveLength(2)
    expect(events).toMatchObject([{ event: 'uploads-of-others', uploads: 1 }])

    sides.source.objects.delete(key)
    await clearAway(place, multipart, [], noSignal)
    expect((await openAt(sides.destination)).map((each) => each.key)).toEqual(['other'])
    expect(place.intents.all()).toEqual([])
  })
})

it('intents are found by the bytes of their keys, one for each', () => {
  const store = openIntents(join(dir, 'keys.sqlite'))
  const [here, there] = [store.of('here'), store.of('there')]
  const odd = '\xff\x00/' as typeof key
  const intent = {
    key: odd,
    source: { token: 't', size: 9, mtime: 5, version: null },
    boundaries: [[4, 2] as [number, number], [1, 1] as [number, number]],
    metadata: 'm',
    begun: 7,
    upload: null,
  }
  expect(here.all()).toEqual([])
  here.put(intent)
  here.put({ ...intent, begun: 8 })
  here.created(odd, 'u')
  expect(here.find(odd)).toEqual({ ...intent, begun: 8, upload: 'u' })
  expect(sizesOf(here.all()[0]!.boundaries)).toEqual([4, 4, 1])
  expect([there.find(odd), there.all()]).toEqual([null, []])
  here.drop(odd)
  expect(here.find(odd)).toBeNull()
})
