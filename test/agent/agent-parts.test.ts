/** One large object, copied by several agents through a real control plane. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { DrayError } from '../../shared/error.ts'
import { noSignal, patterned } from '../storage/contract.ts'
import { type Plane, startPlane } from '../support/plane.ts'
import {
  all,
  metadata as given,
  key,
  type LargeOptions,
  numbers,
  openLarge,
  partBytes,
  partSizes,
  upload,
} from './large-world.ts'
import { type FaultProxy, startProxy } from './proxy.ts'
import type { World } from './world.ts'

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

/** Closed when its test ends. */
async function open(options: LargeOptions & { on?: Plane } = {}) {
  const large = await openLarge(options.on ?? plane, options)
  worlds.push(large.world)
  return large
}

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
    expect({ token, metadata }).toEqual({ token: source.objects.get(key)!.token, metadata: given })
    expect(parts).toEqual(partSizes)
    expect(isWhole()).toBe(true)
    expect(await openUploads()).toEqual([])
    const lines = await world.report(number)
    expect(lines.filter((line) => line.key === key)).toMatchObject([{ outcome: 'copied', bytes: 2_000_000 }])
  })
})

describe('a large object whose copy is disturbed', () => {
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
