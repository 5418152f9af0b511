/** One large object, copied by several agents through a real control plane. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { memoryStorage } from '../../agent/storage/memory.ts'
import type { Storage } from '../../agent/storage/storage.ts'
import { DrayError } from '../../shared/error.ts'
import { keyFromText } from '../../shared/key.ts'
import { bodyOf, noSignal, patterned } from '../storage/contract.ts'
import { type Plane, startPlane } from '../support/plane.ts'
import { type FaultProxy, startProxy } from './proxy.ts'
import { many, openWorld, type World } from './world.ts'

let plane: Plane
/** One whose leases are short. */
let hasty: Plane
const worlds: World[] = []
const proxies: FaultProxy[] = []

beforeAll(async () => {
  ;[plane, hasty] = await Promise.all([startPlane(), startPlane({ leaseMs: 1_500 })])
})
afterEach(async () => {
  await Promise.all(worlds.splice(0).map((world) => world.close()))
  await Promise.all(proxies.splice(0).map((proxy) => proxy.stop()))
})
afterAll(() => Promise.all([plane.stop(), hasty.stop()]))

const key = keyFromText('m-large')
const none = { headers: { 'content-type': 'video/mp4' }, user: { a: '1' } }
const partBytes = 100_000
/** Five packets of parts, at four parts each. */
const partSizes = new Array<number>(20).fill(partBytes)
const packetBytes = 4 * partBytes

async function upload(storage: Storage, body: Buffer, sizes: readonly number[]) {
  const multipart = storage.multipart!
  const id = await multipart.create(key, none, noSignal)
  const parts = []
  let at = 0
  for (const [i, size] of sizes.entries()) {
    parts.push(await multipart.part(key, id, i + 1, bodyOf(body.subarray(at, at + size)), noSignal))
    at += size
  }
  await multipart.complete(key, id, parts, noSignal)
}

/** A world with a large object, some small ones around it, and account of which agent sent which part. */
async function open(options: { on?: Plane; sizes?: readonly number[]; small?: number } = {}) {
  const limits = { minPart: 1, maxPart: partBytes, maxWrite: 1024 * 1024 }
  const source = memoryStorage(many(options.small ?? 20), { multipart: limits })
  const sizes = options.sizes ?? partSizes
  const body = patterned(
    sizes.reduce((sum, size) => sum + size, 0),
    3,
  )
  await upload(source, body, sizes)
  const destination = memoryStorage([], { multipart: limits })
  const world = await openWorld(options.on ?? plane, { source, destination })
  worlds.push(world)

  const sent: { agent: string; number: number }[] = []
  /** Called before each part is sent; waits, or throws. */
  const hooks: { part(agent: string, number: number): void | Promise<void> } = { part() {} }
  async function agent(id: string, more: Parameters<World['agent']>[0] = {}) {
    const watched: Storage = Object.defineProperties({ ...destination }, Object.getOwnPropertyDescriptors({}))
    Object.defineProperty(watched, 'multipart', {
      value: {
        ...destination.multipart!,
        async part(...args: Parameters<NonNullable<Storage['multipart']>['part']>) {
          await hooks.part(id, args[2])
          const part = await destination.multipart!.part(...args)
          sent.push({ agent: id, number: args[2] })
          return part
        },
      },
    })
    return world.agent({
      id,
      packetBytes,
      openStorage: async (location) =>
        location.kind === 's3' && location.bucket === 'source' ? source : watched,
      ...more,
    })
  }
  const isWhole = () => Buffer.compare(Buffer.from(destination.objects.get(key)!.body), body) === 0
  const openUploads = async () => {
    const all = []
    for await (const page of destination.multipart!.uploads(keyFromText(''), noSignal)) all.push(...page)
    return all
  }
  return { world, source, destination, body, sent, hooks, agent, isWhole, openUploads }
}

const numbers = (sent: readonly { number: number }[]) =>
  sent.map(({ number }) => number).sort((a, b) => a - b)
const all = partSizes.map((_, i) => i + 1)

describe('a large object', () => {
  it('is copied by all agents, in the source’s parts, and counted once', async () => {
    const { world, sent, agent, hooks, source, destination, isWhole, openUploads } = await open()
    const [a, b] = [await agent('a', { concurrency: 8 }), await agent('b', { concurrency: 8 })]
    // Nobody goes on before both have begun.
    const begun = new Map(['a', 'b'].map((id) => [id, Promise.withResolvers<void>()]))
    hooks.part = async (id) => {
      begun.get(id)!.resolve()
      await Promise.all([...begun.values()].map(({ promise }) => promise))
    }
    const ends = [a.next('pass-ended'), b.next('pass-ended')]
    const { number } = await world.start()
    await Promise.all(ends)
    const pass = await world.status(number)
    expect(pass).toMatchObject({ state: 'complete', inFlight: { bytes: 0 } })
    expect(pass.counts.objects).toMatchObject({ listed: 21, copied: 21 })
    expect(pass.counts.evidence).toMatchObject({ etag: 1 })
    expect(numbers(sent)).toEqual(all)
    expect(new Set(sent.map((each) => each.agent))).toEqual(new Set(['a', 'b']))
    const { token, metadata, parts } = destination.objects.get(key)!
    expect({ token, metadata }).toEqual({ token: source.objects.get(key)!.token, metadata: none })
    expect(parts).toEqual(partSizes)
    expect(isWhole()).toBe(true)
    expect(await openUploads()).toEqual([])
    const lines = await world.report(number)
    expect(lines.filter((line) => line.key === key)).toMatchObject([{ outcome: 'copied', bytes: 2_000_000 }])
  })
})

