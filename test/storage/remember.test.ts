import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { listFailsAfter, memoryStorage } from '../../agent/storage/memory.ts'
import { rememberListings } from '../../agent/storage/remember.ts'
import type { Storage } from '../../agent/storage/storage.ts'
import { DrayError } from '../../shared/error.ts'
import { type Key, keyFromText } from '../../shared/key.ts'
import { contains, everything, type Range } from '../../shared/range.ts'
import { failure, listAll, noSignal } from './contract.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'dray-remember-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const keyOf = (i: number) => keyFromText(`k${String(i).padStart(5, '0')}`)
const filled = (count: number, pageSize = 10) =>
  memoryStorage(
    Array.from({ length: count }, (_, i) => [keyOf(i), 'x'] as const),
    { pageSize, walks: true },
  )
const remember = (storage: Storage, maxBytes = 1 << 30) => rememberListings(storage, { dir, maxBytes })
const between = (after: number, through: number): Range => ({ after: keyOf(after), through: keyOf(through) })
const keysIn = async (storage: Storage, range: Range, fresh = false) =>
  (await listAll(storage, range, fresh)).map((e) => e.key)
const keys = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => keyOf(from + i))
const spilled = async () => (await readdir(dir)).length

test('a survey and all its packets cost one walk', async () => {
  const storage = filled(100)
  const listing = remember(storage)
  expect(await keysIn(listing, everything)).toEqual(keys(0, 100))
  expect(storage.requests.list).toBe(10)
  for (let i = 0; i < 99; i += 7)
    expect(await keysIn(listing, between(i, i + 7))).toEqual(keys(i + 1, Math.min(100, i + 8)))
  expect(await listAll(listing)).toEqual(await listAll(storage))
  expect(storage.requests.list).toBe(20)
})

test('a change since then shows in a fresh listing only', async () => {
  const storage = filled(20)
  const listing = remember(storage)
  await listAll(listing)
  storage.objects.delete(keyOf(3))
  expect(await keysIn(listing, everything)).toHaveLength(20)
  expect(await keysIn(listing, everything, true)).toHaveLength(19)
})

test('walks no further than anybody asked', async () => {
  const storage = filled(1000)
  const listing = remember(storage)
  expect(await keysIn(listing, between(100, 105))).toEqual(keys(101, 106))
  expect(storage.requests.list).toBe(1)
  expect(await keysIn(listing, between(105, 130))).toEqual(keys(106, 131))
  expect(storage.requests.list).toBe(3)
})

test('a walker that somebody left goes on for the next who comes', async () => {
  const storage = filled(100)
  const listing = remember(storage)
  for await (const _ of listing.list(everything, { signal: noSignal })) break
  expect(await keysIn(listing, between(35, 45))).toEqual(keys(36, 46))
  expect(await keysIn(listing, everything)).toEqual(keys(0, 100))
  expect(storage.requests.list).toBe(10)
})

test('a range before everything that is remembered begins a walk of its own', async () => {
  const storage = filled(100)
  const listing = remember(storage)
  expect(await keysIn(listing, between(49, 59))).toEqual(keys(50, 60))
  expect(await keysIn(listing, between(9, 69))).toEqual(keys(10, 70))
  // The second walk came as far as the first one began, and only one of the two went on from there.
  expect(storage.requests.list).toBe(6)
})

test('many at once share the walk, wherever each of them is', async () => {
  const storage = filled(200)
  const listing = remember(storage)
  const ranges = Array.from({ length: 20 }, (_, i) => between(i * 10 - (i > 0 ? 1 : 0), i * 10 + 15))
  const found = await Promise.all([everything, everything, ...ranges].map((range) => keysIn(listing, range)))
  expect(found[0]).toEqual(keys(0, 200))
  expect(found[1]).toEqual(keys(0, 200))
  for (const [i, range] of ranges.entries()) {
    expect(found[i + 2]).toEqual(keys(0, 200).filter((key) => contains(range, key)))
  }
  expect(storage.requests.list).toBeLessThanOrEqual(21)
})

test('who is interrupted leaves the walk to the others', async () => {
  const storage = filled(100)
  const listing = remember(storage)
  let letGo = () => {}
  const held = new Promise<void>((resolve) => {
    letGo = resolve
  })
  storage.faults = { before: () => held }
  const controller = new AbortController()
  const one = listing.list(everything, { signal: controller.signal })[Symbol.asyncIterator]().next()
  const other = keysIn(listing, everything)
  controller.abort()
  expect((await failure(one)).code).toBe('interrupted')
  letGo()
  expect(await other).toEqual(keys(0, 100))
  expect(storage.requests.list).toBe(10)
})

