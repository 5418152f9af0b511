import { describe, expect, test } from 'vitest'
import { listFailsAfter, memoryStorage, readBreaksAfter, readEndsAfter } from '../../agent/storage/memory.ts'
import { DrayError } from '../../shared/error.ts'
import { keyFromText } from '../../shared/key.ts'
import { bytesOf, describeStorage, failure, get, listAll, noSignal } from './contract.ts'

describeStorage('memory storage', async () => ({
  storage: memoryStorage([], { multipart: { minPart: 100_000 } }),
  cleanup() {},
}))

describe('faults of the memory storage', () => {
  const filled = () =>
    memoryStorage(
      Array.from({ length: 10 }, (_, i) => [`k${i}`, 'x'.repeat(100)]),
      { pageSize: 3 },
    )

  test('a listing can fail after some pages', async () => {
    const storage = filled()
    storage.faults = listFailsAfter(2)
    const seen: string[] = []
    const walk = async () => {
      for await (const page of storage.list({ after: null, through: null }, { signal: noSignal }))
        seen.push(...page.map((e) => e.key))
    }
    expect((await failure(walk())).code).toBe('server-error')
    expect(seen).toHaveLength(6)
    storage.faults = {}
    expect(await listAll(storage)).toHaveLength(10)
    expect(storage.requests.list).toBe(3 + 4)
  })

  test('a page can be another one than it should be', async () => {
    const storage = filled()
    storage.faults = { page: (entries) => entries.reverse() }
    expect((await listAll(storage)).slice(0, 3).map((e) => e.key)).toEqual(['k2', 'k1', 'k0'])
  })

  test('a body can break, and can end too soon', async () => {
    const storage = filled()
    storage.faults = readBreaksAfter(10)
    expect((await failure(get(storage, 'k0'))).code).toBe('unreachable')
    storage.faults = readEndsAfter(10)
    expect(await get(storage, 'k0')).toHaveLength(10)
  })

  test('a request can fail, and can be held', async () => {
    const storage = memoryStorage([['a', 'b']])
    const key = keyFromText('a')
    storage.faults = {
      before(op, key) {
        if (op === 'head') throw new DrayError('throttled', `head ${key}`, 'Slow down.', { retry: 'later' })
        if (op === 'read') return new Promise(() => {})
      },
    }
    expect((await failure(storage.head(key, noSignal))).code).toBe('throttled')
    const controller = new AbortController()
    const reading = storage.read(key, { signal: controller.signal })
    controller.abort()
    expect((await failure(reading)).code).toBe('interrupted')
    storage.faults = {}
    expect((await bytesOf((await storage.read(key, { signal: noSignal }))!)).toString()).toBe('b')
  })
})