describe('a large object whose copy is disturbed', () => {
  it.each(['create', 'complete'] as const)(
    'by the loss of an agent right after its %s is finished by another one',
    async (verb) => {
      const { world, destination, sent, agent, isWhole, openUploads } = await open({ on: hasty, small: 3 })
      const proxy = await startProxy(hasty.url)
      proxies.push(proxy)
      const stuck = Promise.withResolvers<void>()
      const multipart = destination.multipart!
      const act = multipart[verb] as (...args: unknown[]) => Promise<unknown>
      let times = 0
      Object.assign(multipart, {
        async [verb](...args: unknown[]) {
          const result = await act.apply(multipart, args)
          if (++times > 1) return result
          stuck.resolve()
          return new Promise(() => {})
        },
      })
      await agent('lost', { url: proxy.url })
      const { number } = await world.start()
      await stuck.promise
      proxy.close()
      await (await agent('other')).next('pass-ended')
      const pass = await world.status(number)
      expect(pass).toMatchObject({ state: 'complete' })
      expect(pass.counts.objects).toMatchObject({ listed: 4, failed: 0 })
      expect(numbers(sent)).toEqual(all)
      expect(times).toBe(verb === 'create' ? 2 : 1)
      expect(isWhole()).toBe(true)
      expect(await openUploads()).toEqual([])
    },
  )

  it('by the loss of an agent is finished by another one, and no part that was there goes up again', async () => {
    const { world, sent, agent, hooks, isWhole, openUploads } = await open({ on: hasty })
    const proxy = await startProxy(hasty.url)
    proxies.push(proxy)
    const stuck = Promise.withResolvers<void>()
    let theirs = 0
    hooks.part = (id) => {
      if (id !== 'lost' || ++theirs <= 6) return
      stuck.resolve()
      return new Promise(() => {})
    }
    await agent('lost', { url: proxy.url, concurrency: 8 })
    const { number } = await world.start()
    await stuck.promise
    proxy.close()
    const before = sent.length
    const other = await agent('other')
    await other.next('pass-ended')
    const pass = await world.status(number)
    expect(pass).toMatchObject({ state: 'complete' })
    expect(pass.counts.objects).toMatchObject({ listed: 21, failed: 0 })
    expect(before).toBeGreaterThan(0)
    expect(before).toBeLessThanOrEqual(6)
    expect(numbers(sent)).toEqual(all)
    expect(isWhole()).toBe(true)
    expect(await openUploads()).toEqual([])
  })

  it('by a change of the source is begun again, and the first upload aborted', async () => {
    const { world, source, destination, agent, hooks, openUploads } = await open()
    const other = patterned(1_500_000, 8)
    let parts = 0
    hooks.part = async () => {
      if (++parts === 7) await upload(source, other, new Array<number>(15).fill(partBytes))
    }
    const a = await agent('a')
    const pass = await world.pass(a)
    expect(pass).toMatchObject({ state: 'complete' })
    expect(pass.counts.objects).toMatchObject({ listed: 21, copied: 21 })
    expect(Buffer.from(destination.objects.get(key)!.body).equals(other)).toBe(true)
    expect(await openUploads()).toEqual([])
  })

  it('by its deletion at the source leaves nothing', async () => {
    const { world, source, destination, agent, hooks, openUploads } = await open()
    hooks.part = () => void source.objects.delete(key)
    const pass = await world.pass(await agent('a'))
    expect(pass).toMatchObject({ state: 'complete' })
    expect(pass.counts.objects).toMatchObject({ listed: 20, copied: 20 })
    expect(destination.objects.has(key)).toBe(false)
    expect(await openUploads()).toEqual([])
  })

  it('by somebody who aborts its upload is begun again', async () => {
    const { world, destination, agent, hooks, isWhole, openUploads } = await open()
    let parts = 0
    hooks.part = async () => {
      if (++parts !== 7) return
      for (const each of await openUploads()) {
        await destination.multipart!.abort(each.key, each.upload, noSignal)
      }
    }
    const pass = await world.pass(await agent('a'))
    expect(pass).toMatchObject({ state: 'complete' })
    expect(pass.counts.objects).toMatchObject({ listed: 21, copied: 21 })
    expect(isWhole()).toBe(true)
    expect(await openUploads()).toEqual([])
  })

  it('by the end of its pass is gone on with by the next: no part goes up twice', async () => {
    const { world, sent, agent, hooks, isWhole, openUploads } = await open()
    let parts = 0
    hooks.part = () => {
      if (++parts > 11) throw new DrayError('access-denied', 'part', 'No.', { retry: 'never' })
    }
    const a = await agent('a')
    expect(await world.pass(a)).toMatchObject({ state: 'incomplete' })
    expect(await openUploads()).toHaveLength(1)
    const before = sent.length
    hooks.part = () => {}
    const pass = await world.pass(a)
    expect(pass).toMatchObject({ state: 'complete' })
    expect(pass.counts.objects).toMatchObject({ listed: 21, copied: 1, same: 20 })
    expect(before).toBeGreaterThan(0)
    expect(before).toBeLessThanOrEqual(11)
    expect(numbers(sent)).toEqual(all)
    expect(isWhole()).toBe(true)
    expect(await openUploads()).toEqual([])
  })

  it('by its deletion between two passes leaves nothing either', async () => {
    const { world, source, agent, hooks, openUploads } = await open()
    hooks.part = (_, number) => {
      if (number > 9) throw new DrayError('access-denied', 'part', 'No.', { retry: 'never' })
    }
    const a = await agent('a')
    expect(await world.pass(a)).toMatchObject({ state: 'incomplete' })
    expect(await openUploads()).toHaveLength(1)
    source.objects.delete(key)
    expect(await world.pass(a)).toMatchObject({ state: 'complete' })
    expect(await openUploads()).toEqual([])
    const cleared = a.events.filter(({ event }) => event === 'upload-aborted')
    expect(cleared).toHaveLength(1)
    await world.pass(a)
    expect(a.events.filter(({ event }) => event === 'upload-aborted')).toHaveLength(1)
  })

  it('by another content of the source between two passes begins anew, and aborts what was left', async () => {
    const { world, source, destination, agent, hooks, openUploads } = await open()
    hooks.part = (_, number) => {
      if (number > 9) throw new DrayError('access-denied', 'part', 'No.', { retry: 'never' })
    }
    const a = await agent('a')
    expect(await world.pass(a)).toMatchObject({ state: 'incomplete' })
    hooks.part = () => {}
    const other = patterned(1_900_000, 8)
    await upload(source, other, new Array<number>(19).fill(partBytes))
    expect(await world.pass(a)).toMatchObject({ state: 'complete' })
    expect(Buffer.from(destination.objects.get(key)!.body).equals(other)).toBe(true)
    expect(await openUploads()).toEqual([])
  })
})

