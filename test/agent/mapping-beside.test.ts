import fc from 'fast-check'
import { expect, it } from 'vitest'
import { listBeside } from '../../agent/mapping/beside.ts'
import { memoryStorage } from '../../agent/storage/memory.ts'
import type { Entry, Storage } from '../../agent/storage/storage.ts'
import type { Key } from '../../shared/key.ts'
import { contains, everything, type Range } from '../../shared/range.ts'

const { signal } = new AbortController()

async function listed(list: Storage['list'], range: Range = everything): Promise<Entry[]> {
  const entries: Entry[] = []
  for await (const page of list(range, { signal })) entries.push(...page)
  return entries
}

const name = (i: number) => `key-${String(i).padStart(6, '0')}`

it('lists what a destination has under the keys of a source, and nothing else', async () => {
  const keys = fc.uniqueArray(fc.integer({ min: 0, max: 300 }), { maxLength: 60 })
  const bound = fc.option(fc.integer({ min: 0, max: 300 }), { nil: null })
  await fc.assert(
    fc.asyncProperty(keys, keys, bound, bound, fc.boolean(), async (ours, theirs, from, to, walks) => {
      const source = memoryStorage(
        ours.map((i) => [name(i), 's']),
        { pageSize: 9 },
      )
      const destination = memoryStorage(
        theirs.map((i) => [name(i), 'd']),
        { pageSize: 2, walks },
      )
      const range = {
        after: from === null ? null : name(from),
        through: to === null ? null : name(to),
      } as Range
      const expected = theirs
        .filter((i) => ours.includes(i))
        .map((i) => name(i) as Key)
        .filter((key) => contains(range, key))
      const got = await listed(listBeside(destination, source), range)
      expect(got.map(({ key }) => key)).toEqual(expected.sort())
    }),
    { numRuns: 60 },
  )
})

it('asks for single keys where they are far apart, and lists where they are not', async () => {
  const destination = memoryStorage(
    Array.from({ length: 20_000 }, (_, i) => [name(i), '']),
    { pageSize: 100 },
  )
  const far = memoryStorage(Array.from({ length: 20 }, (_, i) => [name(i * 1_000), '']))
  expect((await listed(listBeside(destination, far))).length).toBe(20)
  expect(destination.requests.list).toBeLessThan(10)
  expect(destination.requests.head).toBeLessThan(21)

  const near = memoryStorage(Array.from({ length: 500 }, (_, i) => [name(5_000 + i), '']))
  const { list, head } = destination.requests
  expect((await listed(listBeside(destination, near))).length).toBe(500)
  expect(destination.requests.list - list).toBeLessThan(8)
  expect(destination.requests.head - head).toBe(0)
})
