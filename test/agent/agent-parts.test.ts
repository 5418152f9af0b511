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
const partBytes = 10_000
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
  const limits = { minPart: 1, maxPart: partBytes * 10, maxWrite: partBytes * 10 }
  const source = memoryStorage(many(options.small ?? 20), { multipart: limits })
  const sizes = options.sizes ?? partSizes
  const body = patterned(sizes.reduce((sum, size) => sum + size, 0), 3)
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

const numbers = (sent: readonly { number: number }[]) => sent.map(({ number }) => number).sort((a, b) => a - b)
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
    expect(lines.filter((line) => line.key === key)).toMatchObject([{ outcome: 'copied', bytes: 200_000 }])
  })
})