it('a large object whose ETag proves nothing is hashed by all agents, and proved by what each of them read', async () => {
  const { world, source, destination, sent, agent, isWhole } = await open()
  const object = source.objects.get(key)!
  source.objects.set(key, { ...object, token: 'opaque' })
  const pass = await world.pass(await agent('a'))
  expect(pass).toMatchObject({ state: 'complete' })
  expect(pass.counts.evidence).toMatchObject({ hashed: 1 })
  expect(numbers(sent)).toEqual(all)
  expect(destination.objects.get(key)!.parts).toEqual(partSizes)
  expect(isWhole()).toBe(true)
})

it('a large object at a destination whose ETags prove nothing is read there, and held to what was sent', async () => {
  const { world, destination, agent, isWhole } = await open()
  const { multipart } = destination
  const { part, complete, list } = multipart!
  const real = new Map<number, string>()
  const opaque = (number: number) => number.toString(16).padStart(32, 'f')
  Object.assign(multipart!, {
    async part(...args: Parameters<typeof part>) {
      const made = await part.apply(multipart, args)
      real.set(made.number, made.token)
      return { ...made, token: opaque(made.number) }
    },
    async *list(...args: Parameters<typeof list>) {
      for await (const page of list.apply(multipart, args)) {
        yield page.map((each) => ({ ...each, token: opaque(each.number) }))
      }
    },
    async complete(...[k, id, parts, ...rest]: Parameters<typeof complete>) {
      const asMade = parts.map((each) => ({ ...each, token: real.get(each.number)! }))
      const written = await complete.call(multipart, k, id, asMade, ...rest)
      const object = destination.objects.get(key)!
      destination.objects.set(key, { ...object, token: `${opaque(99)}-20` })
      return { ...written, token: `${opaque(99)}-20` }
    },
  })
  Object.defineProperty(destination, 'tokens', { value: 'none' })
  const pass = await world.pass(await agent('a'))
  expect(pass).toMatchObject({ state: 'complete' })
  expect(pass.counts.evidence).toMatchObject({ 'full-read': 1 })
  expect(isWhole()).toBe(true)
})
