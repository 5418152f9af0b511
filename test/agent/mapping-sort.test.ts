import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { compileFilter } from '../../agent/core/filter.ts'
import { listedRecords } from '../../agent/mapping/listed.ts'
import { compileMapping } from '../../agent/mapping/map-keys.ts'
import { fromRecord, type Placed, toRecord } from '../../agent/mapping/record.ts'
import { shiftedStorage } from '../../agent/mapping/shifted-storage.ts'
import { sortedStorage } from '../../agent/mapping/sorted-storage.ts'
import { listFailsAfter, memoryStorage } from '../../agent/storage/memory.ts'
import type { Entry, Storage } from '../../agent/storage/storage.ts'
import { type Key, keyFromText } from '../../shared/key.ts'
import type { Mapping } from '../../shared/mapping.ts'
import { type Filter, noFilter } from '../../shared/policy.ts'
import { contains, everything, type Range } from '../../shared/range.ts'

const spillDir = mkdtempSync(join(tmpdir(), 'dray-sort-'))
afterAll(() => rmSync(spillDir, { recursive: true }))
const { signal } = new AbortController()

const byteKey = fc.string({
  unit: fc.constantFrom('\0', '\x01', '\x02', 'a', 'b', '/', '\xc3', '\xff'),
  minLength: 1,
  maxLength: 6,
})
const boundary = fc.option(byteKey, { nil: null })
const rangeOf = fc.record({ after: boundary, through: boundary }) as fc.Arbitrary<Range>

const template = (to: string, pattern: string | null = null, unmatched: Mapping['unmatched'] = 'fail') =>
  ({ kind: 'template', pattern, to, unmatched }) as const

function mapped(source: Storage, mapping: Mapping, filter: Partial<Filter> = {}) {
  const map = compileMapping(mapping)
  const compiled = compileFilter({ ...noFilter, ...filter })
  return sortedStorage(source, { records: (s) => listedRecords(source, map, compiled, s), spillDir })
}

async function listed(storage: Storage, range: Range = everything, fresh = false): Promise<Entry[]> {
  const entries: Entry[] = []
  for await (const page of storage.list(range, { signal, fresh })) entries.push(...page)
  return entries
}

const names = (entries: Entry[]) => entries.map(({ key, origin = key }) => `${key} of ${origin}`)

describe('a record', () => {
  it('is what it was made of, and sorts as its place does', () => {
    const placed = fc.record({
      place: byteKey,
      key: byteKey,
      token: fc.string({ unit: 'binary', maxLength: 5 }).map((s) => Buffer.from(s).toString('latin1')),
      version: fc.option(byteKey, { nil: undefined }),
      message: fc.option(fc.string({ unit: 'binary', minLength: 1 }), { nil: undefined }),
    })
    fc.assert(
      fc.property(placed, placed, (a, b) => {
        const [x, y] = [a, b].map(({ place, key, token, version, message }): Placed => {
          const entry: Entry = { key: key as Key, kind: 'object', size: 7, mtime: 1e15 + 1, token }
          return {
            place: place as Key,
            entry: version === undefined ? entry : { ...entry, version },
            ...(message !== undefined && { refusal: { code: 'unmapped', message } }),
          }
        }) as [Placed, Placed]
        expect(fromRecord(toRecord(x))).toEqual(x)
        expect(toRecord(x)).not.toContain('\0')
        if (a.place !== b.place) expect(toRecord(x) < toRecord(y)).toBe(a.place < b.place)
      }),
    )
  })
})

