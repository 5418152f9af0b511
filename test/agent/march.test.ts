import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { march, type Pair } from '../../agent/march.ts'
import type { Entry } from '../../agent/storage/storage.ts'
import { type Key, keyFromBytes, keyFromText } from '../../shared/key.ts'
import { contains, everything, type Range } from '../../shared/range.ts'

const entry = (key: string): Entry => ({ key: key as Key, kind: 'object', size: 1, mtime: 0, token: key })

async function* pages(...keys: string[][]): AsyncGenerator<Entry[]> {
  for (const page of keys) yield page.map(entry)
}

async function collect(pairs: AsyncIterable<Pair[]>): Promise<string[]> {
  const out: string[] = []
  for await (const batch of pairs) {
    expect(batch.length).toBeGreaterThan(0)
    for (const { key, source, destination } of batch) {
      expect([source?.key ?? key, destination?.key ?? key]).toEqual([key, key])
      out.push(`${source ? 's' : ''}${destination ? 'd' : ''}:${key}`)
    }
  }
  return out
}

/** A listing that says how far it was asked, and that it was closed; it may wait before a page. */
function watched(listing: string[][], before: (page: number) => Promise<void> = async () => {}) {
  const seen = { asked: 0, closed: false }
  async function* list(): AsyncGenerator<Entry[]> {
    try {
      for (const [i, page] of listing.entries()) {
        seen.asked = i + 1
        await before(i)
        yield page.map(entry)
      }
    } finally {
      seen.closed = true
    }
  }
  return { seen, pages: list() }
}

fc.configureGlobal({ seed: 1 })

describe('march', () => {
  it('pairs what is on both sides and tells what is on one', async () => {
    const pairs = march(pages(['a', 'b'], ['d', 'f']), pages(['b', 'c', 'd'], [], ['e', 'g']), everything)
    expect(await collect(pairs)).toEqual(['s:a', 'sd:b', 'd:c', 'sd:d', 'd:e', 's:f', 'd:g'])
  })

  it('has nothing to tell of two empty listings, and takes empty pages', async () => {
    expect(await collect(march(pages(), pages([], []), everything))).toEqual([])
    expect(await collect(march(pages([], ['a'], []), pages(), everything))).toEqual(['s:a'])
  })

  it('agrees with a merge of two sets, however the listings are cut into pages', async () => {
    const key = fc.uint8Array({ minLength: 0, maxLength: 3 }).map((bytes) => keyFromBytes(bytes))
    const side = fc.tuple(
      fc.uniqueArray(key, { maxLength: 30 }),
      fc.infiniteStream(fc.integer({ min: 0, max: 7 })),
    )
    const cut = ([keys, lengths]: [Key[], Iterator<number>]) => {
      const sorted = keys.toSorted((a, b) => (a < b ? -1 : 1))
      const out: string[][] = []
      for (let at = 0; at < sorted.length; ) {
        const length = lengths.next().value as number
        out.push(sorted.slice(at, at + length))
        at += length
      }
      return out
    }
    await fc.assert(
      fc.asyncProperty(side, side, async (left, right) => {
        const all = [...new Set([...left[0], ...right[0]])].sort((a, b) => (a < b ? -1 : 1))
        const expected = all.map(
          (k) => `${left[0].includes(k) ? 's' : ''}${right[0].includes(k) ? 'd' : ''}:${k}`,
        )
        expect(await collect(march(pages(...cut(left)), pages(...cut(right)), everything))).toEqual(expected)
      }),
    )
  })

  it('orders by bytes, where text would order otherwise', async () => {
    const astral = keyFromText('\u{10000}')
    const high = keyFromText('\uffee')
    expect(high < astral).toBe(true)
    expect(await collect(march(pages([high, astral]), pages([astral]), everything))).toEqual([
      `s:${high}`,
      `sd:${astral}`,
    ])
  })

  it.each([
    [
      'source',
      () => march(pages(['b', 'a']), pages(), everything),
      /source.*does not rise: a was listed after b/,
    ],
    ['source', () => march(pages(['a'], ['a']), pages(), everything), /source.*a was listed twice/],
    [
      'destination',
      () => march(pages(['x']), pages(['b'], ['c', 'a']), everything),
      /destination.*a .*after c/,
    ],
    ['destination', () => march(pages(), pages(['\x1b[31m', '\x02']), everything), /\\?u\{2\}/],
  ])('refuses a %s that does not rise, and names the keys', async (side, start, message) => {
    const rejection = expect(collect(start())).rejects
    await rejection.toMatchObject({
      code: 'unordered',
      op: `list ${side}`,
      message: expect.stringMatching(message),
    })
  })

  it('refuses keys outside the range on either side', async () => {
    const range: Range = { after: 'b' as Key, through: 'd' as Key }
    expect(await collect(march(pages(['c', 'd']), pages(['b0']), range))).toEqual(['d:b0', 's:c', 's:d'])
    for (const listing of [['b'], ['a', 'c'], ['c', 'e'], ['d0']]) {
      expect(listing.every((key) => contains(range, key as Key))).toBe(false)
      await expect(collect(march(pages(listing), pages(), range))).rejects.toMatchObject({
        code: 'out-of-range',
        op: 'list source',
      })
      await expect(collect(march(pages(), pages(listing), range))).rejects.toMatchObject({
        code: 'out-of-range',
        op: 'list destination',
      })
    }
  })

  it('asks both sides for pages at the same time, and for the next one while the last is used', async () => {
    // Each side's first page comes only once the other has been asked: one after the other would wait for ever.
    const first = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const
    const wait = (mine: 0 | 1) => async (page: number) => {
      if (page > 0) return
      first[mine].resolve()
      await first[1 - mine]!.promise
    }
    const left = watched([['a'], ['c'], ['e'], ['g']], wait(0))
    const right = watched([['b'], ['d'], ['f'], ['h']], wait(1))
    const pairs = march(left.pages, right.pages, everything)
    await pairs.next()
    expect([left.seen.asked, right.seen.asked]).toEqual([2, 2])
    await pairs.return(undefined)
  })

  it('ends both listings when it is left early', async () => {
    const left = watched([['a'], ['b'], ['c']])
    const right = watched([['a'], ['b'], ['c']])
    for await (const _ of march(left.pages, right.pages, everything)) break
    expect([left.seen.closed, right.seen.closed]).toEqual([true, true])
  })

  it('throws what a listing throws, and ends the other', async () => {
    async function* broken(): AsyncGenerator<Entry[]> {
      yield [entry('a')]
      throw new Error('the store went away')
    }
    const other = watched([['a'], ['b'], ['c']])
    await expect(collect(march(other.pages, broken(), everything))).rejects.toThrow('the store went away')
    expect(other.seen.closed).toBe(true)
  })
})
