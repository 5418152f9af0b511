/** A world with one large object among small ones, agents that take it in small packets, and account of who sent which part. */
import { memoryStorage } from '../../agent/storage/memory.ts'
import type { Storage } from '../../agent/storage/storage.ts'
import { keyFromText } from '../../shared/key.ts'
import { bodyOf, noSignal, patterned } from '../storage/contract.ts'
import type { Plane } from '../support/plane.ts'
import { many, openWorld, type World } from './world.ts'

export const key = keyFromText('m-large')
export const metadata = { headers: { 'content-type': 'video/mp4' }, user: { a: '1' } }
export const partBytes = 100_000
/** Five packets of parts, at four parts each. */
export const partSizes = new Array<number>(20).fill(partBytes)
const packetBytes = 4 * partBytes

export async function upload(storage: Storage, body: Buffer, sizes: readonly number[]) {
  const multipart = storage.multipart!
  const id = await multipart.create(key, metadata, noSignal)
  const parts = []
  let at = 0
  for (const [i, size] of sizes.entries()) {
    parts.push(await multipart.part(key, id, i + 1, bodyOf(body.subarray(at, at + size)), noSignal))
    at += size
  }
  await multipart.complete(key, id, parts, noSignal)
}

export interface LargeOptions {
  sizes?: readonly number[]
  /** Objects around it. */
  small?: number
}

export async function openLarge(plane: Plane, options: LargeOptions = {}) {
  const limits = { minPart: 1, maxPart: partBytes, maxWrite: 1024 * 1024 }
  const source = memoryStorage(many(options.small ?? 20), { multipart: limits })
  const sizes = options.sizes ?? partSizes
  const body = patterned(
    sizes.reduce((sum, size) => sum + size, 0),
    3,
  )
  await upload(source, body, sizes)
  const destination = memoryStorage([], { multipart: limits })
  const world = await openWorld(plane, { source, destination })

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

export const numbers = (sent: readonly { number: number }[]) =>
  sent.map(({ number }) => number).sort((a, b) => a - b)
/** The numbers of all parts. */
export const all = partSizes.map((_, i) => i + 1)