describe('a mapped listing', () => {
  it('is the sorted map of the listing, in any range', async () => {
    const keys = fc.uniqueArray(byteKey, { maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(keys, rangeOf, async (given, range) => {
        const source = memoryStorage([], { pageSize: 7 })
        for (const key of given) source.putKey(key as Key, key)
        const storage = mapped(source, template('{base[-1]}{base}{dir}'))
        const places = compileMapping(template('{base[-1]}{base}{dir}')).places(given as Key[])
        const expected = new Map<Key, Key[]>()
        for (const [i, key] of given.entries()) {
          const place = typeof places[i] === 'string' ? places[i] : (key as Key)
          if (contains(range, place)) expected.set(place, [...(expected.get(place) ?? []), key as Key])
        }
        const got = await listed(storage, range)
        expect(got.map(({ key }) => key)).toEqual([...expected.keys()].sort())
        for (const entry of got) {
          const origins = entry.refused?.map(({ key }) => key) ?? [entry.origin ?? entry.key]
          expect(origins.sort()).toEqual(expected.get(entry.key)!.sort())
          if (!entry.refused) {
            const reading = await storage.head(entry.key, signal)
            expect(reading?.entry).toEqual(entry)
          }
        }
        await storage.close()
      }),
      { numRuns: 60 },
    )
  })

  it('is the same where it was spilled in many runs and blocks', async () => {
    const count = 12_000
    const reversed = (i: number) => [...String(i).padStart(6, '0')].reverse().join('')
    const source = memoryStorage()
    async function* records() {
      for (let i = 0; i < count; i += 500) {
        yield Array.from({ length: 500 }, (_, j) =>
          toRecord({
            place: keyFromText(`${reversed(i + j)}/${'x'.repeat(3_000)}`),
            entry: { key: keyFromText(`k${i + j}`), kind: 'object', size: i + j, mtime: 0, token: 't' },
          }),
        )
      }
    }
    const storage = sortedStorage(source, { records, spillDir })
    const all = await listed(storage)
    expect(all.length).toBe(count)
    expect(all.every(({ key }, i) => i === 0 || key > all[i - 1]!.key)).toBe(true)
    const [after, through] = [all[4_321]!.key, all[4_400]!.key]
    expect(await listed(storage, { after, through })).toEqual(all.slice(4_322, 4_401))
    await storage.close()
  })

  it('lists what would get one key as one failure of all', async () => {
    const source = memoryStorage([
      ['a/x', '1'],
      ['b/x', '22'],
      ['c/y', '3'],
    ])
    const storage = mapped(source, template('{base}'))
    const [x, y] = await listed(storage)
    expect(x!.key).toBe('x')
    expect(x!.refused).toEqual([
      { key: 'a/x', size: 1, code: 'key-clash', message: 'It would become x, and so would b/x.' },
      { key: 'b/x', size: 2, code: 'key-clash', message: 'It would become x, and so would a/x.' },
    ])
    expect(y).toMatchObject({ key: 'y', origin: 'c/y' })
    expect(await storage.head('x' as Key, signal)).toBeNull()
    expect(storage.blind).toBeNull()
  })

  it('names what it has no place for, under its own key, and then knows of nothing that it is superfluous', async () => {
    const source = memoryStorage([
      ['a/x', '1'],
      ['b', '22'],
    ])
    const storage = mapped(source, template('{n}', 'a/(?<n>.*)'))
    const [b, x] = await listed(storage)
    expect(b!.refused).toEqual([
      { key: 'b', size: 2, code: 'unmapped', message: 'The mapping does not match it.' },
    ])
    expect(names([x!])).toEqual(['x of a/x'])
    expect(storage.blind).toContain('no place for 1 of')
  })

  it('lists what it skips as little as what the filter leaves out', async () => {
    const source = memoryStorage([
      ['a/x', ''],
      ['a/y', ''],
      ['b', ''],
    ])
    const storage = mapped(source, template('{n}', 'a/(?<n>.*)', 'skip'), { exclude: ['y'] })
    expect(names(await listed(storage))).toEqual(['x of a/x'])
    expect(storage.blind).toBeNull()
  })

  it('reads, and looks again, at the source', async () => {
    const source = memoryStorage([['a', 'body']])
    const storage = mapped(source, template('x/{key:upper}'))
    const reading = await storage.read('x/A' as Key, { signal })
    expect(reading?.entry).toMatchObject({ key: 'x/A', origin: 'a', size: 4 })
    expect(await text(reading!.body)).toBe('body')
    source.objects.delete('a' as Key)
    expect(await storage.head('x/A' as Key, signal)).toBeNull()
    const just = { after: 'x' as Key, through: 'x/A' as Key }
    expect((await listed(storage, just)).length).toBe(1)
    expect(await listed(storage, just, true)).toEqual([])
    await expect(async () => storage.write('x/A' as Key, null!, null!, signal)).rejects.toThrow('only read')
  })

  it('is sorted anew after a listing that broke off, and is nothing until then', async () => {
    const source = memoryStorage(
      Array.from({ length: 30 }, (_, i) => [`k${i}`, '']),
      { pageSize: 10 },
    )
    const storage = mapped(source, template('{key[-1]}{key}'))
    source.faults = listFailsAfter(2)
    await expect(listed(storage)).rejects.toThrow('The store failed')
    source.faults = {}
    expect((await listed(storage)).length).toBe(30)
  })

  it('is given up by whoever goes away, and by all when it is closed', async () => {
    const source = memoryStorage(
      Array.from({ length: 30 }, (_, i) => [`k${i}`, '']),
      { pageSize: 10 },
    )
    const storage = mapped(source, template('{key[-1]}{key}'))
    const reached = Promise.withResolvers<void>()
    const held = Promise.withResolvers<void>()
    source.faults = {
      async before() {
        reached.resolve()
        await held.promise
      },
    }
    const leaving = new AbortController()
    const pages = storage.list(everything, { signal: leaving.signal })[Symbol.asyncIterator]()
    const first = pages.next()
    const staying = listed(storage)
    await reached.promise
    leaving.abort()
    await expect(first).rejects.toMatchObject({ code: 'interrupted' })
    const closed = storage.close()
    await expect(staying).rejects.toMatchObject({ code: 'interrupted' })
    await closed
    held.resolve()
    await expect(listed(storage)).rejects.toMatchObject({ code: 'interrupted' })
    expect(source.requests.list).toBe(1)
  })

  it('refuses a mapping that makes one key of thousands', async () => {
    const source = memoryStorage(Array.from({ length: 1_001 }, (_, i) => [`k${i}`, '']))
    await expect(listed(mapped(source, template('one')))).rejects.toThrow('More than 1,000 objects')
  })

  it('leaves no file behind', () => expect(readdirSync(spillDir)).toEqual([]))
})

it('shifts ranges with the keys that begin otherwise', async () => {
  const key = fc.string({ unit: fc.constantFrom('a', 'b', '/', 'c'), minLength: 1, maxLength: 5 })
  const prefix = fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 2 })
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(key, { maxLength: 30 }),
      prefix,
      prefix,
      fc.record({ after: fc.option(key, { nil: null }), through: fc.option(key, { nil: null }) }),
      async (keys, from, to, given) => {
        const range = given as Range
        const source = memoryStorage(keys.map((k) => [k, k]))
        const shift = { from: from as Key, to: to as Key }
        const storage = shiftedStorage(source, shift, compileFilter({ ...noFilter, exclude: ['c'] }))
        const places = keys
          .filter(
            (k) => k.startsWith(from) && k !== 'c' && !k.endsWith('/c') && to + k.slice(from.length) !== '',
          )
          .map((k) => (to + k.slice(from.length)) as Key)
          .filter((k) => contains(range, k))
        const got = await listed(storage, range)
        expect(got.map((entry) => entry.key)).toEqual(places.sort())
        for (const entry of got) expect((await storage.head(entry.key, signal))?.entry).toEqual(entry)
      },
    ),
  )
})