test('an error of the walk reaches everybody who waits, and the next one walks anew', async () => {
  const storage = filled(100)
  const listing = remember(storage)
  storage.faults = listFailsAfter(3)
  const failures = await Promise.all([1, 2, 3].map(() => failure(keysIn(listing, everything))))
  expect(failures.map((error) => error.code)).toEqual(['server-error', 'server-error', 'server-error'])
  // Never taken for its end.
  expect((await failure(keysIn(listing, everything))).code).toBe('server-error')
  storage.faults = {}
  expect(await keysIn(listing, everything)).toEqual(keys(0, 100))
})

test('an error that nobody waited for is not taken for the end', async () => {
  const storage = filled(100)
  const listing = remember(storage)
  let fail = () => {}
  const held = new Promise<void>((_, reject) => {
    fail = () => reject(new DrayError('io', 'list', 'The disk failed.'))
  })
  storage.faults = { page: (entries, number) => (number < 3 ? entries : held.then(() => entries)) }
  const controller = new AbortController()
  const listed: Key[] = []
  const walk = async () => {
    for await (const page of listing.list(everything, { signal: controller.signal })) {
      listed.push(...page.map((e) => e.key))
      if (listed.length === 30) setImmediate(() => controller.abort())
    }
  }
  expect((await failure(walk())).code).toBe('interrupted')
  fail()
  await held.catch(() => {})
  storage.faults = {}
  expect(await keysIn(listing, everything)).toEqual(keys(0, 100))
})

test('a listing out of order is an error, and no key of it is lost in silence', async () => {
  const storage = filled(30)
  storage.faults = { page: (entries, number) => (number === 1 ? entries.reverse() : entries) }
  expect((await failure(keysIn(remember(storage), everything))).code).toBe('unordered')
})

test('what is spilled stays within its bound, and what had to go is walked again', async () => {
  const storage = filled(5000, 100)
  const listing = remember(storage, 1)
  expect(await keysIn(listing, everything)).toEqual(keys(0, 5000))
  expect(await spilled()).toBe(0)
  expect(await keysIn(listing, between(7, 300))).toEqual(keys(8, 301))
  const all = await Promise.all(
    [everything, between(5, 700), between(690, 4000)].map((r) => keysIn(listing, r)),
  )
  expect(all.map((found) => found.length)).toEqual([5000, 695, 3310])
})

test('closing ends every walk and removes its files', async () => {
  const storage = filled(100)
  const listing = remember(storage)
  for await (const _ of listing.list(everything, { signal: noSignal })) break
  expect(await spilled()).toBe(1)
  await listing.close()
  expect(await spilled()).toBe(0)
  expect((await failure(keysIn(listing, everything))).code).toBe('interrupted')
})

test('bytes above ASCII and every field of an entry come back', async () => {
  const storage = memoryStorage([], { walks: true })
  storage.putKey('f\xff\x01"\n' as Key, 'x', { mtime: -1 })
  storage.put('日本', 'y')
  const listing = remember(storage)
  await listAll(listing)
  const again = await listAll(listing)
  expect(storage.requests.list).toBe(1)
  expect(again).toEqual(await listAll(storage))
})

test('any ranges in any order, some left early, tell what a listing tells', async () => {
  const place = fc.option(fc.integer({ min: -1, max: 61 }), { nil: null })
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.integer({ min: 0, max: 60 })),
      fc.array(fc.tuple(place, place, fc.integer({ min: 1, max: 9 }), fc.boolean()), { maxLength: 12 }),
      fc.constantFrom(1, 400, 1 << 20),
      async (numbers, asks, maxBytes) => {
        const storage = memoryStorage(
          numbers.map((i) => [keyOf(i), 'x'] as const),
          { pageSize: 4, walks: true },
        )
        const listing = remember(storage, maxBytes)
        const sorted = numbers.map(keyOf).sort()
        const at = (n: number | null) => (n === null ? null : n < 0 ? ('' as Key) : keyOf(n))
        const ask = async ([after, through, pages, early]: (typeof asks)[number]) => {
          const range = { after: at(after), through: at(through) }
          const found: Key[] = []
          let left = early ? pages : Number.POSITIVE_INFINITY
          for await (const page of listing.list(range, { signal: noSignal })) {
            found.push(...page.map((e) => e.key))
            if (--left <= 0) break
          }
          const wanted = sorted.filter((key) => contains(range, key))
          expect(found).toEqual(left <= 0 ? wanted.slice(0, found.length) : wanted)
        }
        await Promise.all(asks.slice(0, 6).map(ask))
        for (const one of asks.slice(6)) await ask(one)
        await listing.close()
      },
    ),
    { numRuns: 60, seed: 1 },
  )
})
